// Probe stands beside an unchanged image in its task, sees when the task is ready, and writes one line about it.
//
// It is told by its environment: READY (http:8080/health, tcp:8080, port:8080, exit:0, healthcheck; log: is seen by
// whoever reads the log), CONTAINER (the measured one's name), TIMEOUT_SECONDS, and perhaps PACE_MS (20: between two
// questions). Ports are asked at the task's own addresses, as whoever uses the task would; a body is never read. The rest is told by the task's metadata.
// A task that is not ready yet has a line now and then that says what was seen last.
// Exit codes: 0 once the line is written, ready or not, 1 when it could not be written, 2 for a wrong environment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const (
	exitFailed   = 1
	exitUsage    = 2
	reportSchema = 1
	nothingSeen  = "nothing was seen yet"
	longestPause = 30 * time.Second
)

// How long after its start the probe says for the first time that the task is not ready; then after twice as long,
// up to longestPause. A variable, so that tests need not wait.
var firstPause = 5 * time.Second

// Report is a line on standard output. Schema history: 1 — first version.
// ReadyNs is in nanoseconds since the epoch on the task's clock; nil when the task was not seen to be ready. Final:
// no other line follows.
type Report struct {
	SchemaVersion     int         `json:"probe_schema_version"`
	TaskARN           string      `json:"task_arn"`
	Ready             string      `json:"ready"`
	ReadyNs           *int64      `json:"ready_ns"`
	Seen              string      `json:"seen"`
	Final             bool        `json:"final"`
	ClockErrorBoundMs *float64    `json:"clock_error_bound_ms"`
	Containers        []Container `json:"containers"`
}

func main() {
	// The first process of a container gets no signal that it does not ask for.
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	code := run(ended, os.Getenv, os.Stdout, os.Stderr)
	if question, err := parse(os.Getenv("READY")); err == nil && question.kind == "exit" {
		<-ended.Done() // when the measured container has ended, the task lives as long as the probe
	}
	os.Exit(code)
}

func run(ended context.Context, env func(string) string, out, errs io.Writer) int {
	question, err := parse(env("READY"))
	if err != nil {
		return wrong(errs, err)
	}
	limit, err := strconv.ParseFloat(env("TIMEOUT_SECONDS"), 64)
	if err != nil || !(limit > 0 && limit < 1e6) {
		return wrong(errs, fmt.Errorf("TIMEOUT_SECONDS %q is not a number of seconds", env("TIMEOUT_SECONDS")))
	}
	if text := env("PACE_MS"); text != "" {
		pace, err := strconv.ParseUint(text, 10, 16)
		if err != nil || pace == 0 {
			return wrong(errs, fmt.Errorf("PACE_MS %q is not a number of milliseconds", text))
		}
		question.pace = time.Duration(pace) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ended, time.Duration(limit*float64(time.Second)))
	defer cancel()
	task := Task{env(metadataVariable), env("CONTAINER")}
	if err := watch(ctx, question, task, out, errs); err != nil {
		fmt.Fprintf(errs, "probe: the line cannot be written: %v\n", err)
		return exitFailed
	}
	return 0
}

// watch writes what is seen until the task is ready, never will be, or ctx ends.
func watch(ctx context.Context, question Question, task Task, out, errs io.Writer) error {
	identity, err := task.identify(ctx)
	if err != nil {
		fmt.Fprintf(errs, "probe: %v\n", err)
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	last := sighting{Answer: Answer{seen: nothingSeen}}
	sightings := question.sightings(watching, task, identity, &last)
	pause := firstPause
	for waiting := time.NewTimer(pause); !last.final && !last.ready; {
		select {
		case last = <-sightings:
		case <-waiting.C:
			if err := write(ctx, question, task, last, out); err != nil {
				return err
			}
			pause = min(2*pause, longestPause)
			waiting.Reset(pause)
		case <-ctx.Done():
			last.final = true
		}
	}
	last.final = true
	return write(ctx, question, task, last, out)
}

// write asks anew who the task is: a container that had not started at the beginning had no snapshotter yet.
func write(ctx context.Context, question Question, task Task, last sighting, out io.Writer) error {
	identity, _ := task.identify(context.WithoutCancel(ctx)) // what it cannot tell was said at the beginning
	report := Report{
		SchemaVersion: reportSchema, TaskARN: identity.TaskARN, Ready: question.text, Seen: last.seen, Final: last.final,
		ClockErrorBoundMs: identity.ClockErrorBoundMs, Containers: identity.Containers,
	}
	if last.ready {
		report.ReadyNs = &last.ns
	}
	line, err := json.Marshal(report)
	if err == nil {
		_, err = out.Write(append(line, '\n'))
	}
	return err
}

func wrong(errs io.Writer, err error) int {
	fmt.Fprintf(errs, "probe: %v\n", err)
	return exitUsage
}
