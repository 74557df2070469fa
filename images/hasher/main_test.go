package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const maxResidentKilobytes = 32 << 10

func TestCoreutilsAcceptOurText(t *testing.T) {
	folder := t.TempDir()
	names := []string{"plain", "with space", "back\\slash", "new\nline", "cr\r"}
	for i, name := range names {
		write(t, filepath.Join(folder, name), randomBytes(i*bufferBytes+i))
	}
	out, _, _ := call(t, inFolder(folder, names)...)
	for _, tool := range []struct{ program, tag string }{
		{"md5sum", "MD5"}, {"sha1sum", "SHA1"}, {"sha256sum", "SHA256"}, {"sha512sum", "SHA512"},
	} {
		if _, err := exec.LookPath(tool.program); err != nil {
			t.Logf("%s is not installed", tool.program)
			continue
		}
		check := exec.Command(tool.program, "--check", "--strict")
		check.Stdin = strings.NewReader(linesOf(out, tool.tag))
		said, err := check.CombinedOutput()
		if err != nil || strings.Count(string(said), ": OK") != len(names) {
			t.Errorf("%s: %v\n%s", tool.program, err, said)
		}
	}
}

func TestOtherFilesAreHashedWhenSomeCannotBe(t *testing.T) {
	folder := t.TempDir()
	good := write(t, filepath.Join(folder, "good"), []byte("abc"))
	missing, unreadable := filepath.Join(folder, "missing"), "/proc/self/mem"
	out, errs, code := call(t, missing, folder, unreadable, good)
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	wantErrors := "hasher: " + missing + ": no such file or directory\n" +
		"hasher: " + folder + ": is a directory\n" +
		"hasher: " + unreadable + ": input/output error\n"
	if errs != wantErrors {
		t.Errorf("got errors\n%swant\n%s", errs, wantErrors)
	}
	if !strings.Contains(out, "MD5 ("+good+") = 900150983cd24fb0d6963f7d28e17f72\n") {
		t.Errorf("got %s", out)
	}
}

func TestJSONHoldsFilesAndErrors(t *testing.T) {
	folder := t.TempDir()
	good := write(t, filepath.Join(folder, "go\"od\n"), []byte("abc"))
	missing := filepath.Join(folder, "missing")
	out, _, code := call(t, "--json", good, missing)
	var got struct {
		Files  []Sums
		Errors []struct{ Path, Error string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	want := directly([]byte("abc"))
	want.Path = good
	if code != exitFailed || len(got.Files) != 1 || got.Files[0] != want {
		t.Errorf("exit code %d, files %+v", code, got.Files)
	}
	if len(got.Errors) != 1 || got.Errors[0].Path != missing || got.Errors[0].Error != "no such file or directory" {
		t.Errorf("errors %+v", got.Errors)
	}
}

func TestSuccessIsSilentOnStandardError(t *testing.T) {
	if _, errs, code := call(t, write(t, filepath.Join(t.TempDir(), "empty"), nil)); code != 0 || errs != "" {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
}

func TestWrongCallsEndWithTwoAndSayTheUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"--json"}, {"--no-such-flag", "x"}, {"boot"}, {"boot", "--variant", "x"}} {
		if out, errs, code := call(t, args...); code != exitUsage || out != "" || !strings.Contains(errs, "usage: hasher") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	good := write(t, filepath.Join(t.TempDir(), "good"), []byte("abc"))
	for _, args := range [][]string{{good}, {"--json", good}} {
		var errs bytes.Buffer
		if code := run(args, time.Now(), full, &errs); code != exitFailed || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%q: exit code %d, %q", args, code, errs.String())
		}
	}
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hasher")
	if said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	sparse := write(t, filepath.Join(t.TempDir(), "sparse"), nil)
	if err := os.Truncate(sparse, 256<<20); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, sparse)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if used := command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; used > maxResidentKilobytes {
		t.Errorf("%d kB were resident", used)
	}
}

func call(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var outBuffer, errBuffer bytes.Buffer
	code = run(args, time.Now(), &outBuffer, &errBuffer)
	return outBuffer.String(), errBuffer.String(), code
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func inFolder(folder string, names []string) (paths []string) {
	for _, name := range names {
		paths = append(paths, filepath.Join(folder, name))
	}
	return paths
}

func linesOf(text, tag string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimPrefix(line, "\\"), tag+" (") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}
