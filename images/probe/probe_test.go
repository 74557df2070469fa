package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const task = `{"TaskARN": "arn:aws:ecs:eu-west-1:1:task/c/e9",
	"ClockDrift": {"ClockErrorBound": 0.5, "ClockSynchronizationStatus": "SYNCHRONIZED"},
	"Containers": [{"Name": "workload", "Snapshotter": "soci", "StartedAt": "2026-01-02T03:04:05.123456789Z", "Networks": [{"IPv4Addresses": ["%s"]}]},
		{"Name": "probe", "Networks": [{"IPv4Addresses": ["%[1]s"]}]}]}`

func TestReadyIsOnly200AndEverythingElseIsToldAsItWasSeen(t *testing.T) {
	for path, want := range map[string]Answer{
		"/ok":     {true, "answered 200"},
		"/login":  {false, "answered 302 to /sign-in at /login"},
		"/secret": {false, "answered 401 at /secret"},
		"/none":   {false, "answered 404 at /none"},
		"/broken": {false, "answered 503 at /broken"},
		"/empty":  {false, "answered 204 at /empty"},
	} {
		if got := look(Question{kind: "http", path: path, port: 1}, web(t)); got != want {
			t.Errorf("%s: got %+v", path, got)
		}
	}
}

func TestABodyThatNeverEndsIsNotWaitedFor(t *testing.T) {
	began := time.Now()
	got := look(Question{kind: "http", path: "/endless", port: 1}, web(t))
	if !got.ready || time.Since(began) > 2*time.Second {
		t.Errorf("got %+v after %v", got, time.Since(began))
	}
}

func TestAServerThatDoesNotAnswerIsNotReadyUnlessItsPortIsEnough(t *testing.T) {
	shorten(t)
	silent := listen(t, func(net.Conn) { select {} })
	want := "accepts connections and did not answer within 0.2 s"
	for kind, ready := range map[string]bool{"http": false, "port": false, "tcp": true} {
		got := look(Question{kind: kind, path: "/", port: 1}, silent)
		if got.ready != ready || (!ready && got.seen != want) {
			t.Errorf("%s: got %+v", kind, got)
		}
	}
}

func TestAnotherProtocolIsReadyOnlyWhereAPortIsAsked(t *testing.T) {
	for name, speak := range map[string]func(net.Conn){
		"closes":  func(net.Conn) {},
		"greets":  func(c net.Conn) { fmt.Fprint(c, "-ERR unknown command\r\n"); time.Sleep(100 * time.Millisecond) },
		"endless": func(c net.Conn) { c.Write([]byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeadBytes))) },
	} {
		address := listen(t, speak)
		for kind, ready := range map[string]bool{"http": false, "port": true} {
			want := Answer{ready, "accepts connections and does not speak HTTP"}
			if got := look(Question{kind: kind, path: "/", port: 1}, address); got != want {
				t.Errorf("%s, %s: got %+v", name, kind, got)
			}
		}
	}
}

