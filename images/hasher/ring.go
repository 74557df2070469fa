package main

import (
	"io"
	"sync/atomic"
)

// Eight buffers let the fast hashes run ahead of the slow ones; at this size a buffer is still in the
// second-level cache when the last hash reads it. Together they are the program's whole variable memory.
const (
	bufferBytes = 128 << 10
	bufferCount = 8
)

// A buffer is filled by the reader, then only read, by all its consumers at once; the last one gives it back.
type buffer struct {
	data    []byte
	readers atomic.Int32
}

// A ring is a bounded set of buffers that go round between one reader and its consumers: a reader that is
// faster than the slowest consumer waits, so memory stays the same whatever the file's size.
type ring struct {
	free chan *buffer
}

func newRing() *ring {
	r := &ring{free: make(chan *buffer, bufferCount)}
	for range bufferCount {
		r.free <- &buffer{data: make([]byte, 0, bufferBytes)}
	}
	return r
}

// release says that one consumer has read the buffer.
func (r *ring) release(b *buffer) {
	if b.readers.Add(-1) == 0 {
		r.free <- b
	}
}

// feed reads source to its end and hands every buffer to each consumer, in order. It closes the consumers'
// channels when it returns, with the number of bytes read.
func (r *ring) feed(source io.Reader, consumers []chan *buffer) (int64, error) {
	defer func() {
		for _, consumer := range consumers {
			close(consumer)
		}
	}()
	var total int64
	for {
		b := <-r.free
		n, err := io.ReadFull(source, b.data[:bufferBytes])
		if n == 0 {
			r.free <- b
			return total, endOfFile(err)
		}
		total += int64(n)
		b.data = b.data[:n]
		b.readers.Store(int32(len(consumers)))
		for _, consumer := range consumers {
			consumer <- b
		}
		if err != nil {
			return total, endOfFile(err)
		}
	}
}

func endOfFile(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}
