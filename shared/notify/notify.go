// Package notify tells those who wait for a report: by a message to a queue, by a signed post, by a comment in a ticket.
// What was told is remembered in the tables, so that each is told once, whoever asks for it again and however often;
// what fails is tried for a day, with growing delays that no process has to wait through. It decides nothing about
// checks, and never changes a report.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// The ways to tell somebody.
const (
	ToReply    = "reply"
	ToCallback = "callback"
	ToTicket   = "ticket"
)

// Notice is a report that somebody is to be told of.
type Notice struct {
	Report report.Report
	// Wanted is what the message asked for. It counts where the report has no whole request: that one was refused.
	Wanted        request.Notify
	CorrelationID string
	// Changed tells that the report changes what was said of its route: Was, since WasSince; Was is empty where nothing was
	// said yet.
	Changed  bool
	Was      report.Verdict
	WasSince time.Time
}

// Message is what a sender has to say.
type Message struct {
	store.Notice
	Report report.Report
	// JSON is the report as it is stored.
	JSON []byte
	Now  time.Time
}

// Sender tells in one way. The context bounds all of it. Nil means that it arrived; what other errors mean is said by
// their types, those of package web and of this one.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Memory keeps notices and reports.
type Memory interface {
	Load(ctx context.Context, id string) (store.State, error)
	Notices(ctx context.Context, id string) ([]store.Notice, error)
	// AddNotice and ChangeNotice give false where another writer was faster.
	AddNotice(ctx context.Context, n store.Notice) (store.Notice, bool, error)
	ChangeNotice(ctx context.Context, n store.Notice) (store.Notice, bool, error)
}

// Options are what a notifier works with.
type Options struct {
	Memory  Memory
	Senders map[string]Sender
	// Later brings Remind for a check at a time, by whatever process is there then.
	Later func(ctx context.Context, id string, at time.Time) error
	// Retry repeats a call to tables or queue while their trouble may pass.
	Retry func(ctx context.Context, what string, call func(context.Context) error) error
	Now   func() time.Time
	Log   *slog.Logger
	// Told is told of each attempt and of what stands then; nil where nobody asks.
	Told func(ctx context.Context, way, state string)
}

// Notifier is safe for concurrent use.
type Notifier struct {
	Options

	mu sync.Mutex
	// unrecorded are outcomes that the tables did not take yet: what arrived must not be sent again for that.
	unrecorded map[string]store.Notice
}

// New makes a notifier.
func New(o Options) *Notifier { return &Notifier{Options: o, unrecorded: map[string]store.Notice{}} }

// Notify tells everybody whom the report's request names, as far as they were not told, and sees to it that the others
// are told later. An error is our own trouble, of tables or queue: it must be called again. Receivers' trouble is none.
func (n *Notifier) Notify(ctx context.Context, notice Notice) error {
	wanted := destinations(notice)
	if len(wanted) == 0 {
		return nil
	}
	known, err := n.known(ctx, notice.Report.ID)
	if err != nil {
		return err
	}
	for i, w := range wanted {
		for _, k := range known {
			if k.To == w.To {
				wanted[i] = k
			}
		}
	}
	return n.tellAll(ctx, notice.Report.ID, wanted, 0)
}

// Remind goes on with what Notify or Remind left open. It errs as Notify does.
func (n *Notifier) Remind(ctx context.Context, id string) error {
	known, err := n.known(ctx, id)
	if err != nil {
		return err
	}
	// Where our clock is behind the queue's, a reminder for the same moment would be the same message, and be dropped.
	return n.tellAll(ctx, id, known, time.Second+rand.N(reminderSpread))
}

// reminderSpread is how much later than it is due a second reminder may come.
const reminderSpread = 4 * time.Second

func (n *Notifier) known(ctx context.Context, id string) ([]store.Notice, error) {
	var known []store.Notice
	err := n.Retry(ctx, "read the notices of "+id, func(ctx context.Context) error {
		var err error
		known, err = n.Memory.Notices(ctx, id)
		return err
	})
	return known, err
}

// tellAll tells all at once, so that none waits for another, and asks to be reminded of the first that is left, by so
// much later than it is due.
func (n *Notifier) tellAll(ctx context.Context, id string, notices []store.Notice, by time.Duration) error {
	open := make([]store.Notice, 0, len(notices))
	for _, notice := range notices {
		if !notice.Final() {
			open = append(open, notice)
		}
	}
	if len(open) == 0 {
		return nil
	}
	told, err := n.load(ctx, id)
	if err != nil {
		return err
	}
	var telling sync.WaitGroup
	due, faults := make([]time.Time, len(open)), make([]error, len(open))
	for i, notice := range open {
		telling.Go(func() { due[i], faults[i] = n.tell(ctx, notice, told) })
	}
	telling.Wait()
	if first := earliest(due); !first.IsZero() {
		err = n.Retry(ctx, "ask to be reminded of "+id, func(ctx context.Context) error {
			return n.Later(ctx, id, first.Add(by))
		})
	}
	return errors.Join(append(faults, err)...)
}

// load reads the report as it is stored, which is what everybody is told.
func (n *Notifier) load(ctx context.Context, id string) (Message, error) {
	var state store.State
	err := n.Retry(ctx, "load the report of "+id, func(ctx context.Context) error {
		var err error
		state, err = n.Memory.Load(ctx, id)
		return err
	})
	if err != nil {
		return Message{}, err
	}
	m := Message{JSON: state.Report}
	if err := json.Unmarshal(state.Report, &m.Report); err != nil {
		return Message{}, fmt.Errorf("read the report of %s: %w", id, err)
	}
	return m, nil
}

func earliest(times []time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
