package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/tickets"
)

const (
	// claimed is for how long an attempt to tell somebody may be under way before another one begins.
	claimed = 45 * time.Second
	// skew is between a kill and the moment at which the receiver has read what was sent before it.
	skew = 2 * time.Second
)

// startWaiting are those who wait for reports: a receiver of callbacks and a ticketing system.
func startWaiting(t *testing.T) *tickets.Standin {
	t.Helper()
	s, err := tickets.Start(tickets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reply is a message in the queue of answers.
type reply struct {
	at          time.Time
	correlation string
	id, verdict string
}

// readReplies empties the queue of answers, by message id. It remembers no ids, so that every message is seen.
func (p *platform) readReplies(t *testing.T) map[string][]reply {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(p.stack.Bus.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := within()
	defer cancel()
	defer func() { _ = client.Close(ctx) }()
	receiver, err := client.NewReceiverForQueue(replies, &azservicebus.ReceiverOptions{
		ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if err != nil {
		t.Fatal(err)
	}
	read, left := map[string][]reply{}, p.depths(ctx, t)[replies].Active
	for left > 0 {
		messages, err := receiver.ReceiveMessages(ctx, left, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			var r reply
			if err := json.Unmarshal(m.Body, &struct{ ID, Verdict *string }{&r.id, &r.verdict}); err != nil {
				t.Errorf("reply %s: %v", m.MessageID, err)
			}
			r.at, r.correlation = *m.EnqueuedTime, *m.CorrelationID
			read[m.MessageID] = append(read[m.MessageID], r)
		}
		left -= len(messages)
	}
	return read
}

// audience is everybody who was to be told, and what went wrong when.
type audience struct {
	waiting *tickets.Standin
	replies map[string][]reply
	// remembered are the rows that remember callbacks, by check id.
	remembered map[string]row
	struck     []incident
}

// figures are who was told how often.
type figures struct{ callbacks, twice, replies, repliesTwice, comments, untold int }

func (f figures) String() string {
	return fmt.Sprintf("callbacks to %d, twice %d | replies to %d, twice %d | comments %d | not told %d", f.callbacks, f.twice,
		f.replies, f.repliesTwice, f.comments, f.untold)
}

// hold holds what was told against the plan: everybody once at least, with the verdict that is stored. A comment is
// never written twice. A callback comes twice only where the handler was killed between sending it and remembering that:
// one attempt is remembered, never more, and a kill lies between the two. A message may come twice also where the queue
// went away in that moment.
func (a audience) hold(t *testing.T, requests []planned, r result) figures {
	t.Helper()
	var f figures
	for _, p := range requests {
		verdict := r.reports[p.id].Verdict
		f.untold += count(t, p.callbacks(a.waiting.Deliveries(p.id), verdict), a.replied(p, verdict), a.commented(p))
		if row := a.remembered[p.id]; p.notify.CallbackURL != "" && (row.Attempts != 1 || row.State != "done") {
			t.Errorf("%s: %d callbacks, remembered is %q after %d attempts", p.id, len(a.waiting.Deliveries(p.id)), row.State,
				row.Attempts)
		}
		if n := len(a.waiting.Deliveries(p.id)); n > 0 {
			f.callbacks++
			f.twice += n - 1
		}
		if n := len(a.replies[p.id]); n > 0 {
			f.replies++
			f.repliesTwice += n - 1
		}
		if p.notify.Ticket.ID != "" {
			f.comments += len(a.waiting.Comments(p.notify.Ticket.ID))
		}
		if err := a.explained(p); err != nil {
			t.Error(err)
		}
	}
	return f
}

// errUntold is what is wrong with nobody having been told.
var errUntold = errors.New("nobody was told")

// count reports what is wrong and counts those who were not told.
func count(t *testing.T, faults ...error) int {
	t.Helper()
	untold := 0
	for _, err := range faults {
		if err != nil {
			t.Error(err)
		}
		if errors.Is(err, errUntold) {
			untold++
		}
	}
	return untold
}

func (p planned) callbacks(came []tickets.Delivery, verdict string) error {
	if (len(came) == 0) != (p.notify.CallbackURL == "") {
		return fmt.Errorf("%s (%s by %s): %d callbacks: %w", p.id, p.kind, p.way, len(came), errUntold)
	}
	for _, d := range came {
		if d.Problem != "" || d.Verdict != verdict {
			return fmt.Errorf("%s: a callback with verdict %s of a report with %s: %s", p.id, d.Verdict, verdict, d.Problem)
		}
	}
	return nil
}

func (a audience) replied(p planned, verdict string) error {
	came := a.replies[p.id]
	if (len(came) == 0) != (p.notify.ReplyTo == "") {
		return fmt.Errorf("%s (%s by %s): %d replies: %w", p.id, p.kind, p.way, len(came), errUntold)
	}
	for _, r := range came {
		if r.id != p.id || r.verdict != verdict || !strings.HasPrefix(r.correlation, p.id) {
			return fmt.Errorf("%s: reply %+v to a report with %s", p.id, r, verdict)
		}
	}
	return nil
}

func (a audience) commented(p planned) error {
	if p.notify.Ticket.ID == "" {
		return nil
	}
	switch came := a.waiting.Comments(p.notify.Ticket.ID); {
	case len(came) == 0:
		return fmt.Errorf("%s: no comment in %s: %w", p.id, p.notify.Ticket.ID, errUntold)
	case len(came) > 1 || !strings.Contains(came[0], p.id):
		return fmt.Errorf("%s: comments %q in %s", p.id, came, p.notify.Ticket.ID)
	}
	return nil
}

// explained looks for the kill behind everything that was told twice.
func (a audience) explained(p planned) error {
	var posted, sent []time.Time
	for _, d := range a.waiting.Deliveries(p.id) {
		posted = append(posted, d.At)
	}
	for _, r := range a.replies[p.id] {
		sent = append(sent, r.at)
	}
	for _, told := range []struct {
		what  string
		times []time.Time
		by    []string
	}{
		{"callback", posted, []string{handlerKilled}},
		{"reply", sent, []string{handlerKilled, queueStopped, queueKilled, cutOff}},
	} {
		for i := 1; i < len(told.times); i++ {
			if !a.between(told.times[i-1], told.times[i], told.by) {
				return fmt.Errorf("%s: a %s at %s and again at %s without a reason", p.id, told.what,
					told.times[i-1].Format(time.RFC3339Nano), told.times[i].Format(time.RFC3339Nano))
			}
		}
	}
	return nil
}

// between tells whether one of these happened after the one time, within its claim, and before the other.
func (a audience) between(first, second time.Time, names []string) bool {
	return slices.ContainsFunc(a.struck, func(i incident) bool {
		return slices.Contains(names, i.name) && i.to.After(first.Add(-skew)) && i.from.Before(second) &&
			i.from.Before(first.Add(claimed))
	})
}

// The rule itself can say no.
func TestWhatExplainsASecondTelling(t *testing.T) {
	t.Parallel()
	seven := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return seven.Add(time.Duration(seconds) * time.Second) }
	a := audience{struck: []incident{{handlerKilled, at(10), at(10)}, {queueKilled, at(100), at(103)}}}
	for _, c := range []struct {
		first, second int
		name          string
		want          bool
	}{
		{9, 56, handlerKilled, true}, {9, 10, handlerKilled, false}, {11, 12, handlerKilled, true}, {13, 60, handlerKilled, false},
		{-40, 20, handlerKilled, false}, {101, 104, queueKilled, true}, {101, 104, handlerKilled, false},
	} {
		if got := a.between(at(c.first), at(c.second), []string{c.name}); got != c.want {
			t.Errorf("%d and %d by %s: %v", c.first, c.second, c.name, got)
		}
	}
}
