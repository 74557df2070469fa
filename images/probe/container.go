package main

import (
	"context"
	"fmt"
	"time"
)

// The endpoint takes 40 requests a second from a task (Amazon ECS developer guide, "Task metadata endpoint"); what it
// tells of an end or of a health check carries its own time.
const metadataPace = 250 * time.Millisecond

// keepLooking looks at what the metadata says of the measured container.
func keepLooking(ctx context.Context, question Question, task Task, sightings chan<- sighting) {
	ticker := time.NewTicker(metadataPace)
	defer ticker.Stop()
	for {
		seen := sighting{}
		if answer, err := task.ask(ctx); err != nil {
			seen.seen = err.Error()
		} else {
			seen = question.judge(answer.measured(task.container), time.Now())
		}
		select {
		case sightings <- seen:
		case <-ctx.Done():
			return
		}
		<-ticker.C
	}
}

// judge says what the metadata of the measured container means; nil: there is none.
func (question Question) judge(container *containerAnswer, now time.Time) sighting {
	switch {
	case container == nil:
		return sighting{Answer: Answer{false, "the metadata endpoint does not tell of the measured container"}}
	case question.kind == "exit":
		return question.end(container, now)
	}
	return question.health(container, now)
}

func (question Question) end(container *containerAnswer, now time.Time) sighting {
	if container.KnownStatus != "STOPPED" {
		return sighting{Answer: Answer{false, "it still runs"}}
	}
	if container.ExitCode == nil {
		return sighting{Answer{false, "it ended, and its exit code is not told"}, 0, true}
	}
	if *container.ExitCode != question.code {
		return sighting{Answer{false, fmt.Sprintf("ended with exit code %d, not with %d", *container.ExitCode, question.code)}, 0, true}
	}
	return sighting{Answer{true, fmt.Sprintf("ended with exit code %d", question.code)}, at(container.FinishedAt, now), true}
}

func (question Question) health(container *containerAnswer, now time.Time) sighting {
	if container.Health == nil {
		return sighting{Answer: Answer{false, "no health check has run"}}
	}
	if container.Health.Status == "HEALTHY" {
		return sighting{Answer{true, "its health check succeeded"}, at(container.Health.StatusSince, now), true}
	}
	seen := "its health check says " + cut(container.Health.Status)
	if container.Health.Output != "" {
		seen += ": " + cut(container.Health.Output)
	}
	return sighting{Answer: Answer{false, seen}}
}

func (task taskAnswer) measured(name string) *containerAnswer {
	for place := range task.Containers {
		if task.Containers[place].Name == name {
			return &task.Containers[place]
		}
	}
	return nil
}

func at(moment *time.Time, now time.Time) int64 {
	if ns := since(moment); ns != nil {
		return *ns
	}
	return now.UnixNano()
}
