package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

func TestEverybodyIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(everybody())
		n := f.notifier()
		for range 3 { // redeliveries, and a reminder
			if err := n.Notify(t.Context(), f.notice()); err != nil {
				t.Fatal(err)
			}
			if err := n.Remind(t.Context(), "c-1"); err != nil {
				t.Fatal(err)
			}
		}
		for to, target := range map[string]string{ToReply: "answers", ToCallback: everybody().CallbackURL,
			ToTicket: "jira/OPS-1"} {
			row := f.row(to)
			if f.count(to) != 1 || row.State != store.NoticeDone || row.Attempts != 1 || row.Target != target ||
				row.Claim != "" || row.Trouble != "" {
				t.Errorf("%s: sent %d, %+v", to, f.count(to), row)
			}
		}
		if len(f.later) != 0 {
			t.Errorf("reminders %v", f.later)
		}
		m := f.sent[0]
		var whole report.Report
		if err := json.Unmarshal(m.JSON, &whole); err != nil || whole.ID != "c-1" || m.CorrelationID != "order-7" ||
			m.Report.Verdict != report.NotReady {
			t.Errorf("message %+v, %v", m, err)
		}
		lines := f.lines.String()
		if strings.Count(lines, "msg=notification") != 3 || !strings.Contains(lines, "target=hooks.example.com ") ||
			strings.Contains(lines, "planted") {
			t.Errorf("log %s", lines)
		}
	})
}

func TestNobodyToTell(t *testing.T) {
	t.Parallel()
	for _, n := range []request.Notify{{}, {Ticket: request.Ticket{System: "generic", ID: "7"}}} {
		f := asking(n)
		if err := f.notifier().Notify(t.Context(), f.notice()); err != nil || len(f.rows)+len(f.sent) != 0 {
			t.Errorf("%v, rows %v", err, f.rows)
		}
	}
}

// Of a refused request the report keeps at most who asked; the message says whom to tell.
func TestARefusalIsTold(t *testing.T) {
	t.Parallel()
	refused := request.Problem{ID: "c-1", RequestedBy: "pipeline"}
	for _, kept := range []json.RawMessage{nil, refused.Sound()} {
		f := asking(request.Notify{})
		f.report.Request, f.report.Verdict = kept, report.Rejected
		notice := f.notice()
		notice.Wanted = request.Notify{ReplyTo: "answers"}
		if err := f.notifier().Notify(t.Context(), notice); err != nil || f.count(ToReply) != 1 {
			t.Errorf("%s: %v, sent %d", kept, err, len(f.sent))
		}
	}
}

func TestASilentReceiverHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(everybody())
		began := time.Now()
		var others []time.Duration
		f.send = func(ctx context.Context, m Message) error {
			if m.To == ToCallback {
				<-ctx.Done()
				return ctx.Err()
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			others = append(others, time.Since(began))
			return nil
		}
		if err := f.notifier().Notify(t.Context(), f.notice()); err != nil {
			t.Fatal(err)
		}
		if len(others) != 2 || slices.Max(others) != 0 {
			t.Errorf("others were told after %v", others)
		}
		if took := time.Since(began); took != attemptWithin || f.count(ToCallback) != 1 {
			t.Errorf("took %s, %d attempts", took, f.count(ToCallback))
		}
		if wait := time.Until(f.lastLater(t)); wait < 30*time.Second || wait > 36*time.Second {
			t.Errorf("reminded after %s", wait)
		}
	})
}

// What fails at once is tried again on the spot, then ever later, for a day.
func TestADayOfFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		var at []time.Duration
		began := time.Now()
		f.send = func(context.Context, Message) error {
			at = append(at, time.Since(began))
			return &web.StatusError{Status: http.StatusInternalServerError}
		}
		n := f.notifier()
		err := n.Notify(t.Context(), f.notice())
		for err == nil && !f.row(ToCallback).Final() {
			time.Sleep(time.Until(f.lastLater(t)))
			err = n.Remind(t.Context(), "c-1")
		}
		row := f.row(ToCallback)
		if err != nil || row.State != store.NoticeGivenUp || row.Trouble != "it answered 500" || row.Attempts != len(at) {
			t.Fatalf("%v, %+v", err, row)
		}
		if last := at[len(at)-1]; last > day || last < 15*time.Hour {
			t.Errorf("the last attempt came after %s", last)
		}
		if at[1] != atOnce || len(at) < 12 || len(at) > 20 {
			t.Errorf("attempts at %v", at)
		}
		for i := 3; i < len(at) && at[i]-at[i-1] < 4*time.Hour; i++ {
			if at[i]-at[i-1] <= at[i-1]-at[i-2] {
				t.Errorf("the delay before attempt %d did not grow: %v", i+1, at)
			}
		}
		if err := n.Remind(t.Context(), "c-1"); err != nil || f.count(ToCallback) != len(at) {
			t.Errorf("told again after it was given up: %v", err)
		}
	})
}

