// Probe stands beside an unchanged image in its task, asks when the task is ready, and writes one line about it.
//
// It is told by its environment: READY (http:8080/health, tcp:8080, port:8080; log:, exit: and healthcheck are seen
// by others, and then it only tells who the task is) and TIMEOUT_SECONDS. It asks at the task's own addresses, as
// whoever uses the task would, and never reads a body.
// Exit codes: 0 once the line is written, ready or not, 1 when it could not be written, 2 for a wrong environment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

const (
	exitFailed   = 1
	exitUsage    = 2
	reportSchema = 1
	nothingSeen  = "nothing was asked yet"
)

// Report is the line on standard output. Schema history: 1 — first version.
// ReadyNs is in nanoseconds since the epoch on the task's clock; nil when the task was not seen to be ready.
type Report struct {
	SchemaVersion     int         `json:"probe_schema_version"`
	TaskARN           string      `json:"task_arn"`
	Ready             string      `json:"ready"`
	ReadyNs           *int64      `json:"ready_ns"`
	Seen              string      `json:"seen"`
	ClockErrorBoundMs *float64    `json:"clock_error_bound_ms"`
	Containers        []Container `json:"containers"`
}

func main() {
	os.Exit(run(os.Getenv, os.Stdout, os.Stderr))
}

func run(env func(string) string, out, errs io.Writer) int {
	question, err := parse(env("READY"))
	if err != nil {
		return wrong(errs, err)
	}
	limit, err := strconv.ParseFloat(env("TIMEOUT_SECONDS"), 64)
	if err != nil || !(limit > 0 && limit < 1e6) {
		return wrong(errs, fmt.Errorf("TIMEOUT_SECONDS %q is not a number of seconds", env("TIMEOUT_SECONDS")))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(limit*float64(time.Second)))
	defer cancel()
	line, err := json.Marshal(watch(ctx, question, env(metadataVariable), errs))
	if err == nil {
		_, err = out.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintf(errs, "probe: the line cannot be written: %v\n", err)
		return exitFailed
	}
	return 0
}

// watch asks until the task is ready or ctx ends. Who the task is is asked again at the end: a container that had
// not started at the beginning had no snapshotter yet.
func watch(ctx context.Context, question Question, base string, errs io.Writer) Report {
	identity, err := identify(ctx, base)
	if err != nil {
		fmt.Fprintf(errs, "probe: %v\n", err)
	}
	report := Report{SchemaVersion: reportSchema, Ready: question.text}
	if question.port == 0 {
		report.Seen = "not asked by the probe"
	} else if len(identity.Addresses) == 0 {
		report.Seen = "the metadata endpoint tells no address of the task"
	} else {
		report.ReadyNs, report.Seen = untilReady(ctx, question, identity.Addresses)
	}
	again, err := identify(context.WithoutCancel(ctx), base)
	if err == nil {
		identity = again
	}
	report.TaskARN, report.ClockErrorBoundMs, report.Containers = identity.TaskARN, identity.ClockErrorBoundMs, identity.Containers
	return report
}

func wrong(errs io.Writer, err error) int {
	fmt.Fprintf(errs, "probe: %v\n", err)
	return exitUsage
}
