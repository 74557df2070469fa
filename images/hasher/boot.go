package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Report is boot.json, and the line on standard output. Schema history: 1 — first version.
// Times are nanoseconds since the epoch on this machine's clock, whose error bound stands beside them.
type Report struct {
	SchemaVersion     int      `json:"schema_version"`
	Variant           string   `json:"variant"`
	TaskARN           string   `json:"task_arn"`
	Snapshotter       *string  `json:"snapshotter"`
	ClockErrorBoundMs *float64 `json:"clock_error_bound_ms"`
	StartedNs         int64    `json:"started_ns"`
	FinishedNs        int64    `json:"finished_ns"`
	Files             []Sums   `json:"files"`
}

const reportSchema = 1

func runBoot(args []string, started time.Time, out, errs io.Writer) int {
	flags := flag.NewFlagSet("hasher boot", flag.ContinueOnError)
	variant := flags.String("variant", "", "the workload's name in the report")
	docroot := flags.String("docroot", ".", "the folder that the web server serves")
	usage := "hasher boot --variant NAME --docroot DIR FILE..."
	if code, ok := parse(flags, args, usage, errs); !ok {
		return code
	}
	report := Report{SchemaVersion: reportSchema, Variant: *variant, StartedNs: started.UnixNano()}
	line, err := boot(report, *docroot, flags.Args(), errs)
	if err != nil {
		line, _ = json.Marshal(map[string]string{"error": err.Error()})
		fmt.Fprintf(out, "%s\n", line)
		return exitFailed
	}
	out.Write(line)
	return 0
}

// boot hashes the files and publishes status, hashes.txt and boot.json in docroot, the last two only when
// everything went well. It returns boot.json as one line.
func boot(report Report, docroot string, paths []string, errs io.Writer) ([]byte, error) {
	if err := withdraw(docroot); err != nil {
		return nil, err
	}
	identity := make(chan identified, 1)
	go func() { identity <- introduce(docroot) }()
	sums, err := hashAll(paths)
	report.FinishedNs = time.Now().UnixNano()
	who := <-identity
	if who.metadataError != nil {
		fmt.Fprintf(errs, "hasher: %v\n", who.metadataError)
	}
	if err := errors.Join(err, who.statusError); err != nil {
		return nil, err
	}
	report.TaskARN, report.Snapshotter, report.ClockErrorBoundMs = who.TaskARN, who.Snapshotter, who.ClockErrorBoundMs
	report.Files = sums
	return publish(report, docroot)
}

func hashAll(paths []string) ([]Sums, error) {
	hasher, all := NewHasher(), make([]Sums, 0, len(paths))
	for _, path := range paths {
		sums, err := hasher.File(path)
		if err != nil {
			return nil, err
		}
		all = append(all, sums)
	}
	return all, nil
}

// withdraw removes what an earlier boot of the same container published: it is not this boot's.
func withdraw(docroot string) error {
	for _, name := range []string{"boot.json", "hashes.txt", "status"} {
		if err := os.Remove(filepath.Join(docroot, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

type identified struct {
	Identity
	metadataError, statusError error
}

// introduce finds out who this task is and publishes it as status. It runs beside the hashing, so that a
// slow endpoint does not lengthen the boot that is measured.
func introduce(docroot string) identified {
	identity, err := identify(context.Background(), os.Getenv(metadataVariable))
	raw := identity.RawTask
	if raw == nil {
		raw = []byte("{}\n")
	}
	return identified{identity, err, replace(filepath.Join(docroot, "status"), raw)}
}

// publish writes boot.json last: whoever sees it can rely on the rest.
func publish(report Report, docroot string) ([]byte, error) {
	line, err := json.Marshal(report)
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	if err := replace(filepath.Join(docroot, "hashes.txt"), hashesText(report)); err != nil {
		return nil, err
	}
	return line, replace(filepath.Join(docroot, "boot.json"), line)
}

func hashesText(report Report) []byte {
	var text bytes.Buffer
	for _, sums := range report.Files {
		writeText(&text, sums)
	}
	finished := time.Unix(0, report.FinishedNs).UTC().Format(time.RFC3339Nano)
	fmt.Fprintf(&text, "Task: %s\nFinished: %s\n", report.TaskARN, finished)
	return text.Bytes()
}

// replace makes a file appear whole or not at all.
func replace(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
