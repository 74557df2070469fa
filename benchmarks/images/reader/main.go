// reader boots as an application does: it reads the files that a list names, one after another, computes for a while
// between them, and then answers HTTP on port 8080.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	list := flag.String("list", "/reads.txt", "file with one path a line")
	steps := flag.Int64("steps", 0, "steps of computing, spread over the files")
	flag.Parse()
	if err := boot(*list, *steps); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/health", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":8080", nil))
	os.Exit(1)
}

// boot reads every file of the list whole.
func boot(list string, steps int64) error {
	paths, err := lines(list)
	if err != nil {
		return err
	}
	state, total := uint64(1), int64(0)
	for _, path := range paths {
		read, err := readWhole(path)
		if err != nil {
			return err
		}
		total += read
		state = compute(state, steps/int64(len(paths)))
	}
	fmt.Printf("read %d files, %d bytes; %d\n", len(paths), total, state)
	return nil
}

func lines(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		found = append(found, scanner.Text())
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s names no file", path)
	}
	return found, nil
}

func readWhole(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return io.Copy(io.Discard, file)
}

// compute is a chain of steps that no compiler shortens (a linear congruential generator: Knuth, MMIX).
func compute(state uint64, steps int64) uint64 {
	for range steps {
		state = state*6364136223846793005 + 1442695040888963407
	}
	return state
}
