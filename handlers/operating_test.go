package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/handlers/health"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// Each alert of the infrastructure and each part of Health has its section in the operating guide, and no other has one.
func TestOperatingGuideIsComplete(t *testing.T) {
	t.Parallel()
	guide := read(t, "../docs/operating.md")
	alerts, red, _ := strings.Cut(guide[strings.Index(guide, "## Alerts"):], "## When Health is red")
	red, _, _ = strings.Cut(red, "\n## ")
	terraform := read(t, "../infra/alerts.tf")
	named := matches(`([a-z]+(?:-[a-z]+)+) = \{\n\s+title`, terraform)
	named = append(named, matches(`name\s+= "pgpreflight-\$\{var\.name\}-([a-z-]+)"`, terraform)...)
	if len(named) < 5 {
		t.Fatalf("only the alerts %q were found", named)
	}
	same(t, "alerts", named, matches("(?m)^### `([^`]+)`$", alerts))
	var parts []string
	for _, part := range health.Parts(settings.Settings{}, health.Pings{}) {
		parts = append(parts, part.Name)
	}
	same(t, "parts of Health", parts, matches("(?m)^### `([^`]+)`$", red))
}

// The figures of the guide are those of the settings and of host.json.
func TestOperatingGuideHasTheLimits(t *testing.T) {
	t.Parallel()
	guide := strings.ReplaceAll(read(t, "../docs/operating.md"), ",", "")
	calls := matches(`"maxConcurrentCalls": (\d+)`, read(t, "../host.json"))
	if len(calls) != 1 {
		t.Fatalf("maxConcurrentCalls is %q", calls)
	}
	for name, want := range map[string]string{"MAX_CONCURRENT_CHECKS": strconv.Itoa(settings.DefaultMaxConcurrentChecks),
		"MAX_SOCKETS": strconv.Itoa(settings.DefaultMaxSockets), "maxConcurrentCalls": calls[0]} {
		if got := matches("`"+name+`\x60 \((\d+)\)`, guide); len(got) != 1 || got[0] != want {
			t.Errorf("docs/operating.md says %q of %s, want %s", got, name, want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func matches(pattern, text string) []string {
	var out []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, found[1])
	}
	return out
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	described := map[string]bool{}
	for _, name := range got {
		described[name] = true
	}
	for _, name := range want {
		if !described[name] {
			t.Errorf("%s: docs/operating.md has no section for %s", what, name)
		}
		delete(described, name)
	}
	for name := range described {
		t.Errorf("%s: docs/operating.md describes %s, which is not there", what, name)
	}
}
