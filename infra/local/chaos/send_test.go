package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// duplicateWindow is short, so that a message can come again beyond it.
const duplicateWindow = 5 * time.Second

// senders are the pipelines: they send until what they send is taken, as pipelines do.
type senders struct {
	queue *queue.Queue
	url   string
	// sent counts what was taken, duplicates what came once more, tries the calls that failed.
	sent, duplicates, failed atomic.Int64
}

func newSenders(t *testing.T, p *platform) *senders {
	t.Helper()
	q, err := queue.Open(queue.Config{ConnectionString: secret.New(p.stack.Bus.ConnectionString()), Queue: stack.QueueName})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = q.Close(ctx) // The broker goes down with the test.
	})
	return &senders{queue: q, url: p.url}
}

// run sends everything at its time and returns when all is taken.
func (s *senders) run(ctx context.Context, requests []planned) error {
	var group sync.WaitGroup
	started, broken := time.Now(), make(chan error, 1)
	for _, p := range requests {
		if !sleep(ctx, time.Until(started.Add(p.at))) {
			break
		}
		group.Go(func() {
			if err := s.request(ctx, p); err != nil {
				select {
				case broken <- err:
				default:
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-broken:
		return err
	default:
		return nil
	}
}

// request sends one request, and once more where the plan says so.
func (s *senders) request(ctx context.Context, p planned) error {
	if p.again == otherMessage {
		done := make(chan error, 1)
		go func() { done <- s.untilTaken(ctx, p, p.id+"-again") }()
		defer func() { <-done }()
	}
	if err := s.untilTaken(ctx, p, p.id); err != nil {
		return err
	}
	s.sent.Add(1)
	switch p.again {
	case once:
		return nil
	case sameLater:
		if !sleep(ctx, duplicateWindow+time.Second) {
			return ctx.Err()
		}
	}
	s.duplicates.Add(1)
	if p.again == otherMessage {
		return nil
	}
	return s.untilTaken(ctx, p, p.id)
}

func (s *senders) untilTaken(ctx context.Context, p planned, message string) error {
	begin := time.Now()
	for tries := 1; ; tries++ {
		err := s.send(ctx, p, message)
		if err == nil {
			return nil
		}
		s.failed.Add(1)
		if !sleep(ctx, 300*time.Millisecond) {
			return fmt.Errorf("send %s, try %d after %s: %w", p.id, tries, time.Since(begin).Round(time.Second), err)
		}
	}
}

func (s *senders) send(ctx context.Context, p planned, message string) error {
	switch p.way {
	case byPost:
		return s.post(ctx, "/api/checks", p.body)
	case byEvent:
		return s.post(ctx, "/runtime/webhooks/EventGrid?functionName=AcceptPipelineEvent", event(p))
	case byGrid:
		return s.queue.Send(ctx, queue.Message{ID: "grid-" + message, Body: event(p),
			ContentType: "application/cloudevents+json", Properties: map[string]string{"aeg-event-type": "Notification"}})
	}
	return s.queue.Send(ctx, queue.Message{ID: message, Body: p.body})
}

func (s *senders) post(ctx context.Context, path string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("aeg-event-type", "Notification")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("status %d: %s", response.StatusCode, answer)
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
