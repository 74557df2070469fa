package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// As the documentation of the endpoint shows it for Fargate, cut to what matters here.
const (
	fargateTask = `{"TaskARN": "arn:aws:ecs:eu-west-1:1:task/c/e9", "ClockDrift": {"ClockErrorBound": 0.5458234999999999,
		"ReferenceTimestamp": "2021-09-07T16:57:44Z", "ClockSynchronizationStatus": "SYNCHRONIZED"},
		"Containers": [{"DockerId": "other", "Snapshotter": "overlayfs"}, {"DockerId": "e9-1", "Snapshotter": "soci"}]}`
	fargateContainer = `{"DockerId": "e9-1", "Name": "movie"}`
)

func TestBootPublishesHashesAndIdentity(t *testing.T) {
	docroot := t.TempDir()
	file := write(t, filepath.Join(t.TempDir(), "movie.mov"), []byte("abc"))
	endpoint(t, fargateTask, fargateContainer)
	before := time.Now().UnixNano()
	out, errs, code := call(t, "boot", "--variant", "movie", "--docroot", docroot, file)
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	report := readReport(t, docroot)
	want := directly([]byte("abc"))
	want.Path = file
	if report.SchemaVersion != 1 || report.Variant != "movie" || len(report.Files) != 1 || report.Files[0] != want {
		t.Errorf("got %+v", report)
	}
	if report.TaskARN != "arn:aws:ecs:eu-west-1:1:task/c/e9" || text(report.Snapshotter) != "soci" {
		t.Errorf("got task %s, snapshotter %s", report.TaskARN, text(report.Snapshotter))
	}
	if *report.ClockErrorBoundMs != 0.5458234999999999 {
		t.Errorf("got clock error bound %v", *report.ClockErrorBoundMs)
	}
	if !(before <= report.StartedNs && report.StartedNs <= report.FinishedNs && report.FinishedNs <= time.Now().UnixNano()) {
		t.Errorf("started %d, finished %d", report.StartedNs, report.FinishedNs)
	}
	if out != read(t, docroot, "boot.json") {
		t.Errorf("standard output is not boot.json but %s", out)
	}
	if status := read(t, docroot, "status"); status != fargateTask {
		t.Errorf("got status %s", status)
	}
	hashes := read(t, docroot, "hashes.txt")
	finished := time.Unix(0, report.FinishedNs).UTC().Format(time.RFC3339Nano)
	for _, line := range []string{
		"SHA1 (" + file + ") = " + want.SHA1, "Task: " + report.TaskARN, "Finished: " + finished,
	} {
		if !strings.Contains(hashes, line+"\n") {
			t.Errorf("hashes.txt has no line %q:\n%s", line, hashes)
		}
	}
	onlyThere(t, docroot, "boot.json", "hashes.txt", "status")
}

func TestIdentityIsReadWhereverTheEndpointTellsIt(t *testing.T) {
	for name, example := range map[string]struct{ task, container, snapshotter, bound string }{
		"both in the container's answer": {
			`{"TaskARN": "t", "Containers": [{"DockerId": "a", "Snapshotter": "overlayfs"}]}`,
			`{"DockerId": "a", "Snapshotter": "soci", "ClockErrorBound": 1.5}`, "soci", "1.5",
		},
		"drift in the container's answer": {
			`{"TaskARN": "t"}`, `{"ClockDrift": {"ClockErrorBound": 2}, "Snapshotter": "soci"}`, "soci", "2",
		},
		"bound in the task's entry": {
			`{"TaskARN": "t", "Containers": [{"DockerId": "a", "Snapshotter": "soci", "ClockErrorBound": 3}]}`,
			`{"DockerId": "a"}`, "soci", "3",
		},
		"the only container, without an id": {
			`{"TaskARN": "t", "Containers": [{"Snapshotter": "soci"}]}`, `{}`, "soci", "null",
		},
		"no entry is ours": {
			`{"TaskARN": "t", "Containers": [{"DockerId": "b", "Snapshotter": "soci"}]}`, `{"DockerId": "a"}`, "null", "null",
		},
		"a clock that is not synchronised bounds nothing": {
			`{"TaskARN": "t", "ClockDrift": {"ClockErrorBound": 9, "ClockSynchronizationStatus": "NOT_SYNCHRONIZED"}}`,
			`{"Snapshotter": "overlayfs"}`, "overlayfs", "null",
		},
	} {
		endpoint(t, example.task, example.container)
		identity, err := identify(t.Context(), os.Getenv(metadataVariable))
		bound, _ := json.Marshal(identity.ClockErrorBoundMs)
		if err != nil || text(identity.Snapshotter) != example.snapshotter || string(bound) != example.bound {
			t.Errorf("%s: %v, snapshotter %s, bound %s", name, err, text(identity.Snapshotter), bound)
		}
	}
}

