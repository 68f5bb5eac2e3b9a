package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// openMost is how many queues are kept open: requests name them, so their number has no bound of its own.
const openMost = 16

// Queue is one queue or topic of the namespace.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
	Close(ctx context.Context) error
}

// Reply sends the report to the queue that the request names.
type Reply struct {
	// Open gives a queue of the namespace by its name; nil where the namespace is not known.
	Open func(name string) (Queue, error)
	// Own is the queue of check requests, which a report must never come to.
	Own string
	// Missing names the settings that Open is missing for.
	Missing string
	// Link is the link to a report, for one that is too large for a message.
	Link func(m Message) string

	mu   sync.Mutex
	open []named
}

type named struct {
	name  string
	queue Queue
}

// Send implements Sender.
func (r *Reply) Send(ctx context.Context, m Message) error {
	if r.Open == nil {
		return &MissingError{Setting: r.Missing}
	}
	if strings.EqualFold(strings.Trim(m.Target, "/"), strings.Trim(r.Own, "/")) {
		return &web.RefusedError{Reason: "replyTo is the queue of check requests itself"}
	}
	to, err := r.queue(m.Target)
	if err != nil {
		return err
	}
	message := queue.Message{ID: m.CheckID, CorrelationID: m.CorrelationID, Body: m.JSON,
		Properties: map[string]string{"verdict": string(m.Report.Verdict), "notice": reason(m)}}
	err = to.Send(ctx, message)
	if _, large := errors.AsType[*queue.TooLargeError](err); !large {
		return err
	}
	if message.Body, err = shortened(m.Report, r.Link(m)); err != nil {
		return err
	}
	return to.Send(ctx, message)
}

// queue opens a queue, or takes the open one. The queue that was used longest ago makes place; calls on it end first.
func (r *Reply) queue(name string) (Queue, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.open, func(n named) bool { return n.name == name }); i >= 0 {
		found := r.open[i]
		r.open = append(slices.Delete(r.open, i, i+1), found)
		return found.queue, nil
	}
	opened, err := r.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open reply queue: %w", err)
	}
	if len(r.open) >= openMost {
		go func(oldest Queue) { _ = oldest.Close(context.Background()) }(r.open[0].queue) // It is out of use.
		r.open = slices.Delete(r.open, 0, 1)
	}
	r.open = append(r.open, named{name, opened})
	return opened, nil
}

// findingsMost is how many findings a shortened report has.
const findingsMost = 20

// shortened is a report without its evidence, for a message that cannot hold it (256 KB in Service Bus Standard):
// version 1 all the same, with a member that says what was left out and where all of it is.
func shortened(r report.Report, link string) ([]byte, error) {
	r.Legs, r.Request, r.Vantage.CannotProve = []report.Leg{}, nil, nil
	r.Scenario.Steps = nil
	r.Findings = slices.Clone(r.Findings[:min(len(r.Findings), findingsMost)])
	for i := range r.Findings {
		r.Findings[i] = report.Finding{Code: r.Findings[i].Code, Severity: r.Findings[i].Severity, Leg: r.Findings[i].Leg,
			From: r.Findings[i].From, Layer: r.Findings[i].Layer, Title: cut(r.Findings[i].Title),
			Detail: cut(r.Findings[i].Detail), Owner: r.Findings[i].Owner, ServiceCode: r.Findings[i].ServiceCode}
	}
	r.Headline = cut(r.Headline)
	raw, err := json.Marshal(struct {
		report.Report
		Shortened shortenedBy `json:"shortened"`
	}{r, shortenedBy{Reason: "the report is larger than the queue takes: legs, request, causes and remedies are left out",
		Link: link}})
	if err != nil {
		return nil, fmt.Errorf("encode the shortened report of %s: %w", r.ID, err)
	}
	return raw, nil
}

type shortenedBy struct {
	Reason string `json:"reason"`
	Link   string `json:"link"`
}

func cut(text string) string {
	const most = 1000
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}
