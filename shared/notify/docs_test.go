package notify

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// snippet is a block of code of docs/callbacks.md.
func snippet(t *testing.T, language string) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/callbacks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(raw), "```"+language+"\n")
	code, _, ended := strings.Cut(after, "\n```")
	if !found || !ended {
		t.Fatalf("the document has no %s", language)
	}
	return code
}

// The receivers of the document believe what we sign, and nothing else.
func TestReceiversOfTheDocument(t *testing.T) {
	t.Parallel()
	const key = "s3cr3t"
	body, now := []byte(`{"id":"c-1"}`), time.Now()
	stamp, old := strconv.FormatInt(now.Unix(), 10), strconv.FormatInt(now.Add(-time.Hour).Unix(), 10)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	python := snippet(t, "python") + "\n\nimport os, sys\nsys.exit(0 if verified(os.environ['CALLBACK_SECRET'], " +
		"os.environ['STAMP'], os.environ['SIGNATURE'], open(sys.argv[1], 'rb').read()) else 1)\n"
	for program, command := range map[string][]string{
		"openssl": {"sh", "-c", snippet(t, "sh"), "sh", file},
		"python3": {"python3", "-c", python, file},
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(program); err != nil {
				t.Skip(err)
			}
			for name, c := range map[string]struct {
				stamp, signature string
				want             bool
			}{
				"ours":    {stamp, "sha256=" + sign(secret.New(key), stamp, body), true},
				"another": {stamp, "sha256=" + sign(secret.New("x"), stamp, body), false},
				"old":     {old, "sha256=" + sign(secret.New(key), old, body), false},
				"none":    {stamp, "", false},
			} {
				cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
				cmd.Env = append(os.Environ(), "CALLBACK_SECRET="+key, "STAMP="+c.stamp, "SIGNATURE="+c.signature)
				out, err := cmd.CombinedOutput()
				if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed || (err == nil) != c.want {
					t.Errorf("%s: %v\n%s", name, err, out)
				}
			}
		})
	}
}