func TestHowAttemptsEnd(t *testing.T) {
	t.Parallel()
	status := func(s int, retryAfter string) error { return &web.StatusError{Status: s, RetryAfter: retryAfter} }
	const minute = time.Minute
	for name, c := range map[string]struct {
		err    error
		state  store.NoticeState
		wait   time.Duration // until the next attempt
		unsure bool
	}{
		"gone":                 {status(410, ""), store.NoticeStopped, 0, false},
		"refused":              {&web.RefusedError{Reason: "no"}, store.NoticeRefused, 0, false},
		"too many":             {status(429, "120"), store.NoticePending, 2 * minute, false},
		"too many, for days":   {status(429, "999999999999"), store.NoticeGivenUp, 48 * time.Hour, false},
		"unavailable":          {status(503, "90"), store.NoticePending, 90 * time.Second, true},
		"retry at once":        {status(503, "0"), store.NoticePending, time.Second, true},
		"until a date":         {status(429, "Sat, 01 Jan 2000 00:10:00 GMT"), store.NoticePending, 10 * minute, false},
		"until a past date":    {status(429, "Fri, 31 Dec 1999 00:10:00 GMT"), store.NoticePending, time.Second, false},
		"broken, with a delay": {status(500, "120"), store.NoticePending, time.Second, true},
		"unauthorised":         {status(401, ""), store.NoticePending, time.Second, false},
		"a setting":            {&MissingError{Setting: "X"}, store.NoticePending, time.Second, false},
		"anything":             {errors.New("x"), store.NoticePending, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
			n := after(store.Notice{To: ToCallback, State: store.NoticePending, First: at}, c.err, span{began: at, ended: at})
			wait := time.Duration(0)
			if !n.NextDue.IsZero() {
				wait = n.NextDue.Sub(at)
			}
			if n.State != c.state || wait != c.wait || n.Unsure != c.unsure || n.Attempts != 1 {
				t.Errorf("after %s: %+v", wait, n)
			}
		})
	}
}

// A ticket that may have its comment is not written to again at once: the system may still be at it.
func TestUnsureTicketsWait(t *testing.T) {
	t.Parallel()
	at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	ticket := store.Notice{To: ToTicket, State: store.NoticePending, First: at}
	broken := after(ticket, &web.StatusError{Status: 500}, span{at, at})
	if wait := broken.NextDue.Sub(at); wait < 30*time.Second || !broken.Unsure {
		t.Errorf("after 500: %s, %+v", wait, broken)
	}
	blind := after(broken, &LookError{Cause: &web.StatusError{Status: 403}}, span{at, at})
	if !blind.Unsure {
		t.Error("what could not be looked for is taken for missing")
	}
	if missing := after(blind, &MissingError{Setting: "X"}, span{at, at}); !missing.Unsure {
		t.Error("a missing setting made it sure")
	}
	if sure := after(blind, &web.StatusError{Status: 403}, span{at, at}); sure.Unsure {
		t.Error("a refused comment is taken for written")
	}
}

func TestTwoInstancesTellOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(everybody())
		f.send = func(context.Context, Message) error {
			time.Sleep(4 * time.Second)
			return nil
		}
		var instances sync.WaitGroup
		for range 4 {
			instances.Go(func() {
				if err := f.notifier().Notify(t.Context(), f.notice()); err != nil {
					t.Error(err)
				}
			})
		}
		instances.Wait()
		if len(f.sent) != 3 {
			t.Errorf("%d sent", len(f.sent))
		}
		// The others look whether the one that tells has come to an end.
		time.Sleep(time.Until(f.lastLater(t)))
		if err := f.notifier().Remind(t.Context(), "c-1"); err != nil || len(f.sent) != 3 {
			t.Errorf("%v, %d sent", err, len(f.sent))
		}
	})
}

// A process that was killed between sending and remembering is waited for, then it is told once more, as such.
func TestKilledWhileTelling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		dead := destinations(f.notice())[0]
		dead.Claim, dead.ClaimedUntil, dead.First = "of the dead", time.Now().Add(lease), time.Now()
		if _, added, err := f.AddNotice(t.Context(), dead); !added || err != nil {
			t.Fatal(added, err)
		}
		n := f.notifier()
		if err := n.Notify(t.Context(), f.notice()); err != nil || len(f.sent) != 0 {
			t.Fatalf("%v, %d sent", err, len(f.sent))
		}
		time.Sleep(time.Until(f.lastLater(t)))
		if err := n.Remind(t.Context(), "c-1"); err != nil || len(f.sent) != 1 || !f.sent[0].Unsure {
			t.Errorf("%v, sent %+v", err, f.sent)
		}
	})
}

