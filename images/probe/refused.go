package main

import (
	"errors"
	"net/netip"
	"syscall"
)

// refused tells that nobody listens at an address of this machine, in three system calls: net.Dial takes twenty times
// as much CPU, and until the task listens this question is all that the probe does, on the task's own share.
func refused(address netip.AddrPort) bool {
	family := syscall.AF_INET6
	if address.Addr().Is4() {
		family = syscall.AF_INET
	}
	socket, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(socket)
	return errors.Is(syscall.Connect(socket, socketAddress(address)), syscall.ECONNREFUSED)
}

func socketAddress(address netip.AddrPort) syscall.Sockaddr {
	if address.Addr().Is4() {
		return &syscall.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}
	}
	return &syscall.SockaddrInet6{Port: int(address.Port()), Addr: address.Addr().As16()}
}
