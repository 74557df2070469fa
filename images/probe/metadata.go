package main

import (
	"context"
	"encoding/json"
	"errors"
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

// Container is a container of the task; nil is what the endpoint did not tell. StartedNs is since the epoch.
type Container struct {
	Name        string  `json:"name"`
	Snapshotter *string `json:"snapshotter"`
	StartedNs   *int64  `json:"started_ns"`
}

// Task is where the metadata endpoint of the task is, and the name of the measured container.
type Task struct {
	base, container string
}

// Identity is what the endpoint tells of the task.
type Identity struct {
	TaskARN           string
	ClockErrorBoundMs *float64
	Containers        []Container
	Addresses         []string
}

// The parts that are read of the answer of the ECS task metadata endpoint, version 4:
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-response.html
type taskAnswer struct {
	TaskARN         string
	ClockErrorBound *float64 // milliseconds
	ClockDrift      *struct {
		ClockErrorBound            *float64
		ClockSynchronizationStatus string
	}
	Containers []containerAnswer
}

type containerAnswer struct {
	Name                  string
	KnownStatus           string
	ExitCode              *int
	StartedAt, FinishedAt *time.Time
	Snapshotter           *string
	Networks              []struct{ IPv4Addresses, IPv6Addresses []string }
	Health                *struct {
		Status      string
		StatusSince *time.Time
		Output      string
	}
}

// identify asks who the task is, with a few attempts: the endpoint may come up after the container.
func (task Task) identify(ctx context.Context) (Identity, error) {
	err := error(nil)
	for attempt := range metadataAttempts {
		if attempt > 0 {
			time.Sleep(metadataPause << (attempt - 1))
		}
		var answer taskAnswer
		if answer, err = task.ask(ctx); err == nil {
			return answer.identity(), nil
		}
	}
	return Identity{TaskARN: unknownTask, Containers: []Container{}}, err
}

// ask asks once.
func (task Task) ask(ctx context.Context) (answer taskAnswer, err error) {
	if task.base == "" {
		return answer, errors.New(metadataVariable + " is not set")
	}
	return answer, ask(ctx, strings.TrimSuffix(task.base, "/")+"/task", &answer)
}

func (task taskAnswer) identity() Identity {
	identity := Identity{TaskARN: task.TaskARN, ClockErrorBoundMs: task.bound(), Containers: []Container{}}
	if identity.TaskARN == "" {
		identity.TaskARN = unknownTask
	}
	known := map[string]bool{}
	for _, container := range task.Containers {
		identity.Containers = append(identity.Containers, Container{container.Name, container.Snapshotter, since(container.StartedAt)})
		for _, network := range container.Networks {
			for _, address := range append(network.IPv4Addresses, network.IPv6Addresses...) {
				if !known[address] { // the containers of a task share its network
					known[address] = true
					identity.Addresses = append(identity.Addresses, address)
				}
			}
		}
	}
	return identity
}

// bound is nil for a clock that is not synchronised: then the number bounds nothing.
func (task taskAnswer) bound() *float64 {
	if task.ClockDrift == nil {
		return task.ClockErrorBound
	}
	if task.ClockDrift.ClockSynchronizationStatus == "NOT_SYNCHRONIZED" {
		return nil
	}
	return task.ClockDrift.ClockErrorBound
}

func since(moment *time.Time) *int64 {
	if moment == nil || moment.UnixNano() <= 0 {
		return nil
	}
	ns := moment.UnixNano()
	return &ns
}

// The endpoint is link-local: a proxy from the environment must not come between.
var metadataClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: metadataTimeout}

func ask(ctx context.Context, url string, value any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := metadataClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, metadataMaxBytes)).Decode(value); err != nil {
		return fmt.Errorf("%s is not what the metadata endpoint should answer: %w", url, err)
	}
	return nil
}
