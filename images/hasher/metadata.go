package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	metadataVariable = "ECS_CONTAINER_METADATA_URI_V4"
	metadataTimeout  = time.Second // for one request; the endpoint lies on the task's own machine
	metadataAttempts = 4
	metadataPause    = 100 * time.Millisecond // doubled after every attempt
	metadataMaxBytes = 1 << 20
	unknownTask      = "unknown"
)

// Identity is what a task knows of itself. Nil is what the endpoint did not tell.
type Identity struct {
	TaskARN           string
	Snapshotter       *string
	ClockErrorBoundMs *float64
	RawTask           []byte // the answer of /task as it came; nil without an answer
}

// The parts that are read of the answers of the ECS task metadata endpoint, version 4:
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-response.html
type (
	clock struct {
		ClockErrorBound *float64 // milliseconds
		ClockDrift      *struct {
			ClockErrorBound            *float64
			ClockSynchronizationStatus string
		}
	}
	containerAnswer struct {
		clock
		DockerID    string `json:"DockerId"`
		Snapshotter string
	}
	taskAnswer struct {
		clock
		TaskARN    string
		Containers []containerAnswer
	}
)

// identify asks the endpoint at base who this task is. An empty base means that there is no endpoint, which
// is no error; with an endpoint that does not answer, what is known is returned beside the error.
func identify(ctx context.Context, base string) (Identity, error) {
	if base == "" {
		return Identity{TaskARN: unknownTask}, nil
	}
	base = strings.TrimSuffix(base, "/")
	var task taskAnswer
	raw, err := ask(ctx, base+"/task", &task)
	if err != nil {
		return Identity{TaskARN: unknownTask}, err
	}
	var own containerAnswer
	_, err = ask(ctx, base, &own)
	return combine(task, own, raw), err
}

func combine(task taskAnswer, own containerAnswer, raw []byte) Identity {
	listed := find(task.Containers, own.DockerID)
	identity := Identity{TaskARN: task.TaskARN, RawTask: raw}
	if identity.TaskARN == "" {
		identity.TaskARN = unknownTask
	}
	for _, container := range []containerAnswer{own, listed} {
		if identity.Snapshotter == nil && container.Snapshotter != "" {
			identity.Snapshotter = &container.Snapshotter
		}
	}
	for _, told := range []clock{own.clock, listed.clock, task.clock} {
		if identity.ClockErrorBoundMs == nil {
			identity.ClockErrorBoundMs = told.bound()
		}
	}
	return identity
}

// find gives this container's entry in the task's list: the one with its id, or the only one.
func find(containers []containerAnswer, id string) containerAnswer {
	for _, container := range containers {
		if id != "" && container.DockerID == id {
			return container
		}
	}
	if id == "" && len(containers) == 1 {
		return containers[0]
	}
	return containerAnswer{}
}

// bound is nil for a clock that is not synchronised: then the number bounds nothing.
func (c clock) bound() *float64 {
	if c.ClockDrift == nil {
		return c.ClockErrorBound
	}
	if c.ClockDrift.ClockSynchronizationStatus == "NOT_SYNCHRONIZED" {
		return nil
	}
	return c.ClockDrift.ClockErrorBound
}

// The endpoint is link-local: a proxy from the environment must not come between.
var metadataClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: metadataTimeout}

// ask reads a JSON answer into value, with a few attempts: the endpoint may come up after the container.
func ask(ctx context.Context, url string, value any) ([]byte, error) {
	var err error
	for attempt := range metadataAttempts {
		if attempt > 0 {
			time.Sleep(metadataPause << (attempt - 1))
		}
		var body []byte
		if body, err = get(ctx, url); err != nil {
			continue
		}
		if err = json.Unmarshal(body, value); err == nil {
			return body, nil
		}
		err = fmt.Errorf("%s is not what the metadata endpoint should answer: %w", url, err)
	}
	return nil, err
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := metadataClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, metadataMaxBytes))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, response.Status)
	}
	return body, err
}
