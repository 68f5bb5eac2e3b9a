package host

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/infra/local/host/queue"
)

const (
	workQueue = `{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"message","queueName":"%WORK%",` +
		`"connection":"Bus","dataType":"binary"}]}`
	tickTimer = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"timer","schedule":"0 0 0 1 1 *"}]}`
	httpTwo   = `{"bindings":[{"type":"httpTrigger","direction":"in","name":"request","route":"ROUTE",` +
		`"authLevel":"LEVEL"},{"type":"http","direction":"out","name":"res"}]}`
	proxying = `"enableForwardingHttpRequest":true,"enableProxyingHttpRequest":true`
)

func httpFunction(route, level string) string {
	return strings.NewReplacer("ROUTE", route, "LEVEL", level).Replace(httpTwo)
}

// app is a folder with a host.json and functions, and the file the fake handler writes to.
type app struct {
	root, notes string
	broker      *broker
}

// newApp writes an app. The timeout is a .NET time span; modes are the members of customHandler for HTTP.
func newApp(t *testing.T, timeout, modes string, functions map[string]string) *app {
	t.Helper()
	root := t.TempDir()
	if modes != "" {
		modes = "," + modes
	}
	write(t, filepath.Join(root, "host.json"), `{"version":"2.0","functionTimeout":"`+timeout+`","customHandler":{`+
		`"description":{"defaultExecutablePath":"handler"},"initializationTimeout":"00:00:20"`+modes+`}}`)
	for name, text := range functions {
		write(t, filepath.Join(root, "functions", name, "function.json"), text)
	}
	return &app{root: root, notes: filepath.Join(root, "notes"), broker: newBroker()}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *app) options(t *testing.T) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Root:     a.root,
		Handler:  self,
		Settings: map[string]string{asHandler: "serves", "NOTES": a.notes, "WORK": "work", "Bus": "connection"},
		Log:      slog.New(slog.DiscardHandler),
		OpenReceiver: func(connection, address string) (queue.Receiver, error) {
			if connection != "connection" || address != "work" {
				t.Errorf("opened %q with %q", address, connection)
			}
			return a.broker, nil
		},
	}
}

func (a *app) start(t *testing.T, change func(*Options)) *Host {
	t.Helper()
	options := a.options(t)
	if change != nil {
		change(&options)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h, err := Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// lines are what the handler has noted so far, as far as they are whole: the file is there before its first line is.
func (a *app) lines(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(a.notes)
	end := strings.LastIndexByte(string(raw), '\n')
	if err != nil || end < 0 {
		return nil
	}
	return strings.Split(string(raw[:end]), "\n")
}

// await polls until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// broker is a queue in memory whose locks never end.
type broker struct {
	arriving chan *queue.Delivery

	mu        sync.Mutex
	completed []string
	abandoned []string
	closed    bool
}

func newBroker() *broker { return &broker{arriving: make(chan *queue.Delivery, 100)} }

func (b *broker) send(text string) {
	b.arriving <- &queue.Delivery{Message: invocation.QueueMessage{MessageID: "m", Body: []byte(text)}}
}

func (b *broker) Receive(ctx context.Context, _ int) ([]*queue.Delivery, error) {
	select {
	case d := <-b.arriving:
		again := *d
		again.Message.DeliveryCount++
		again.LockedUntil = time.Now().Add(time.Hour)
		return []*queue.Delivery{&again}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *broker) Complete(_ context.Context, d *queue.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.completed = append(b.completed, string(d.Message.Body))
	return nil
}

func (b *broker) Abandon(_ context.Context, d *queue.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abandoned = append(b.abandoned, string(d.Message.Body))
	b.arriving <- d
	return nil
}

func (b *broker) RenewLock(context.Context, *queue.Delivery) (time.Time, error) {
	return time.Now().Add(time.Hour), nil
}

func (b *broker) Close(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// counts tells how many messages were completed and abandoned.
func (b *broker) counts() (int, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.completed), len(b.abandoned)
}

// answered is a response with its body read.
type answered struct {
	status int
	header http.Header
	body   string
}

func (a answered) seen(t *testing.T) seen {
	t.Helper()
	var s seen
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return s
}

func do(t *testing.T, request *http.Request) answered {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{response.StatusCode, response.Header, string(text)}
}

func newRequest(t *testing.T, method, address string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return request
}
