package outcome

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/notify"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Reports = (*store.Store)(nil)

var (
	seven   = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	errAway = errors.New("it is away")
)

// fakes keep one report and one route, and fail at one step.
type fakes struct {
	done    []string
	stored  *report.Report
	route   *store.Route
	sent    []queue.Message
	notices []notify.Notice
	failAt  string
}

func (f *fakes) step(name string) error {
	f.done = append(f.done, name)
	if name == f.failAt {
		return errAway
	}
	return nil
}

func (f *fakes) Save(_ context.Context, r report.Report) (store.Outcome, error) {
	if err := f.step("save"); err != nil {
		return "", err
	}
	if f.stored != nil {
		return store.AlreadyStored, nil
	}
	f.stored = &r
	return store.Stored, nil
}

func (f *fakes) Complete(context.Context, string) error { return f.step("complete") }

func (f *fakes) Load(context.Context, string) (store.State, error) {
	raw, err := json.Marshal(f.stored)
	if err != nil {
		return store.State{}, err
	}
	return store.State{Status: store.Finished, Report: raw}, f.step("load")
}

func (f *fakes) Route(context.Context, string) (store.Route, error) {
	if f.route == nil {
		return store.Route{}, store.ErrNoRoute
	}
	return *f.route, f.step("route")
}

func (f *fakes) ChangeRoute(_ context.Context, _ string, change func(store.Route) store.Route) error {
	if err := f.step("change"); err != nil {
		return err
	}
	changed := change(*f.route)
	f.route = &changed
	return nil
}

func (f *fakes) Send(_ context.Context, messages ...queue.Message) error {
	f.sent = append(f.sent, messages...)
	return f.step("send")
}

func (f *fakes) Notify(_ context.Context, n notify.Notice) error {
	f.notices = append(f.notices, n)
	return f.step("notify")
}

func (f *fakes) Remind(_ context.Context, id string) error { return f.step("remind " + id) }

func (f *fakes) keeper() Keeper {
	return Keeper{Reports: f, Queue: f, Notifier: f, Retry: trouble.Retry{Report: func(context.Context, string, error) {}}}
}

func finished(id string, minute int, verdict report.Verdict) report.Report {
	started := seven.Add(time.Duration(minute) * time.Minute)
	return report.Report{ID: id, Route: "orders-db", Verdict: verdict, StartedAt: started, FinishedAt: started}
}

func TestWhoAskedIsToldOfTheReportThatStands(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	d := delivery.Delivery{ID: "c1", CorrelationID: "order-7"}
	if outcome, err := f.keeper().Keep(t.Context(), finished("c1", 0, report.Ready), d); err != nil || outcome != store.Stored {
		t.Fatal(outcome, err)
	}
	// Another instance had the same message, and found otherwise.
	outcome, err := f.keeper().Keep(t.Context(), finished("c1", 1, report.NotReady), d)
	if err != nil || outcome != store.AlreadyStored {
		t.Fatal(outcome, err)
	}
	if err := f.keeper().Complete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(f.notices) != 3 {
		t.Fatalf("%d notices", len(f.notices))
	}
	for _, n := range f.notices {
		if n.Report.Verdict != report.Ready || n.CorrelationID != "order-7" || n.Changed {
			t.Errorf("%+v", n)
		}
	}
}

func TestScheduledChecksSpeakOfChangesOnly(t *testing.T) {
	t.Parallel()
	f := &fakes{route: &store.Route{Name: "orders-db", Enabled: true, Request: []byte(`{}`)}}
	for i, step := range []struct {
		verdict report.Verdict
		notices int
		sent    int
	}{
		{report.Ready, 0, 0}, {report.Ready, 0, 0}, {report.NotReady, 0, 1}, {report.NotReady, 1, 1}, {report.NotReady, 1, 1},
		{report.Ready, 2, 1},
	} {
		f.stored = nil
		r := finished("c"+string(rune('0'+i)), 10*i, step.verdict)
		d := delivery.Delivery{ID: r.ID, Scheduled: true}
		for range 2 { // A redelivery changes nothing.
			if _, err := f.keeper().Keep(t.Context(), r, d); err != nil {
				t.Fatal(err)
			}
		}
		sent := slices.CompactFunc(slices.Clone(f.sent), func(a, b queue.Message) bool { return a.ID == b.ID })
		if len(f.notices) != step.notices || len(sent) != step.sent {
			t.Errorf("check %d: %d notices, %d sent", i, len(f.notices), len(sent))
		}
	}
	if m := f.sent[0]; m.ID != "orders-db.20261122T072100Z" || !m.At.Equal(seven.Add(21*time.Minute)) {
		t.Errorf("confirmation %+v", m)
	}
}

