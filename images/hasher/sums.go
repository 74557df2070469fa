package main

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Sums are the hashes of one file, in lower-case hexadecimal. CRC-32 is the IEEE polynomial of zip and PNG,
// Adler-32 that of RFC 1950; both are printed with the most significant digit first.
type Sums struct {
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"`
	MD5     string `json:"md5"`
	SHA1    string `json:"sha1"`
	SHA256  string `json:"sha256"`
	SHA512  string `json:"sha512"`
	CRC32   string `json:"crc32"`
	Adler32 string `json:"adler32"`
}

// named gives the hashes in the order in which they are printed, under coreutils' names for them.
func (s Sums) named() [][2]string {
	return [][2]string{
		{"MD5", s.MD5}, {"SHA1", s.SHA1}, {"SHA256", s.SHA256},
		{"SHA512", s.SHA512}, {"CRC32", s.CRC32}, {"ADLER32", s.Adler32},
	}
}

// A Hasher reads files once and computes all sums at the same time, one goroutine a hash. Its buffers are
// used again for the next file. One file at a time.
type Hasher struct {
	ring *ring
}

// NewHasher allocates the buffers.
func NewHasher() *Hasher {
	return &Hasher{ring: newRing()}
}

// File hashes one regular file (or anything else that can be read to an end).
// Its errors are one line that names the file.
func (h *Hasher) File(path string) (Sums, error) {
	file, err := os.Open(path)
	if err != nil {
		return Sums{}, named(path, err)
	}
	defer file.Close()
	sums, err := h.Read(file)
	if err != nil {
		return Sums{}, named(path, err)
	}
	sums.Path = path
	return sums, nil
}

// Read hashes all that source gives.
func (h *Hasher) Read(source io.Reader) (Sums, error) {
	hashes := []hash.Hash{md5.New(), sha1.New(), sha256.New(), sha512.New(), crc32.NewIEEE(), adler32.New()}
	total, err := h.pump(source, hashes)
	if err != nil {
		return Sums{}, err
	}
	text := func(i int) string { return hex.EncodeToString(hashes[i].Sum(nil)) }
	return Sums{
		Bytes: total, MD5: text(0), SHA1: text(1), SHA256: text(2), SHA512: text(3), CRC32: text(4), Adler32: text(5),
	}, nil
}

func (h *Hasher) pump(source io.Reader, hashes []hash.Hash) (int64, error) {
	var running sync.WaitGroup
	consumers := make([]chan *buffer, len(hashes))
	for i, sum := range hashes {
		consumer := make(chan *buffer, bufferCount)
		consumers[i] = consumer
		running.Go(func() {
			for b := range consumer {
				sum.Write(b.data)
				h.ring.release(b)
			}
		})
	}
	total, err := h.ring.feed(source, consumers)
	running.Wait()
	return total, err
}

// named puts the file's name before the reason, without the name of the system call.
func named(path string, err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return &fileError{Path: path, Reason: err.Error()}
}

type fileError struct {
	Path   string `json:"path"`
	Reason string `json:"error"`
}

func (e *fileError) Error() string { return oneLine(e.Path) + ": " + e.Reason }
