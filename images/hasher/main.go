// Hasher computes MD5, SHA-1, SHA-256, SHA-512, CRC-32 and Adler-32 of files, each file read once.
//
//	hasher [--json] FILE...
//	hasher boot --variant NAME --docroot DIR FILE...
//
// `boot` is a workload's boot work: it hashes the files and leaves a report for the web server to serve.
// Exit codes: 0, 1 when a file could not be hashed (the others are), 2 for a wrong call.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	started := time.Now()
	os.Exit(run(os.Args[1:], started, os.Stdout, os.Stderr))
}

func run(args []string, started time.Time, out, errs io.Writer) int {
	if len(args) > 0 && args[0] == "boot" {
		return runBoot(args[1:], started, out, errs)
	}
	return runFiles(args, out, errs)
}

func runFiles(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("hasher", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print one JSON object instead of text")
	if code, ok := parse(flags, args, "hasher [--json] FILE...", errs); !ok {
		return code
	}
	printAll := printText
	if *asJSON {
		printAll = printJSON
	}
	failed, err := printAll(flags.Args(), out, errs)
	if err != nil {
		fmt.Fprintf(errs, "hasher: cannot write the result: %v\n", err)
	}
	if failed || err != nil {
		return exitFailed
	}
	return 0
}

func printText(paths []string, out, errs io.Writer) (failed bool, err error) {
	return eachFile(paths, errs, func(sums Sums) error { return writeText(out, sums) }, func(*fileError) {})
}

// printJSON prints {"files": [sums…], "errors": [{"path", "error"}…]}.
func printJSON(paths []string, out, errs io.Writer) (failed bool, err error) {
	result := struct {
		Files  []Sums       `json:"files"`
		Errors []*fileError `json:"errors"`
	}{[]Sums{}, []*fileError{}}
	keep := func(sums Sums) error { result.Files = append(result.Files, sums); return nil }
	failed, _ = eachFile(paths, errs, keep, func(e *fileError) { result.Errors = append(result.Errors, e) })
	return failed, json.NewEncoder(out).Encode(result)
}

// eachFile hashes all files, whatever becomes of the others, and writes a line for each that could not be.
func eachFile(paths []string, errs io.Writer, done func(Sums) error, failure func(*fileError)) (bool, error) {
	hasher, failed := NewHasher(), false
	for _, path := range paths {
		sums, err := hasher.File(path)
		var problem *fileError
		if errors.As(err, &problem) {
			fmt.Fprintf(errs, "hasher: %v\n", problem)
			failure(problem)
			failed = true
		} else if err := done(sums); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// parse reads flags and at least one file; without success it has said why, and the exit code is given.
func parse(flags *flag.FlagSet, args []string, usage string, errs io.Writer) (int, bool) {
	flags.SetOutput(errs)
	flags.Usage = func() {
		fmt.Fprintf(errs, "usage: %s\n", usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0, false
	} else if err != nil {
		return exitUsage, false
	}
	if flags.NArg() == 0 {
		fmt.Fprintf(errs, "hasher: no file is named; usage: %s\n", usage)
		return exitUsage, false
	}
	return 0, true
}
