package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Each runs with its seeds in `go test`; `go test -fuzz NAME` goes on from there.

func FuzzReadinessIsReadOrRefused(f *testing.F) {
	for _, text := range []string{
		"http:8080/health", "tcp:22", "port:80", "log:x", "exit:255", "healthcheck", "http:0/", "tcp:65536", "exit:-1",
		"http:80/\u2003", "http:80\r\nX: y", "port:+80", "http:8080/\x00", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		question, err := parse(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q is refused in several lines: %v", text, err)
			}
			return
		}
		asksPort := question.kind == "http" || question.kind == "tcp" || question.kind == "port"
		if question.text != text || asksPort != (question.port > 0) || question.port > 65535 || question.code > 255 {
			t.Errorf("%q became %+v", text, question)
		}
		if strings.ContainsAny(question.path, " \r\n") {
			t.Errorf("%q asks for the path %q, which is more than a path", text, question.path)
		}
	})
}

func FuzzMetadataBecomesALine(f *testing.F) {
	for _, text := range []string{
		task, "{}", "null", "[]", `{"Containers":[null]}`, `{"ClockErrorBound":1e308}`,
		`{"Containers":[{"Name":"app","KnownStatus":"STOPPED","ExitCode":-1,"StartedAt":"0000-01-01T00:00:00Z",
		"FinishedAt":"9999-12-31T23:59:59Z","Networks":[{"IPv4Addresses":[""]}],"Health":{"Status":"\ud800","Output":"x"}}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var answer taskAnswer
		if json.Unmarshal(content, &answer) != nil {
			return
		}
		identity := answer.identity()
		if identity.TaskARN == "" || identity.Containers == nil {
			t.Errorf("%q gives %+v", content, identity)
		}
		for _, kind := range []string{"exit", "healthcheck"} {
			seen := Question{kind: kind}.judge(answer.measured("app"), time.Unix(7, 0))
			line, err := json.Marshal(Report{TaskARN: identity.TaskARN, Seen: seen.seen, Containers: identity.Containers})
			if err != nil || !utf8.Valid(line) || (seen.ready && seen.ns <= 0) || len(seen.seen) > 3*maxLocation {
				t.Errorf("%q gives %+v (%v)", content, seen, err)
			}
		}
	})
}

func FuzzAnswersOfTasksAreReadInBounds(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\n\r\nbody", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 99999999999999999999 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "-ERR\r\n", "",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			go io.Copy(io.Discard, theirs)
			theirs.Write(content)
		}()
		defer ours.Close()
		ours.SetDeadline(time.Now().Add(2 * time.Second))
		status, location, err := head(ours, "/", "10.0.0.1:80")
		if err == nil && (status == 100 || len(cut(location)) > maxLocation || !utf8.ValidString(cut(location))) {
			t.Errorf("%q gives %d, %q", content, status, location)
		}
		var network net.Error
		if errors.As(err, &network) && network.Timeout() {
			t.Errorf("%q is waited for", content)
		}
	})
}