// A crash after any step repeats what was left out, and the notice, at worst, twice.
func TestCrashIsMadeUpFor(t *testing.T) {
	t.Parallel()
	suspect := store.Route{Name: "orders-db", Enabled: true, Request: []byte(`{}`),
		Watch: schedule.Watch{Said: report.Ready, Suspect: "c0", SuspectAt: seven}}
	for _, step := range []string{"save", "route", "notify", "change"} {
		route := suspect
		f := &fakes{route: &route, failAt: step}
		d := delivery.Delivery{ID: "c1", Scheduled: true}
		if _, err := f.keeper().Keep(t.Context(), finished("c1", 1, report.NotReady), d); !errors.Is(err, errAway) {
			t.Errorf("%s: error %v", step, err)
		}
		f.failAt = ""
		if _, err := f.keeper().Keep(t.Context(), finished("c1", 2, report.NotReady), d); err != nil {
			t.Error(err)
		}
		twice := step == "notify" || step == "change"
		if n := len(f.notices); n != 1 && (!twice || n != 2) || f.route.Watch.SaidID != "c1" {
			t.Errorf("%s: %d notices, steps %s, watch %+v", step, n, strings.Join(f.done, " "), f.route.Watch)
		}
	}
}

// A change says what was said before, since when; a refused request is told the way it asked for.
func TestWhatANoticeSays(t *testing.T) {
	t.Parallel()
	f := &fakes{route: &store.Route{Name: "orders-db", Watch: schedule.Watch{Said: report.Ready, SaidID: "c0", SaidAt: seven,
		Suspect: "c1", SuspectAt: seven.Add(time.Minute)}}}
	d := delivery.Delivery{ID: "c2", Scheduled: true, Check: request.Check{Notify: request.Notify{ReplyTo: "answers"}}}
	if _, err := f.keeper().Keep(t.Context(), finished("c2", 2, report.NotReady), d); err != nil {
		t.Fatal(err)
	}
	if len(f.notices) != 1 {
		t.Fatalf("%d notices", len(f.notices))
	}
	n := f.notices[0]
	if !n.Changed || n.Was != report.Ready || !n.WasSince.Equal(seven) || n.Wanted.ReplyTo != "answers" {
		t.Errorf("%+v", n)
	}
	f = &fakes{}
	d = delivery.Delivery{ID: "c3", Problem: &request.Problem{Notify: request.Notify{ReplyTo: "refusals"}}}
	if _, err := f.keeper().Keep(t.Context(), finished("c3", 3, report.Rejected), d); err != nil {
		t.Fatal(err)
	}
	if len(f.notices) != 1 || f.notices[0].Wanted.ReplyTo != "refusals" || f.notices[0].Changed {
		t.Errorf("%+v", f.notices)
	}
}

func TestReminders(t *testing.T) {
	t.Parallel()
	f := &fakes{failAt: "remind c1"}
	if err := f.keeper().Remind(t.Context(), delivery.Delivery{ID: "c1"}); !errors.Is(err, errAway) {
		t.Errorf("error %v", err)
	}
	if err := (Keeper{}).Remind(t.Context(), delivery.Delivery{ID: "c1"}); err != nil {
		t.Error(err)
	}
}

// Each report is told of once, however often its message is delivered and whatever becomes of its notices.
func TestStoredIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, failAt := range []string{"", "notify"} {
		f, told := &fakes{failAt: failAt}, []string{}
		k := f.keeper()
		k.Stored = func(_ context.Context, r report.Report) { told = append(told, r.ID) }
		for range 3 {
			_, _ = k.Keep(t.Context(), finished("c1", 0, report.Ready), delivery.Delivery{ID: "c1"})
		}
		if len(told) != 1 || told[0] != "c1" {
			t.Errorf("told of %q", told)
		}
	}
	f := &fakes{failAt: "save"}
	k := f.keeper()
	k.Stored = func(context.Context, report.Report) { t.Error("told of a report that is not stored") }
	if _, err := k.Keep(t.Context(), finished("c1", 0, report.Ready), delivery.Delivery{ID: "c1"}); err == nil {
		t.Error("it was stored")
	}
}

func TestNobodyToTell(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	k := f.keeper()
	k.Notifier, k.Queue = nil, nil
	if _, err := k.Keep(t.Context(), finished("c1", 0, report.Ready), delivery.Delivery{ID: "c1"}); err != nil {
		t.Error(err)
	}
	// The route was removed, or is disabled, while its check ran.
	if _, err := k.Keep(t.Context(), finished("c1", 0, report.NotReady), delivery.Delivery{ID: "c1", Scheduled: true}); err != nil {
		t.Error(err)
	}
	f = &fakes{route: &store.Route{Name: "orders-db"}}
	if _, err := f.keeper().Keep(t.Context(), finished("c1", 0, report.NotReady), delivery.Delivery{ID: "c1", Scheduled: true}); err != nil ||
		len(f.sent) != 0 {
		t.Errorf("%v, sent %d", err, len(f.sent))
	}
}
