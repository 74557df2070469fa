package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Each runs with its seeds in `go test`; `go test -fuzz NAME` goes on from there.

func FuzzMetadataBecomesAReport(f *testing.F) {
	for _, text := range []string{
		`{"TaskARN":"arn:x","Containers":[{"DockerId":"a","Snapshotter":"soci","ClockErrorBound":0.5}]}`,
		`{"DockerId":"a","ClockDrift":{"ClockErrorBound":1e308,"ClockSynchronizationStatus":"NOT_SYNCHRONIZED"}}`,
		"{}", "null", "[]", `{"Containers":[null,{}]}`, `{"TaskARN":"\ud800"}`, `{"ClockErrorBound":-1}`,
	} {
		f.Add([]byte(text), []byte(text))
	}
	f.Fuzz(func(t *testing.T, ofTask, ofContainer []byte) {
		var task taskAnswer
		var own containerAnswer
		if json.Unmarshal(ofTask, &task) != nil || json.Unmarshal(ofContainer, &own) != nil {
			return
		}
		identity := combine(task, own, ofTask)
		line, err := json.Marshal(Report{
			SchemaVersion: reportSchema, TaskARN: identity.TaskARN, Snapshotter: identity.Snapshotter,
			ClockErrorBoundMs: identity.ClockErrorBoundMs, Files: []Sums{},
		})
		if err != nil || identity.TaskARN == "" || bytes.ContainsAny(line, "\n") {
			t.Errorf("%q and %q give %s (%v)", ofTask, ofContainer, line, err)
		}
	})
}

func FuzzNamesOfFilesStayOnOneLine(f *testing.F) {
	for _, name := range []string{"plain", "new\nline", "cr\r", "back\\slash", "\x00", "\xff", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var text bytes.Buffer
		if err := writeText(&text, Sums{Path: name}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		if len(lines) != len(Sums{}.named()) || strings.Contains(text.String(), "\r") {
			t.Errorf("%q is written as %q", name, text.String())
		}
		unescaped := strings.NewReplacer("\\\\", "\\", "\\n", "\n", "\\r", "\r").Replace(oneLine(name))
		if unescaped != name {
			t.Errorf("%q comes back as %q", name, unescaped)
		}
	})
}