// Tables that are away do not make anybody be told twice, for a while or for long.
func TestTablesAwayWhileRemembering(t *testing.T) {
	t.Parallel()
	for name, writes := range map[string]int{"for a while": 5, "for long": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := asking(byCallback())
				f.send = func(context.Context, Message) error {
					f.mu.Lock()
					defer f.mu.Unlock()
					f.away = writes
					return nil
				}
				n := f.notifier()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := n.Notify(ctx, f.notice())
				if failed := errors.Is(err, errAway); failed != (writes > 60) {
					t.Fatal(err)
				}
				f.away = 0
				if err := n.Notify(t.Context(), f.notice()); err != nil || f.count(ToCallback) != 1 ||
					f.row(ToCallback).State != store.NoticeDone {
					t.Errorf("%v, sent %d, %+v", err, f.count(ToCallback), f.row(ToCallback))
				}
			})
		})
	}
}

// A write whose answer got lost is found to be our own.
func TestLostAnswersOfTables(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		f.lost = 1
		f.send = func(context.Context, Message) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.lost = 1
			return nil
		}
		if err := f.notifier().Notify(t.Context(), f.notice()); err != nil || f.count(ToCallback) != 1 ||
			f.row(ToCallback).State != store.NoticeDone || len(f.later) != 0 {
			t.Errorf("%v, sent %d, %+v", err, f.count(ToCallback), f.row(ToCallback))
		}
	})
}

// Somebody who looks after the rows by hand, while one of them is told, changes nothing of that.
func TestARowThatIsTouched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		f.send = func(context.Context, Message) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			touched := f.rows[ToCallback]
			touched.ETag = "of a stranger"
			f.rows[ToCallback] = touched
			return nil
		}
		if err := f.notifier().Notify(t.Context(), f.notice()); err != nil || f.count(ToCallback) != 1 ||
			f.row(ToCallback).State != store.NoticeDone {
			t.Errorf("%v, sent %d, %+v", err, f.count(ToCallback), f.row(ToCallback))
		}
	})
}

// Without a queue to be reminded by, the message must come back.
func TestNoReminderToBeHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		f.laterFails = errors.New("the queue is away")
		f.send = func(context.Context, Message) error { return &web.StatusError{Status: http.StatusNotFound} }
		if err := f.notifier().Notify(t.Context(), f.notice()); !errors.Is(err, f.laterFails) {
			t.Errorf("error %v", err)
		}
		sent := f.count(ToCallback)
		f.laterFails = nil
		if err := f.notifier().Notify(t.Context(), f.notice()); err != nil || f.count(ToCallback) != sent {
			t.Errorf("%v, sent %d more", err, f.count(ToCallback)-sent)
		}
	})
}

// An attempt that would not end within the invocation is left to a reminder.
func TestTooLateToBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := f.notifier().Notify(ctx, f.notice()); err != nil || len(f.sent) != 0 {
			t.Fatalf("%v, %d sent", err, len(f.sent))
		}
		time.Sleep(time.Until(f.lastLater(t)))
		if err := f.notifier().Remind(t.Context(), "c-1"); err != nil || len(f.sent) != 1 || f.sent[0].Unsure {
			t.Errorf("%v, sent %+v", err, f.sent)
		}
	})
}

// A process that is told to stop remembers what it was doing.
func TestStoppedWhileTelling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		ctx, stop := context.WithCancel(t.Context())
		f.send = func(ctx context.Context, _ Message) error {
			stop()
			<-ctx.Done()
			return ctx.Err()
		}
		_ = f.notifier().Notify(ctx, f.notice())
		if row := f.row(ToCallback); row.Claim != "" || row.Attempts != 1 || row.State != store.NoticePending || !row.Unsure {
			t.Errorf("%+v", row)
		}
	})
}

func TestChangesAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(byCallback())
		failing := true
		f.send = func(context.Context, Message) error {
			if failing {
				return &web.StatusError{Status: 500}
			}
			return nil
		}
		notice, since := f.notice(), time.Now().Add(-time.Hour)
		notice.Changed, notice.Was, notice.WasSince = true, report.Ready, since
		n := f.notifier()
		if err := n.Notify(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
		failing = false
		time.Sleep(time.Until(f.lastLater(t)))
		if err := n.Remind(t.Context(), "c-1"); err != nil {
			t.Fatal(err)
		}
		last := f.sent[len(f.sent)-1]
		if !last.Changed || last.Was != report.Ready || !last.WasSince.Equal(since) || reason(last) != "change" {
			t.Errorf("%+v", last)
		}
	})
}
