package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/explain"
)

func TestExplainCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     io.Reader
		code   int
		stdout []string
		stderr string
	}{
		"known": {
			in:     strings.NewReader("dial tcp 10.9.8.7:5432: connect: connection refused\n"),
			stdout: []string{"TCP_REFUSED", "The connection was refused", "What to do:"},
		},
		"one of": {
			in:     strings.NewReader("psql: error: timeout expired"),
			stdout: []string{"One of: ", "What would tell more:", "nc -vz"},
		},
		"known without a finding": {
			in:     strings.NewReader("603701 Internal server error. Failed to create roles on the target server."),
			stdout: []string{"says nothing about the way", "an error inside the"},
		},
		"unknown": {in: strings.NewReader("the dog ate it"), code: 1, stdout: []string{"not known here", "whole text"}},
		"hostile": {in: strings.NewReader("FATAL:  XX000: \x1b[2J\x07bad\u202etext"), stdout: []string{"SERVER_ERROR"}},
		"empty":   {in: strings.NewReader(" \n"), code: 2, stderr: "no text"},
		"long": {
			in: strings.NewReader(strings.Repeat("x", explain.MaxText+1)), code: 2, stderr: "more than 65536 bytes",
		},
		"broken": {in: iotest.ErrReader(errors.New("gone")), code: 2, stderr: "read standard input: gone"},
	}
	for name, test := range tests {
		var stdout, stderr bytes.Buffer
		p := process{stdin: test.in, stdout: &stdout, stderr: &stderr, now: time.Now}
		if code := run([]string{"explain"}, p); code != test.code {
			t.Errorf("%s: exit code %d, %s%s", name, code, &stdout, &stderr)
		}
		for _, want := range test.stdout {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%s: no %q in %s", name, want, &stdout)
			}
		}
		if !strings.Contains(stderr.String(), test.stderr) || strings.ContainsAny(stdout.String(), "\x1b\x07\u202e") {
			t.Errorf("%s: %q %q", name, &stdout, &stderr)
		}
	}
}

func TestExplainTakesNoArguments(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	p := process{stdin: strings.NewReader("x"), stdout: &stdout, stderr: &stderr, now: time.Now}
	code := run([]string{"explain", "error.txt"}, p)
	if code != exitUsage || !strings.Contains(stderr.String(), "handler explain <") {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
}