func TestBootWithoutEndpointSucceedsAsUnknownTask(t *testing.T) {
	t.Setenv(metadataVariable, "")
	docroot := t.TempDir()
	file := write(t, filepath.Join(t.TempDir(), "f"), []byte("abc"))
	out, errs, code := call(t, "boot", "--docroot", docroot, file)
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	if !strings.Contains(out, `"task_arn":"unknown","snapshotter":null,"clock_error_bound_ms":null,`) {
		t.Errorf("got %s", out)
	}
	if status := read(t, docroot, "status"); status != "{}\n" {
		t.Errorf("got status %q", status)
	}
}

func TestBootWithBrokenEndpointSaysSoAndSucceedsAsUnknownTask(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"error":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"not JSON": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"TaskARN":`)
		},
	} {
		serve(t, answer)
		file := write(t, filepath.Join(t.TempDir(), "f"), []byte("abc"))
		out, errs, code := call(t, "boot", "--docroot", t.TempDir(), file)
		if code != 0 || strings.Count(errs, "\n") != 1 || !strings.Contains(out, `"task_arn":"unknown"`) {
			t.Errorf("%s: exit code %d, %q, %s", name, code, errs, out)
		}
	}
}

func TestEndpointThatComesUpLateIsAskedAgain(t *testing.T) {
	failures := 2
	serve(t, func(w http.ResponseWriter, request *http.Request) {
		if failures--; failures >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answerLike(fargateTask, fargateContainer)(w, request)
	})
	identity, err := identify(t.Context(), os.Getenv(metadataVariable))
	if err != nil || text(identity.Snapshotter) != "soci" {
		t.Errorf("%v, %+v", err, identity)
	}
}

func TestFailedBootPublishesNoReportAndLeavesNoEarlierOne(t *testing.T) {
	endpoint(t, fargateTask, fargateContainer)
	docroot, missing := t.TempDir(), filepath.Join(t.TempDir(), "missing")
	good := write(t, filepath.Join(t.TempDir(), "good"), []byte("abc"))
	if _, _, code := call(t, "boot", "--docroot", docroot, good); code != 0 {
		t.Fatal("the first boot failed")
	}
	out, _, code := call(t, "boot", "--docroot", docroot, good, missing)
	if want := fmt.Sprintf("{\"error\":\"%s: no such file or directory\"}\n", missing); code != exitFailed || out != want {
		t.Errorf("exit code %d, %s", code, out)
	}
	onlyThere(t, docroot, "status")
}

func TestBootThatCannotWriteItsReportFails(t *testing.T) {
	good := write(t, filepath.Join(t.TempDir(), "good"), []byte("abc"))
	out, _, code := call(t, "boot", "--docroot", filepath.Join(t.TempDir(), "none"), good)
	if code != exitFailed || !strings.HasPrefix(out, `{"error":"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestStatusIsThereBeforeTheReport(t *testing.T) {
	endpoint(t, fargateTask, fargateContainer)
	docroot, pipe := t.TempDir(), filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int)
	go func() {
		_, _, code := call(t, "boot", "--docroot", docroot, pipe)
		ended <- code
	}()
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until the hasher reads
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(docroot, "status")); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("no status while the file is being hashed")
		}
	}
	onlyThere(t, docroot, "status")
	writer.Close()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	onlyThere(t, docroot, "boot.json", "hashes.txt", "status")
}

// endpoint serves these answers as the task's metadata endpoint until the test ends.
func endpoint(t *testing.T, task, container string) {
	t.Helper()
	serve(t, answerLike(task, container))
}

func answerLike(task, container string) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/v4/e9-1/task":
			fmt.Fprint(w, task)
		case "/v4/e9-1":
			fmt.Fprint(w, container)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

func serve(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	t.Setenv(metadataVariable, server.URL+"/v4/e9-1")
}

func readReport(t *testing.T, docroot string) (report Report) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, docroot, "boot.json")), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func read(t *testing.T, docroot, name string) string {
	t.Helper()
	path := filepath.Join(docroot, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o644 {
		t.Errorf("%s has mode %v: the web server's workers could not read it", name, info.Mode())
	}
	return string(data)
}

func onlyThere(t *testing.T, docroot string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(docroot)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %v, not %v", got, names)
	}
}

func text(value *string) string {
	if value == nil {
		return "null"
	}
	return *value
}
