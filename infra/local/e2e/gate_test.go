package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// gated is what the script in docs left behind.
type gated struct {
	code                    int
	stdout, stderr, results string
}

// gate runs the script as a pipeline's step does.
func gate(t *testing.T, body []byte, env ...string) gated {
	t.Helper()
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "check.json"), body, 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join(root, "docs", "gate.sh"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", script, "check.json", "preflight.xml")
	command.Dir = dir
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}, env...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	g := gated{code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if raw, err := os.ReadFile(filepath.Join(dir, "preflight.xml")); err == nil {
		g.results = string(raw)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 2 {
		t.Errorf("the script left %v, %v", left, err)
	}
	return g
}

func TestGate(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	url := "PGPREFLIGHT_URL=" + b.URL() + "/"
	for name, test := range map[string]struct {
		change func(*request.Check)
		env    string
		code   int
		says   string
		result string
	}{
		"ready": {func(*request.Check) {}, "", 0, "check gate-ready: ready", `failures="0"`},
		"not ready": {func(c *request.Check) { c.Source.Port = 1 }, "", 1, "check gate-not-ready: not_ready",
			`<property name="verdict" value="not_ready">`},
		"inconclusive": {func(c *request.Check) { c.Source.Credential.Setting = "NOBODY_SET_THIS" }, "", 2,
			"check gate-inconclusive: inconclusive", `<property name="verdict" value="inconclusive">`},
		"a bad request": {func(c *request.Check) { c.Depth = "deep" }, "", 3, `"field":"depth"`, ""},
		"a rejected target": {func(c *request.Check) { c.Source.Host = "127.0.0.9" }, "", 3,
			"check gate-a-rejected-target: rejected", `<property name="verdict" value="rejected">`},
		"no report in time": {func(c *request.Check) { c.Source.Port, _ = slowPeer(t) }, "PGPREFLIGHT_WAIT=1", 2,
			"no report in 1 s", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := b.check("")
			test.change(&c)
			id := "gate-" + strings.ReplaceAll(name, " ", "-")
			body := bytes.Replace(c.JSON(), []byte(`"id":"",`), nil, 1)
			g := gate(t, body, url, "PGPREFLIGHT_ID="+id, test.env)
			if g.code != test.code || !strings.Contains(g.stderr, test.says) || !strings.Contains(g.results, test.result) ||
				(g.results == "") != (test.result == "") {
				t.Fatalf("code %d, want %d; says %s; results %s", g.code, test.code, g.stderr, g.results)
			}
			if (g.stdout == "") != (test.result == "") {
				t.Errorf("Markdown %q", g.stdout)
			}
		})
	}
}

// scripted answers a request for a path with one status after the other, and goes on with the last.
type scripted struct {
	mu    sync.Mutex
	post  []int
	get   []int
	calls []string
	keys  []string
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	s.keys = append(s.keys, r.Header.Get("X-Functions-Key"))
	statuses := &s.get
	if r.Method == http.MethodPost {
		statuses = &s.post
	}
	status := (*statuses)[0]
	if len(*statuses) > 1 {
		*statuses = (*statuses)[1:]
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(status)
	switch status {
	case http.StatusAccepted:
		_, _ = w.Write([]byte(`{"id":"x-1","status":"queued","location":"/api/checks/x-1"}`))
	case http.StatusOK:
		_, _ = w.Write([]byte(`<property name="verdict" value="ready_with_warnings"></property>`))
	}
}

func TestGateWithATroubledApp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		post, get []int
		code      int
		calls     int
	}{
		"it comes back":           {[]int{503, 429, 202}, []int{500, 404, 202, 200}, 0, 8},
		"a wrong key":             {[]int{401}, nil, 2, 1},
		"a key that may not read": {[]int{202}, []int{403}, 2, 2},
		"it never comes back":     {[]int{500}, nil, 2, 0},
		"the report never comes":  {[]int{202}, []int{202}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{post: test.post, get: test.get}
			server := httptest.NewServer(s)
			defer server.Close()
			wait := "PGPREFLIGHT_WAIT=3"
			if test.calls > 0 {
				wait = "PGPREFLIGHT_WAIT=120"
			}
			g := gate(t, []byte("{}"), "PGPREFLIGHT_URL="+server.URL, "PGPREFLIGHT_KEY=k-planted", wait)
			if g.code != test.code || test.calls > 0 && len(s.calls) != test.calls {
				t.Errorf("code %d, want %d; calls %q; says %s", g.code, test.code, s.calls, g.stderr)
			}
			if slices.ContainsFunc(s.keys, func(k string) bool { return k != "k-planted" }) {
				t.Errorf("keys %q", s.keys)
			}
			if strings.Contains(g.stdout+g.stderr+g.results, "k-planted") {
				t.Error("the key came out")
			}
		})
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if g := gate(t, []byte("{}"), "PGPREFLIGHT_URL="+server.URL, "PGPREFLIGHT_WAIT=1"); g.code != 2 {
		t.Errorf("nobody listens: code %d: %s", g.code, g.stderr)
	}
	if g := gate(t, []byte("{}")); g.code == 0 {
		t.Error("no address: code 0")
	}
}

// The samples are what the document shows, they can be read, and they call the script that is tested.
func TestSamples(t *testing.T) {
	t.Parallel()
	page := read(t, "pipelines.md")
	for name, want := range map[string][]string{
		"github-actions.yml":  {"jobs", "preflight", "steps", "sh gate.sh check.json preflight.xml >> \"$GITHUB_STEP_SUMMARY\""},
		"azure-pipelines.yml": {"stages", "preflight", "steps", "sh gate.sh check.json preflight.xml"},
	} {
		text := read(t, filepath.Join("samples", name))
		if !strings.Contains(page, "```yaml\n"+text+"```") {
			t.Errorf("docs/pipelines.md does not show %s as it is", name)
		}
		var tree any
		if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, part := range want {
			if !contains(tree, part) {
				t.Errorf("%s: %q is not in it", name, part)
			}
		}
	}
	sample := read(t, filepath.Join("samples", "check.json"))
	if _, err := request.Decode([]byte(sample), "id"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(page, "```json\n"+sample+"```") {
		t.Error("docs/pipelines.md does not show check.json as it is")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// contains looks for a key or a text anywhere in a YAML tree.
func contains(tree any, text string) bool {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			if key == text || contains(value, text) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(node, func(value any) bool { return contains(value, text) })
	case string:
		return strings.TrimSpace(node) == text || node == text
	}
	return false
}
