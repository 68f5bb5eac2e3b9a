package timer

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/shared/ncrontab"
)

// call is what one invocation saw.
type call struct {
	at      string
	status  *invocation.Schedule
	pastDue bool
}

// memory is a store with an optional first status.
type memory struct{ status *invocation.Schedule }

func (m *memory) Load() (*invocation.Schedule, error)   { return m.status, nil }
func (m *memory) Save(status invocation.Schedule) error { m.status = &status; return nil }

// fire runs a timer for a span of simulated time, which begins at midnight of 1 January 2000. Every call lasts as told.
func fire(t *testing.T, o Options, schedule string, span, lasting time.Duration) []call {
	t.Helper()
	parsed, err := ncrontab.Parse(schedule)
	if err != nil {
		t.Fatal(err)
	}
	var calls []call
	o.Schedule, o.Log = parsed, slog.New(slog.DiscardHandler)
	o.Invoke = func(_ context.Context, status *invocation.Schedule, pastDue bool) error {
		calls = append(calls, call{time.Now().UTC().Format("15:04:05"), status, pastDue})
		time.Sleep(lasting)
		return errors.New("the schedule goes on after a failure")
	}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	New(o).Run(ctx, t.Context())
	return calls
}

func clock(hour, minute int) time.Time { return time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC) }

func TestStatusOfTheMonitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		got := fire(t, Options{UseMonitor: true, Store: store}, "0 */5 * * * *", 11*time.Minute, time.Second)
		want := []call{
			{"00:05:00", &invocation.Schedule{Next: clock(0, 5)}, false},
			{"00:10:00", &invocation.Schedule{Last: clock(0, 5), Next: clock(0, 10), LastUpdated: clock(0, 5)}, false},
		}
		wantCalls(t, got, want)
		if !store.status.Next.Equal(clock(0, 15)) {
			t.Errorf("stored %+v", store.status)
		}
	})
}

func wantCalls(t *testing.T, got, want []call) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d calls, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		g, w := got[i], want[i]
		same := g.at == w.at && g.pastDue == w.pastDue && (g.status == nil) == (w.status == nil)
		if same && g.status != nil {
			same = g.status.Last.Equal(w.status.Last) && g.status.Next.Equal(w.status.Next)
		}
		if !same {
			t.Errorf("call %d: got %+v %+v, want %+v %+v", i, g, g.status, w, w.status)
		}
	}
}

func TestMissedOccurrenceIsPastDueOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := clock(0, 0).Add(-35 * time.Minute)
		missed := &invocation.Schedule{Last: last, Next: last.Add(5 * time.Minute), LastUpdated: last}
		got := fire(t, Options{UseMonitor: true, Store: &memory{missed}}, "0 */5 * * * *", 6*time.Minute, 0)
		wantCalls(t, got, []call{
			{"00:00:00", missed, true},
			{"00:05:00", &invocation.Schedule{Last: clock(0, 0), Next: clock(0, 5)}, false},
		})
	})
}

func TestStatusOfAnotherScheduleIsNotPastDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := clock(0, 0).Add(-10 * time.Minute)
		old := &invocation.Schedule{Last: last, Next: last.Add(time.Minute), LastUpdated: last}
		got := fire(t, Options{UseMonitor: true, Store: &memory{old}}, "0 30 * * * *", 31*time.Minute, 0)
		wantCalls(t, got, []call{{"00:30:00", &invocation.Schedule{Last: last, Next: clock(0, 30)}, false}})
	})
}

func TestNoStatusWithoutMonitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wantCalls(t, fire(t, Options{}, "0 */5 * * * *", 6*time.Minute, 0), []call{{"00:05:00", nil, false}})
	})
}

func TestMonitorIsOffForAScheduleOfSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := fire(t, Options{UseMonitor: true, Store: &memory{}}, "*/30 * * * * *", 61*time.Second, 0)
		wantCalls(t, got, []call{{"00:00:30", nil, false}, {"00:01:00", nil, false}})
	})
}

func TestLongCallIsFollowedByTheNextAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := fire(t, Options{}, "0 */5 * * * *", 16*time.Minute, 7*time.Minute)
		wantCalls(t, got, []call{{"00:05:00", nil, false}, {"00:12:00", nil, false}})
	})
}

func TestRunOnStartup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := fire(t, Options{RunOnStartup: true}, "0 */5 * * * *", time.Minute, 0)
		wantCalls(t, got, []call{{"00:00:00", nil, false}})
	})
}

func TestScheduleThatNeverOccursEndsTheTimer(t *testing.T) {
	t.Parallel()
	if got := fire(t, Options{}, "0 0 0 30 2 *", time.Minute, 0); len(got) != 0 {
		t.Errorf("fired %d times", len(got))
	}
}

func TestFileStore(t *testing.T) {
	t.Parallel()
	store := FileStore{filepath.Join(t.TempDir(), "timers", "Tick.json")}
	if status, err := store.Load(); status != nil || err != nil {
		t.Fatalf("empty: got %v, %v", status, err)
	}
	want := invocation.Schedule{Last: clock(0, 5), Next: clock(0, 10), LastUpdated: clock(0, 5)}
	if err := store.Save(want); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Load(); err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := os.WriteFile(store.Path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Load(); err == nil {
		t.Error("a broken file was accepted")
	}
}
