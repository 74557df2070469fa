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

// Container is a container of the task; Snapshotter is nil when the endpoint did not tell it.
type Container struct {
	Name        string  `json:"name"`
	Snapshotter *string `json:"snapshotter"`
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
	Containers []struct {
		Name        string
		Snapshotter *string
		Networks    []struct{ IPv4Addresses, IPv6Addresses []string }
	}
}

// identify asks the endpoint at base, with a few attempts: it may come up after the container.
func identify(ctx context.Context, base string) (Identity, error) {
	unknown := Identity{TaskARN: unknownTask, Containers: []Container{}}
	if base == "" {
		return unknown, errors.New(metadataVariable + " is not set")
	}
	url, err := strings.TrimSuffix(base, "/")+"/task", error(nil)
	for attempt := range metadataAttempts {
		if attempt > 0 {
			time.Sleep(metadataPause << (attempt - 1))
		}
		var answer taskAnswer
		if err = ask(ctx, url, &answer); err == nil {
			return answer.identity(), nil
		}
	}
	return unknown, err
}

func (task taskAnswer) identity() Identity {
	identity := Identity{TaskARN: task.TaskARN, ClockErrorBoundMs: task.bound(), Containers: []Container{}}
	if identity.TaskARN == "" {
		identity.TaskARN = unknownTask
	}
	known := map[string]bool{}
	for _, container := range task.Containers {
		identity.Containers = append(identity.Containers, Container{container.Name, container.Snapshotter})
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
