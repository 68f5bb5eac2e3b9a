package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func runJudge(stdin string, args ...string) ran {
	var stdout, stderr bytes.Buffer
	p := process{getenv: func(string) string { return "" }, stdin: strings.NewReader(stdin), stdout: &stdout,
		stderr: &stderr, now: time.Now}
	code := run(append([]string{"judge"}, args...), p)
	return ran{code, stdout.String(), stderr.String()}
}

func TestJudgeAgain(t *testing.T) {
	t.Parallel()
	stored := runCheck(t, checkRequest(refusing(t), listening(t)), nil, "-format", "json", "-").stdout
	got := runJudge(stored, "-")
	if got.code != 1 || !strings.HasPrefix(got.stdout, "NOT READY") || !strings.Contains(got.stdout, "TCP_REFUSED") ||
		!strings.HasSuffix(got.stdout, "Judged again: nothing differs from the report of then.\n") || got.stderr != "" {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	forged := strings.Replace(stored, `"verdict": "not_ready"`, `"verdict": "ready"`, 1)
	if got = runJudge(forged, "-"); got.code != 1 || !strings.Contains(got.stdout, "verdict   was ready, is not ready") {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = runJudge(forged, "-json", "-")
	var answer judged
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || got.code != 1 ||
		answer.Report.Verdict != report.NotReady || answer.Changes.Verdict.Was != "ready" || len(answer.CannotJudge) != 0 {
		t.Errorf("%d %v\n%s", got.code, err, got.stdout)
	}
}

func TestJudgeRedacted(t *testing.T) {
	t.Parallel()
	stored := runCheck(t, checkRequest(listening(t), listening(t)), nil, "-format", "json", "-").stdout
	if got := runJudge(stored, "-"); got.code != 0 {
		t.Fatalf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got := runJudge(strings.Replace(stored, `"remoteAddress": "127.0.0.1`, `"remoteAddress": "[redacted]", "was": "`, 1), "-")
	if got.code != 2 || !strings.Contains(got.stdout, "Cannot judge again: source connect: the observation was redacted") {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got = runJudge(string(reporttest.JSON(t, reporttest.Ready())), "-"); got.code != 2 ||
		!strings.Contains(got.stderr, "cannot judge again: its request is not one of today's") || got.stdout != "" {
		t.Errorf("%d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

func TestJudgeMisused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		stdin  string
		args   []string
		code   int
		says   string
		stdout bool
	}{
		{"ping", []string{"-"}, 3, "read report", false},
		{"{}", []string{"-"}, 3, "no id or no verdict", false},
		{"", nil, 3, "one REPORT is needed", false},
		{"", []string{"a", "b"}, 3, "one REPORT is needed", false},
		{"", []string{"nowhere.json"}, 3, "nowhere.json", false},
		{"", []string{"-x", "-"}, 3, "usage: handler judge", false},
		{"", []string{"-h"}, 0, "usage: handler judge", true},
	} {
		got := runJudge(test.stdin, test.args...)
		said := got.stderr
		if test.stdout {
			said = got.stdout
		}
		if got.code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("%q %q: %d\n%s%s", test.stdin, test.args, got.code, got.stdout, got.stderr)
		}
	}
}
