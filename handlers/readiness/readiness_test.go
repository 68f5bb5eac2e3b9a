package readiness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Store = (*store.Store)(nil)

var (
	seven   = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	errAway = errors.New("it is away")
)

// fakes are a table of routes that knows one version of each, and a queue.
type fakes struct {
	mu     sync.Mutex
	routes map[string]store.Route
	states map[string]store.Status
	sent   []queue.Message
	marked int
	failAt string
	now    time.Time
}

func routes(names ...string) map[string]store.Route {
	all := map[string]store.Route{}
	for _, name := range names {
		all[name] = store.Route{Name: name, Request: []byte(`{"version":1}`), EveryMinutes: 60, Enabled: true,
			NextDue: seven.Add(-time.Second)}
	}
	return all
}

func (f *fakes) step(name string) error {
	if name == f.failAt {
		return errAway
	}
	return nil
}

func (f *fakes) Routes(context.Context) ([]store.Route, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []store.Route
	for _, r := range f.routes {
		all = append(all, r)
	}
	return all, f.step("routes")
}

func (f *fakes) ClaimRoute(_ context.Context, r store.Route, until time.Time) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, ok := f.routes[r.Name]
	if !ok || !there.ClaimedUntil.Equal(r.ClaimedUntil) {
		return false, nil
	}
	r.ClaimedUntil = until
	f.routes[r.Name] = r
	return true, f.step("claim " + r.Name)
}

func (f *fakes) ChangeRoute(_ context.Context, name string, change func(store.Route) store.Route) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.routes[name]
	if !ok {
		return store.ErrNoRoute
	}
	if err := f.step("change"); err != nil {
		return err
	}
	f.routes[name] = change(r)
	return nil
}

func (f *fakes) Load(_ context.Context, id string) (store.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return store.State{Status: f.states[id]}, f.step("load")
}

func (f *fakes) MarkQueued(_ context.Context, checks ...request.Check) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.marked += len(checks)
	return f.step("mark")
}

func (f *fakes) Send(_ context.Context, messages ...queue.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("send"); err != nil {
		return err
	}
	f.sent = append(f.sent, messages...)
	return nil
}

func (f *fakes) run(t *testing.T) error {
	t.Helper()
	if f.now.IsZero() {
		f.now = seven
	}
	h := Handler{Store: f, Queue: f, Now: func() time.Time { return f.now },
		Retry: trouble.Retry{Report: func(context.Context, string, error) {}}}
	_, err := h.Run(t.Context(), envelope.Invocation{})
	return err
}

func (f *fakes) ids() []string {
	var ids []string
	for _, m := range f.sent {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestWhatIsDueIsQueuedOnce(t *testing.T) {
	t.Parallel()
	f := &fakes{routes: routes("due", "disabled", "ahead", "claimed", "by-hand")}
	for name, change := range map[string]func(*store.Route){
		"disabled": func(r *store.Route) { r.Enabled = false },
		"ahead":    func(r *store.Route) { r.NextDue = seven.Add(time.Minute) },
		"claimed":  func(r *store.Route) { r.ClaimedUntil = seven.Add(time.Second) },
		"by-hand":  func(r *store.Route) { r.NextDue = time.Time{} },
	} {
		r := f.routes[name]
		change(&r)
		f.routes[name] = r
	}
	for range 2 {
		if err := f.run(t); err != nil {
			t.Fatal(err)
		}
	}
	if ids := f.ids(); !slices.Equal(ids, []string{"by-hand.20261122T070000Z", "due.20261122T065959Z"}) || f.marked != 2 {
		t.Errorf("queued %q, marked %d", ids, f.marked)
	}
	for _, m := range f.sent {
		if string(m.Body) != `{"version":1}` || m.At.Before(seven) || m.At.After(seven.Add(5*time.Minute)) {
			t.Errorf("%+v", m)
		}
	}
	if r := f.routes["due"]; !r.NextDue.After(seven) || r.ClaimedUntil.After(seven) || r.QueuedCheckID != "due.20261122T065959Z" {
		t.Errorf("%+v", r)
	}
}

func TestTimersAtOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf("route-%d", i))
	}
	f := &fakes{routes: routes(names...), now: seven}
	var timers sync.WaitGroup
	for range 8 {
		timers.Go(func() {
			if err := f.run(t); err != nil {
				t.Error(err)
			}
		})
	}
	timers.Wait()
	if ids := f.ids(); len(ids) != 50 || len(slices.Compact(ids)) != 50 {
		t.Errorf("queued %d", len(f.sent))
	}
}

