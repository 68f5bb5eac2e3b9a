package terraform_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

func text(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{"..", "..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The templates know every setting that the sample knows.
func TestSettingsAreKnown(t *testing.T) {
	t.Parallel()
	var sample struct{ Values map[string]string }
	if err := json.Unmarshal([]byte(text(t, "local.settings.sample.json")), &sample); err != nil {
		t.Fatal(err)
	}
	// the plan sets the runtime, and passwords are somebody's own
	others := map[string]bool{"FUNCTIONS_WORKER_RUNTIME": true, "ORDERS_SOURCE_PASSWORD": true}
	settings := text(t, "infra", "settings.tf")
	for name := range sample.Values {
		if !others[name] && !strings.Contains(settings, name) {
			t.Errorf("infra/settings.tf does not know %s", name)
		}
	}
}

// What the alerts' queries look for is what the handler writes.
func TestAlertsFindWhatIsWritten(t *testing.T) {
	t.Parallel()
	const format = "check %s finished: %s (report %s)"
	if !strings.Contains(text(t, "handlers", "runcheck", "runcheck.go"), `"`+format+`"`) {
		t.Errorf("RunCheck does not say %q any more", format)
	}
	if !strings.Contains(text(t, "handlers", "routes.go"), `"part is not well"`) {
		t.Error("Health does not log that a part is not well")
	}
	alerts := text(t, "infra", "alerts.tf")
	line := fmt.Sprintf(format, schedule.CheckID("orders.db-1", time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)), "not_ready", "stored")
	for i, want := range []string{"orders.db-1", "orders.db-1.20261122T070000Z", "not_ready"} {
		patterns := regexp.MustCompile(`extract\(@"([^"]+)", 1, Message\)`).FindAllStringSubmatch(alerts, -1)
		if len(patterns) != 3 {
			t.Fatalf("%d patterns in alerts.tf", len(patterns))
		}
		if found := regexp.MustCompile(patterns[i][1]).FindStringSubmatch(line); found == nil || found[1] != want {
			t.Errorf("%s finds %v in %q, not %q", patterns[i][1], found, line, want)
		}
	}
	for _, named := range regexp.MustCompile(`"(RunCheck|RecordDeadLetter|ScheduleReadiness|Health)"`).FindAllStringSubmatch(alerts, -1) {
		if _, err := os.Stat(filepath.Join("..", "..", "..", "functions", named[1], "function.json")); err != nil {
			t.Error(err)
		}
	}
}

// The queue fits host.json: see docs/decisions.md.
func TestQueueFitsTheHost(t *testing.T) {
	t.Parallel()
	var host struct {
		Extensions struct {
			ServiceBus struct{ MaxConcurrentCalls int }
		}
	}
	if err := json.Unmarshal([]byte(text(t, "host.json")), &host); err != nil {
		t.Fatal(err)
	}
	limit := fmt.Sprintf("var.max_concurrent_checks < %d", host.Extensions.ServiceBus.MaxConcurrentCalls)
	if !strings.Contains(text(t, "infra", "variables_settings.tf"), limit) {
		t.Errorf("infra/variables_settings.tf does not hold %q", limit)
	}
}
