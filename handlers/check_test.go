package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// listening is a loopback port that takes connections and says nothing.
func listening(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func checkRequest(source, target int) string {
	return `{"version":1,"id":"cli-1","depth":"connect","timeoutSeconds":5,"source":{"host":"127.0.0.1","port":` +
		strconv.Itoa(source) + `},"target":{"host":"127.0.0.1","port":` + strconv.Itoa(target) + `}}`
}

type ran struct {
	code           int
	stdout, stderr string
}

func runCheck(t *testing.T, stdin string, env map[string]string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	getenv := func(name string) string {
		if value, set := env[name]; set {
			return value
		}
		// Nothing but loopback: not even the machine's own DNS servers.
		return map[string]string{"ALLOWED_TARGETS": "127.0.0.0/8", "ALLOWED_PORTS": "1-65535",
			"RESOLVERS": "127.0.0.1:1"}[name]
	}
	p := process{getenv: getenv, stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, now: time.Now}
	code := run(append([]string{"check"}, args...), p)
	return ran{code, stdout.String(), stderr.String()}
}

func TestCheckReady(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "request.json")
	if err := os.WriteFile(file, []byte(checkRequest(listening(t), listening(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runCheck(t, "", nil, file)
	if got.code != 0 || !strings.HasPrefix(got.stdout, "READY") || strings.Contains(got.stdout, "\x1b") {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	// A line for each of five layers of two legs.
	if lines := strings.Count(got.stderr, "\n"); lines != 10 || !strings.Contains(got.stderr, "source   connect") ||
		!strings.Contains(got.stderr, "not run: depth connect was asked") {
		t.Errorf("progress:\n%s", got.stderr)
	}
}

func TestCheckNotReady(t *testing.T) {
	t.Parallel()
	in := checkRequest(refusing(t), listening(t))
	got := runCheck(t, in, nil, "-")
	if got.code != 1 || !strings.HasPrefix(got.stdout, "NOT READY") || !strings.Contains(got.stderr, "TCP_REFUSED") {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = runCheck(t, in, nil, "-format", "json", "-")
	var r report.Report
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || r.Verdict != report.NotReady || got.code != 1 {
		t.Errorf("%d %v\n%s", got.code, err, got.stdout)
	}
	got = runCheck(t, in, nil, "-format=junit", "-")
	if err := xml.Unmarshal([]byte(got.stdout), new(struct{})); err != nil || got.code != 1 {
		t.Errorf("%d %v\n%s", got.code, err, got.stdout)
	}
	for format, begin := range map[string]string{"md": "**NOT READY**", "wiki": "*NOT READY*", "html": "<!doctype html>"} {
		if got := runCheck(t, in, nil, "-format", format, "-"); got.code != 1 || !strings.HasPrefix(got.stdout, begin) {
			t.Errorf("%s: %d\n%s", format, got.code, got.stdout)
		}
	}
}

// refusing is a loopback port that nobody listens on: it is bound, so that nobody else gets it either.
func refusing(t *testing.T) int {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(listening(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().(*net.TCPAddr).Port
}

func TestCheckRejects(t *testing.T) {
	t.Parallel()
	good := checkRequest(listening(t), listening(t))
	tests := []struct {
		name, stdin string
		env         map[string]string
		args        []string
		code        int
		stdout      string
		stderr      string
	}{
		{"no JSON", "ping", nil, []string{"-"}, 3, "REJECTED", ""},
		{"an unknown field", strings.Replace(good, `"depth"`, `"deepth"`, 1), nil, []string{"-"}, 3, "deepth", ""},
		{"a secret", strings.Replace(good, `"host"`, `"password":"hunter2","host"`, 1), nil, []string{"-"}, 3,
			"REQUEST_SECRET_INLINE", ""},
		{"a port that is not allowed", good, map[string]string{"ALLOWED_PORTS": "1"}, []string{"-"}, 3,
			"REQUEST_TARGET_NOT_ALLOWED", ""},
		{"no file", "", nil, nil, 3, "", "one FILE is needed"},
		{"two files", "", nil, []string{"a", "b"}, 3, "", "one FILE is needed"},
		{"a file that is not there", "", nil, []string{"nowhere.json"}, 3, "", "nowhere.json"},
		{"a large file", strings.Repeat(" ", maxRequest+1), nil, []string{"-"}, 3, "", "has more than"},
		{"another format", good, nil, []string{"-format", "pdf", "-"}, 3, "", `no format "pdf"`},
		{"another flag", good, nil, []string{"-x", "-"}, 3, "", "-x"},
		{"a wrong setting", good, map[string]string{"ALLOWED_TARGETS": "10.0.0.0/99"}, []string{"-"}, 2, "",
			"setting ALLOWED_TARGETS"},
		{"help", "", nil, []string{"-h"}, 0, "usage: handler check", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := runCheck(t, test.stdin, test.env, test.args...)
			if got.code != test.code || !strings.Contains(got.stdout, test.stdout) ||
				!strings.Contains(got.stderr, test.stderr) || strings.Contains(got.stdout+got.stderr, "hunter2") {
				t.Errorf("%d\n%s\n%s", got.code, got.stdout, got.stderr)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[report.Verdict]int{report.Ready: 0, report.ReadyWithWarnings: 0, report.NotReady: 1,
		report.Unsupported: 1, report.Inconclusive: 2, report.Rejected: 3, "of a later version": 2} {
		if got := exitOf(verdict); got != want {
			t.Errorf("%s: %d, want %d", verdict, got, want)
		}
	}
}