// A timer that dies after its claim loses no slot, and one that dies after sending doubles none: the id is the same.
func TestDeadTimerIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"send", "change"} {
		f := &fakes{routes: routes("r"), failAt: step}
		if err := f.run(t); !errors.Is(err, errAway) {
			t.Fatalf("%s: %v", step, err)
		}
		f.failAt, f.now = "", seven.Add(schedule.Lease-time.Second)
		if err := f.run(t); err != nil || step == "send" && len(f.sent) != 0 {
			t.Errorf("%s: the lease was not kept: %v, %q", step, err, f.ids())
		}
		f.now = seven.Add(schedule.Lease + time.Second)
		if err := f.run(t); err != nil {
			t.Fatal(err)
		}
		if ids := slices.Compact(f.ids()); !slices.Equal(ids, []string{"r.20261122T065959Z"}) {
			t.Errorf("%s: queued %q", step, ids)
		}
	}
}

func TestRouteIsSkippedWhileItsLastCheckRuns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status store.Status
		ago    time.Duration
		last   string
		want   int
	}{
		"running":        {store.Running, time.Minute, "before", 0},
		"queued":         {store.Queued, time.Minute, "before", 0},
		"finished":       {store.Finished, time.Minute, "before", 1},
		"known finished": {store.Running, time.Minute, "last", 1},
		"lost":           {store.Running, 2 * time.Hour, "before", 1},
	} {
		f := &fakes{routes: routes("r"), states: map[string]store.Status{"last": test.status}}
		r := f.routes["r"]
		r.QueuedCheckID, r.QueuedAt, r.Last.CheckID = "last", seven.Add(-test.ago), test.last
		f.routes["r"] = r
		if err := f.run(t); err != nil || len(f.sent) != test.want {
			t.Errorf("%s: %v, sent %d", name, err, len(f.sent))
		}
		if due := f.routes["r"].Slot().Due(seven); due != (test.want == 0) {
			t.Errorf("%s: still due: %v", name, due)
		}
	}
}

// A route that is changed or removed while its check is queued keeps what it got.
func TestRouteThatIsChangedMeanwhile(t *testing.T) {
	t.Parallel()
	f := &fakes{routes: routes("r")}
	h := Handler{Store: f, Queue: f, Now: func() time.Time { return seven }}
	taken := f.routes["r"]
	changed := taken
	changed.NextDue = seven.Add(time.Second)
	f.routes["r"] = changed
	if err := h.moveOneOn(t.Context(), seven, taken); err != nil || !f.routes["r"].NextDue.Equal(seven.Add(time.Second)) {
		t.Errorf("%v, %+v", err, f.routes["r"])
	}
	delete(f.routes, "r")
	if err := h.moveOneOn(t.Context(), seven, taken); err != nil {
		t.Error(err)
	}
}

func TestTroubleOfOneRouteIsItsOwn(t *testing.T) {
	t.Parallel()
	f := &fakes{routes: routes("a", "b"), failAt: "claim a"}
	if err := f.run(t); !errors.Is(err, errAway) || !strings.Contains(err.Error(), "claim route a") {
		t.Errorf("error %v", err)
	}
	if ids := f.ids(); !slices.Equal(ids, []string{"b.20261122T065959Z"}) {
		t.Errorf("queued %q", ids)
	}
	if err := (&fakes{routes: routes("a"), failAt: "routes"}).run(t); !errors.Is(err, errAway) {
		t.Errorf("error %v", err)
	}
	if err := (&fakes{routes: routes("a"), failAt: "mark"}).run(t); err != nil {
		t.Errorf("a note that failed: %v", err)
	}
	if _, err := (Handler{Missing: "CheckQueue"}).Run(t.Context(), envelope.Invocation{}); err == nil ||
		!strings.Contains(err.Error(), "CheckQueue") {
		t.Errorf("error %v", err)
	}
}
