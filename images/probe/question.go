package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	usualPace    = 20 * time.Millisecond
	maxHeadBytes = 64 << 10
	maxLocation  = 200
)

// How long one question may take; the next one asks again. A variable, so that tests need not wait.
var questionTimeout = 5 * time.Second

// Question is what a task is asked. Port 0: its ports are not asked. Code is the one that a job ends with.
type Question struct {
	text, kind, path string
	port, code       int
	pace             time.Duration
}

// Answer tells whether the task is ready, and what was seen, to be read after "port 8080". The words are the
// lab's (infra/lab/probe.py).
type Answer struct {
	ready bool
	seen  string
}

// A sighting is an answer and when it came; final: the task will never be ready.
type sighting struct {
	Answer
	ns    int64
	final bool
}

// parse reads a readiness as infra/readiness.py writes it.
func parse(text string) (Question, error) {
	kind, rest, _ := strings.Cut(text, ":")
	question := Question{text: text, kind: kind, path: "/", pace: usualPace}
	switch kind {
	case "log", "healthcheck":
		return question, nil
	case "exit":
		code, err := strconv.ParseUint(rest, 10, 8)
		if err != nil {
			return question, fmt.Errorf("READY %q: %q is not an exit code", text, rest)
		}
		question.code = int(code)
		return question, nil
	case "http":
		digits, path, _ := strings.Cut(rest, "/")
		question.path, rest = "/"+path, digits
	case "tcp", "port":
	default:
		return question, fmt.Errorf("READY %q is none of http:PORT/PATH, tcp:PORT, port:PORT, log:, exit:, healthcheck", text)
	}
	port, err := strconv.ParseUint(rest, 10, 16)
	if err != nil || port == 0 {
		return question, fmt.Errorf("READY %q: %q is not a port", text, rest)
	}
	if strings.ContainsFunc(question.path, unicode.IsSpace) {
		return question, fmt.Errorf("READY %q: a path holds no spaces", text)
	}
	question.port = int(port)
	return question, nil
}

// sightings are what is seen of the task from now on. What can be said at once is put into last.
func (question Question) sightings(ctx context.Context, task Task, identity Identity, last *sighting) <-chan sighting {
	sightings := make(chan sighting)
	switch {
	case question.kind == "log":
		*last = sighting{Answer{false, "the log is read by others"}, 0, true}
	case question.kind == "exit" || question.kind == "healthcheck":
		go keepLooking(ctx, question, task, sightings)
	case len(identity.Addresses) == 0:
		*last = sighting{Answer{false, "the metadata endpoint tells no address of the task"}, 0, true}
	default:
		// Each address at its own pace, so that one that hangs does not hold up the others.
		for _, address := range identity.Addresses {
			go keepAsking(ctx, question, net.JoinHostPort(address, strconv.Itoa(question.port)), sightings)
		}
	}
	return sightings
}

func keepAsking(ctx context.Context, question Question, address string, sightings chan<- sighting) {
	ticker := time.NewTicker(question.pace)
	defer ticker.Stop()
	for {
		answer := look(question, address)
		select {
		case sightings <- sighting{Answer: answer, ns: time.Now().UnixNano()}:
		case <-ctx.Done():
			return
		}
		<-ticker.C
	}
}

// look asks once.
func look(question Question, address string) Answer {
	if numeric, err := netip.ParseAddrPort(address); err == nil && refused(numeric) {
		return Answer{false, "connection refused at " + address}
	}
	until := time.Now().Add(questionTimeout)
	connection, err := net.DialTimeout("tcp", address, questionTimeout)
	if err != nil {
		return Answer{false, refusal(err, address)}
	}
	defer connection.Close()
	if question.kind == "tcp" {
		return Answer{true, "accepts connections"}
	}
	connection.SetDeadline(until)
	status, location, err := head(connection, question.path, address)
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return Answer{false, fmt.Sprintf("accepts connections and did not answer within %g s", questionTimeout.Seconds())}
	case err != nil:
		// What closes a connection without a word, or speaks another protocol, is no HTTP server.
		return Answer{question.kind == "port", "accepts connections and does not speak HTTP"}
	case status == http.StatusOK:
		return Answer{true, "answered 200"}
	case location != "":
		return Answer{false, fmt.Sprintf("answered %d to %s at %s", status, cut(location), question.path)}
	}
	return Answer{false, fmt.Sprintf("answered %d at %s", status, question.path)}
}

// head sends a GET and reads the head of its answer; no redirect is followed and no body is read.
func head(connection net.Conn, path, address string) (status int, location string, err error) {
	if _, err = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address); err != nil {
		return 0, "", err
	}
	reader := bufio.NewReader(io.LimitReader(connection, maxHeadBytes))
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return 0, "", err
		}
		if response.StatusCode != http.StatusContinue {
			return response.StatusCode, response.Header.Get("Location"), nil
		}
	}
}

func refusal(err error, address string) string {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return fmt.Sprintf("did not accept a connection within %g s at %s", questionTimeout.Seconds(), address)
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return fmt.Sprintf("%s at %s", strings.ToLower(number.Error()), address)
	}
	return fmt.Sprintf("%v at %s", err, address)
}

func cut(location string) string {
	if len(location) > maxLocation {
		location = location[:maxLocation]
	}
	return strings.ToValidUTF8(location, "")
}