func TestAClosedPortIsToldWithItsAddress(t *testing.T) {
	want := Answer{false, "connection refused at " + closed(t)}
	address := strings.TrimPrefix(want.seen, "connection refused at ")
	if got := look(Question{kind: "tcp", port: 1}, address); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestReadinessTextsAreReadAndWrongOnesRefused(t *testing.T) {
	for text, want := range map[string]Question{
		"http:8080/health": {"http:8080/health", "http", "/health", 8080, 0, usualPace},
		"http:80":          {"http:80", "http", "/", 80, 0, usualPace},
		"tcp:5432":         {"tcp:5432", "tcp", "/", 5432, 0, usualPace},
		"port:65535":       {"port:65535", "port", "/", 65535, 0, usualPace},
		"log:up: [0-9]+":   {"log:up: [0-9]+", "log", "/", 0, 0, usualPace},
		"exit:3":           {"exit:3", "exit", "/", 0, 3, usualPace},
		"healthcheck":      {"healthcheck", "healthcheck", "/", 0, 0, usualPace},
	} {
		if got, err := parse(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "http", "http:", "http:0/", "tcp:65536", "tcp:-1", "tcp:+1", "http:80/a b", "udp:53", "exit:", "exit:256", "exit:-1"} {
		if got, err := parse(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestTheLineTellsWhenTheTaskBecameReadyAndWhoItIs(t *testing.T) {
	var open atomic.Int64
	port := portOf(t, listenOn(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if open.Load() == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})))
	time.AfterFunc(300*time.Millisecond, func() { open.Store(time.Now().UnixNano()) })
	report, code := call(t, "http:"+port+"/", "10", metadata(t, "127.0.0.1"))
	if code != 0 || report.ReadyNs == nil || report.Seen != "answered 200" {
		t.Fatalf("exit code %d, %+v", code, report)
	}
	if late := time.Duration(*report.ReadyNs - open.Load()); late < 0 || late > 500*time.Millisecond {
		t.Errorf("ready %v after the server was", late)
	}
	if report.SchemaVersion != 1 || report.TaskARN != "arn:aws:ecs:eu-west-1:1:task/c/e9" || *report.ClockErrorBoundMs != 0.5 {
		t.Errorf("got %+v", report)
	}
	if len(report.Containers) != 2 || *report.Containers[0].Snapshotter != "soci" || report.Containers[1].Snapshotter != nil {
		t.Errorf("got containers %+v", report.Containers)
	}
}

func TestATaskThatNeverBecomesReadyHasALineWithWhatWasSeen(t *testing.T) {
	address := closed(t)
	report, code := call(t, "tcp:"+portOf(t, address), "0.2", metadata(t, "127.0.0.1"))
	if code != 0 || report.ReadyNs != nil || report.Seen != "connection refused at "+address {
		t.Errorf("exit code %d, %+v", code, report)
	}
}

func TestATaskThatIsNotReadyYetIsToldOfMeanwhile(t *testing.T) {
	before := firstPause
	firstPause = 50 * time.Millisecond
	t.Cleanup(func() { firstPause = before })
	address := closed(t)
	lines, code := calls(t, "tcp:"+portOf(t, address), "0.5", metadata(t, "127.0.0.1"))
	if code != 0 || len(lines) < 3 {
		t.Fatalf("exit code %d, %+v", code, lines)
	}
	for place, line := range lines {
		if line.ReadyNs != nil || line.Final != (place == len(lines)-1) || line.Seen != "connection refused at "+address {
			t.Errorf("line %d: %+v", place, line)
		}
	}
}

func TestAnAddressThatHangsDoesNotHoldUpAnother(t *testing.T) {
	port := portOf(t, listen(t, func(net.Conn) { select {} }))
	listenOn(t, "127.0.0.2:"+port, http.NotFoundHandler())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	number, _ := strconv.Atoi(port)
	both := Identity{Addresses: []string{"127.0.0.1", "127.0.0.2"}}
	var last sighting
	if seen := <-(Question{kind: "http", path: "/", port: number, pace: usualPace}).sightings(ctx, Task{}, both, &last); seen.seen != "answered 404 at /" {
		t.Errorf("saw %q", seen.seen)
	}
}

func TestWhoReadsTheLogIsToldWhoTheTaskIsAtOnce(t *testing.T) {
	report, code := call(t, "log:up", "60", metadata(t, "127.0.0.1"))
	if code != 0 || report.ReadyNs != nil || !report.Final || len(report.Containers) != 2 || *report.Containers[0].StartedNs != 1767323045123456789 {
		t.Errorf("exit code %d, %+v", code, report)
	}
}

func TestAJobIsReadyWhenItHasEndedAsItShould(t *testing.T) {
	began, ended := time.Unix(100, 0), time.Unix(103, 5)
	zero, three := 0, 3
	for name, want := range map[string]struct {
		container *containerAnswer
		sighting
	}{
		"gone":    {nil, sighting{Answer: Answer{false, "the metadata endpoint does not tell of the measured container"}}},
		"running": {&containerAnswer{KnownStatus: "RUNNING"}, sighting{Answer: Answer{false, "it still runs"}}},
		"well":    {&containerAnswer{KnownStatus: "STOPPED", ExitCode: &zero, FinishedAt: &ended}, sighting{Answer{true, "ended with exit code 0"}, ended.UnixNano(), true}},
		"untimed": {&containerAnswer{KnownStatus: "STOPPED", ExitCode: &zero}, sighting{Answer{true, "ended with exit code 0"}, began.UnixNano(), true}},
		"badly":   {&containerAnswer{KnownStatus: "STOPPED", ExitCode: &three}, sighting{Answer{false, "ended with exit code 3, not with 0"}, 0, true}},
		"untold":  {&containerAnswer{KnownStatus: "STOPPED"}, sighting{Answer{false, "it ended, and its exit code is not told"}, 0, true}},
	} {
		if got := (Question{kind: "exit"}).judge(want.container, began); got != want.sighting {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAHealthCheckIsReadyWhenItHasSucceeded(t *testing.T) {
	for text, want := range map[string]sighting{
		`{}`: {Answer: Answer{false, "no health check has run"}},
		`{"Health": {"status": "UNHEALTHY", "output": "no route"}}`:                  {Answer: Answer{false, "its health check says UNHEALTHY: no route"}},
		`{"Health": {"status": "HEALTHY", "statusSince": "1970-01-01T00:00:07.5Z"}}`: {Answer{true, "its health check succeeded"}, 7500000000, true},
	} {
		var container containerAnswer
		if err := json.Unmarshal([]byte(text), &container); err != nil {
			t.Fatal(err)
		}
		if got := (Question{kind: "healthcheck"}).judge(&container, time.Now()); got != want {
			t.Errorf("%s: got %+v", text, got)
		}
	}
}

func TestTheMetadataIsLookedAtUntilTheJobHasEnded(t *testing.T) {
	var looks atomic.Int64
	base := "http://" + listenOn(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := "RUNNING"
		if looks.Add(1) > 3 {
			status = "STOPPED"
		}
		fmt.Fprintf(w, `{"TaskARN": "a", "Containers": [{"Name": "probe"}, {"Name": "workload", "KnownStatus": "%s", "ExitCode": 0, "FinishedAt": "1970-01-01T00:00:09Z"}]}`, status)
	}))
	report, code := call(t, "exit:0", "60", base)
	if code != 0 || report.ReadyNs == nil || *report.ReadyNs != 9e9 || !report.Final {
		t.Errorf("exit code %d, %+v", code, report)
	}
}

func TestWithoutMetadataTheTaskIsUnknownAndNothingIsAsked(t *testing.T) {
	report, code := call(t, "tcp:80", "5", "")
	want := "the metadata endpoint tells no address of the task"
	if code != 0 || report.TaskARN != "unknown" || report.ReadyNs != nil || report.Seen != want {
		t.Errorf("exit code %d, %+v", code, report)
	}
}

func TestAWrongEnvironmentIsToldAndWritesNoLine(t *testing.T) {
	for _, env := range []map[string]string{
		{"READY": "udp:1", "TIMEOUT_SECONDS": "1"}, {"READY": "tcp:1"}, {"READY": "tcp:1", "TIMEOUT_SECONDS": "NaN"},
		{"READY": "tcp:1", "TIMEOUT_SECONDS": "1", "PACE_MS": "0"},
	} {
		var out, errs strings.Builder
		code := run(t.Context(), func(name string) string { return env[name] }, &out, &errs)
		if code != exitUsage || out.Len() != 0 || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("exit code %d, %q, %q", code, out.String(), errs.String())
		}
	}
}

func TestABoundOfAClockThatIsNotSynchronisedIsNone(t *testing.T) {
	var answer taskAnswer
	text := `{"ClockDrift": {"ClockErrorBound": 9, "ClockSynchronizationStatus": "NOT_SYNCHRONIZED"}}`
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.bound() != nil {
		t.Errorf("%v, bound %v", err, answer.bound())
	}
}

// call runs the probe as its container would and reads its one line.
func call(t *testing.T, ready, timeout, base string) (Report, int) {
	t.Helper()
	lines, code := calls(t, ready, timeout, base)
	if len(lines) != 1 {
		t.Fatalf("not one line: %+v", lines)
	}
	return lines[0], code
}

func calls(t *testing.T, ready, timeout, base string) (reports []Report, code int) {
	t.Helper()
	env := map[string]string{"READY": ready, "TIMEOUT_SECONDS": timeout, "CONTAINER": "workload", metadataVariable: base}
	var out, errs strings.Builder
	code = run(t.Context(), func(name string) string { return env[name] }, &out, &errs)
	for line := range strings.Lines(out.String()) {
		var report Report
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, report)
	}
	return reports, code
}

func metadata(t *testing.T, address string) string {
	t.Helper()
	return "http://" + listenOn(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/v4/e9-1/task" {
			fmt.Fprintf(w, task, address)
		}
	})) + "/v4/e9-1"
}

func web(t *testing.T) string {
	t.Helper()
	return listenOn(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/ok":
		case "/login":
			http.Redirect(w, request, "/sign-in", http.StatusFound)
		case "/secret":
			w.WriteHeader(http.StatusUnauthorized)
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/endless":
			w.(http.Flusher).Flush()
			<-request.Context().Done()
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
}

func listenOn(t *testing.T, address string, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// listen accepts connections and closes each after it has spoken.
func listen(t *testing.T, speak func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for connection, err := listener.Accept(); err == nil; connection, err = listener.Accept() {
			go func() {
				defer connection.Close()
				speak(connection)
			}()
		}
	}()
	return listener.Addr().String()
}

func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func shorten(t *testing.T) {
	before := questionTimeout
	questionTimeout = 200 * time.Millisecond
	t.Cleanup(func() { questionTimeout = before })
}
