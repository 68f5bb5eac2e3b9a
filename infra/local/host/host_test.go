package host

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/infra/local/host/timer"
)

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	functions := map[string]string{"Work": workQueue, "Tick": tickTimer}
	wrongSchedule := map[string]string{"Tick": strings.Replace(tickTimer, "0 0 0 1 1 *", "5 minutes", 1)}
	cases := map[string]struct {
		functions map[string]string
		change    func(*Options)
		reason    string
	}{
		"handler that fails": {functions, func(o *Options) { o.Settings[asHandler] = "fails" }, "port 99999 is not possible"},
		"no handler":         {functions, func(o *Options) { o.Handler = "" }, `"handler"`},
		"no connection":      {functions, func(o *Options) { delete(o.Settings, "Bus") }, "setting Bus"},
		"no queue name":      {functions, func(o *Options) { delete(o.Settings, "WORK") }, "%WORK%"},
		"wrong connection":   {functions, func(o *Options) { o.OpenReceiver = nil }, "Endpoint"},
		"wrong schedule":     {wrongSchedule, func(*Options) {}, "2 fields"},
		"wrong address":      {functions, func(o *Options) { o.Address = "127.0.0.1:port" }, "listen for HTTP"},
		"no host.json":       {functions, func(o *Options) { o.Root = filepath.Join(o.Root, "functions") }, "host.json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := newApp(t, "00:01:00", "", c.functions).options(t)
			c.change(&options)
			h, err := Start(t.Context(), options)
			if err == nil {
				_ = h.Stop()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want an error that names %q", err, c.reason)
			}
		})
	}
}

func TestRunTimer(t *testing.T) {
	t.Parallel()
	a := newApp(t, "00:01:00", "", map[string]string{"Tick": tickTimer})
	h := a.start(t, nil)
	if err := h.RunTimer(t.Context(), "Tick"); err != nil {
		t.Fatal(err)
	}
	if got := do(t, newRequest(t, http.MethodPost, h.URL()+"/admin/functions/Tick", http.NoBody)); got.status != 202 {
		t.Errorf("got %d, want 202", got.status)
	}
	await(t, "both calls", func() bool { return len(a.lines(t)) == 2 })
	for _, line := range a.lines(t) {
		if !strings.Contains(line, `"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00"`) ||
			!strings.Contains(line, `"IsPastDue":false`) || !strings.Contains(line, `"MethodName":"Tick"`) {
			t.Errorf("got %s", line)
		}
	}
	if err := h.RunTimer(t.Context(), "Nobody"); err == nil {
		t.Error("an unknown timer was run")
	}
}

func TestTimerThatMissedItsTimeIsPastDue(t *testing.T) {
	t.Parallel()
	a := newApp(t, "00:01:00", "", map[string]string{"Tick": tickTimer})
	state := t.TempDir()
	last := time.Now().UTC().AddDate(-2, 0, 0).Truncate(time.Second)
	store := timer.FileStore{Path: filepath.Join(state, "timers", "Tick.json")}
	if err := store.Save(invocation.Schedule{Last: last, Next: last, LastUpdated: last}); err != nil {
		t.Fatal(err)
	}
	a.start(t, func(o *Options) { o.State = state })
	await(t, "the call", func() bool { return len(a.lines(t)) == 1 })
	if line := a.lines(t)[0]; !strings.Contains(line, `"IsPastDue":true`) {
		t.Errorf("got %s", line)
	}
	await(t, "the new status", func() bool {
		status, err := store.Load()
		return err == nil && status.Next.After(time.Now())
	})
}
