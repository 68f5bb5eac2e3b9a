package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Memory = (*store.Store)(nil)

var errAway = errors.New("it is away")

// fakes are tables, queue and senders of one installation, for any number of notifiers.
type fakes struct {
	mu     sync.Mutex
	report report.Report
	rows   map[string]store.Notice
	etag   int
	// away makes so many writes fail; lost makes so many succeed whose answers get lost, so that their repetition meets
	// the row that they wrote.
	away, lost int
	laterFails error
	later      []time.Time
	sent       []Message
	lines      strings.Builder
	// send answers a message; nil means that it arrives.
	send func(ctx context.Context, m Message) error
}

func (f *fakes) Load(context.Context, string) (store.State, error) {
	raw, err := json.Marshal(f.report)
	return store.State{Status: store.Finished, Report: raw}, err
}

func (f *fakes) Notices(context.Context, string) ([]store.Notice, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []store.Notice
	for _, n := range f.rows {
		all = append(all, n)
	}
	return all, nil
}

func (f *fakes) AddNotice(ctx context.Context, n store.Notice) (store.Notice, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return n, false, ctx.Err()
	}
	if _, there := f.rows[n.To]; there {
		return n, false, nil
	}
	return f.put(n)
}

func (f *fakes) ChangeNotice(ctx context.Context, n store.Notice) (store.Notice, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return n, false, ctx.Err()
	}
	if there, known := f.rows[n.To]; !known || there.ETag != n.ETag {
		return n, false, nil
	}
	return f.put(n)
}

func (f *fakes) put(n store.Notice) (store.Notice, bool, error) {
	if f.away > 0 {
		f.away--
		return n, false, errAway
	}
	f.etag++
	n.ETag = azcore.ETag(fmt.Sprint(f.etag))
	f.rows[n.To] = n
	if f.lost > 0 {
		f.lost--
		return n, false, nil
	}
	return n, true, nil
}

func (f *fakes) Send(ctx context.Context, m Message) error {
	f.mu.Lock()
	f.sent = append(f.sent, m)
	send := f.send
	f.mu.Unlock()
	if send == nil {
		return nil
	}
	return send(ctx, m)
}

func (f *fakes) Later(_ context.Context, _ string, at time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.later = append(f.later, at)
	return f.laterFails
}

// Write takes log lines.
func (f *fakes) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lines.Write(p)
}

// retry is that of the handlers, in short.
func retry(ctx context.Context, _ string, call func(context.Context) error) error {
	for {
		err := call(ctx)
		if err == nil || !errors.Is(err, errAway) {
			return err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= time.Second {
			return err // as the handlers' own does: what it gives is the trouble, not the end of the context
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func (f *fakes) notifier() *Notifier {
	return New(Options{Memory: f, Later: f.Later, Retry: retry, Now: time.Now, Log: slog.New(slog.NewTextHandler(f, nil)),
		Senders: map[string]Sender{ToReply: f, ToCallback: f, ToTicket: f}})
}

// count is how often something was sent in a way.
func (f *fakes) count(to string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := 0
	for _, m := range f.sent {
		if m.To == to {
			count++
		}
	}
	return count
}

func (f *fakes) row(to string) store.Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[to]
}

// lastLater is when somebody asked to be reminded at last.
func (f *fakes) lastLater(t *testing.T) time.Time {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.later) == 0 {
		t.Fatal("nobody asked to be reminded")
	}
	return f.later[len(f.later)-1]
}

// asking is a report whose request asks to be told so.
func asking(n request.Notify) *fakes {
	raw := request.Check{Version: 1, ID: "c-1", Notify: n}.JSON()
	return &fakes{rows: map[string]store.Notice{}, report: report.Report{Version: 1, ID: "c-1", Route: "orders-db",
		Verdict: report.NotReady, Headline: "it is blocked", Request: raw}}
}

func everybody() request.Notify {
	return request.Notify{ReplyTo: "answers", CallbackURL: "https://hooks.example.com/x?token=planted",
		Ticket: request.Ticket{System: "jira", ID: "OPS-1"}}
}

func byCallback() request.Notify { return request.Notify{CallbackURL: everybody().CallbackURL} }

func (f *fakes) notice() Notice { return Notice{Report: f.report, CorrelationID: "order-7"} }
