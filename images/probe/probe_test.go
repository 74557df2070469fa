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
	"Containers": [{"Name": "workload", "Snapshotter": "soci", "Networks": [{"IPv4Addresses": ["%s"]}]},
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
		"http:8080/health": {"http:8080/health", "http", "/health", 8080},
		"http:80":          {"http:80", "http", "/", 80},
		"tcp:5432":         {"tcp:5432", "tcp", "/", 5432},
		"port:65535":       {"port:65535", "port", "/", 65535},
		"log:up: [0-9]+":   {"log:up: [0-9]+", "log", "/", 0},
		"exit:0":           {"exit:0", "exit", "/", 0},
		"healthcheck":      {"healthcheck", "healthcheck", "/", 0},
	} {
		if got, err := parse(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "http", "http:", "http:0/", "tcp:65536", "tcp:-1", "tcp:+1", "http:80/a b", "udp:53"} {
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

func TestAnAddressThatHangsDoesNotHoldUpAnother(t *testing.T) {
	port := portOf(t, listen(t, func(net.Conn) { select {} }))
	listenOn(t, "127.0.0.2:"+port, http.NotFoundHandler())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	number, _ := strconv.Atoi(port)
	_, seen := untilReady(ctx, Question{kind: "http", path: "/", port: number}, []string{"127.0.0.1", "127.0.0.2"})
	if seen != "answered 404 at /" {
		t.Errorf("saw %q", seen)
	}
}

func TestWhatTheProbeDoesNotAskIsReportedAtOnce(t *testing.T) {
	report, code := call(t, "exit:0", "60", metadata(t, "127.0.0.1"))
	if code != 0 || report.ReadyNs != nil || report.Seen != "not asked by the probe" || len(report.Containers) != 2 {
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
	} {
		var out, errs strings.Builder
		code := run(func(name string) string { return env[name] }, &out, &errs)
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
func call(t *testing.T, ready, timeout, base string) (report Report, code int) {
	t.Helper()
	env := map[string]string{"READY": ready, "TIMEOUT_SECONDS": timeout, metadataVariable: base}
	var out, errs strings.Builder
	code = run(func(name string) string { return env[name] }, &out, &errs)
	if strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("not one line: %q", out.String())
	}
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
		t.Fatal(err)
	}
	return report, code
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
