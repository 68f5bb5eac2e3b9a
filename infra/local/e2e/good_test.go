package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

func TestAHealthyPair(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	r := b.run(t, b.check("healthy"))
	if r.Verdict != report.Ready || len(r.Findings) > 0 {
		t.Fatalf("verdict %s, findings %s: %s", r.Verdict, codes(r), r.Headline)
	}
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers[:4] {
			if layer.Status != finding.StatusPassed {
				t.Errorf("%s %s: %s", leg.Name, layer.Layer, layer.Status)
			}
		}
	}
	t.Run("one connection each, Terminate, nothing alarming in the servers' logs", func(t *testing.T) {
		goodGuest(t, b.source)
		goodGuest(t, b.target)
	})
	t.Run("listed", func(t *testing.T) {
		listed(t, b, "/api/checks?route=orders-db", "healthy")
		listed(t, b, "/api/checks?wave=2026-12", "healthy")
		listed(t, b, "/api/checks?verdict=ready", "healthy")
		listed(t, b, "/api/checks?verdict=not_ready", "")
	})
	t.Run("a second request with its id costs no probe", func(t *testing.T) {
		before := connections(b.source)
		// another message id, or the queue itself would drop it as a duplicate
		b.send(t, "healthy-again", b.check("healthy").JSON())
		b.run(t, b.check("after"))
		if again := b.await(t, "healthy"); !again.StartedAt.Equal(r.StartedAt) {
			t.Error("the report was written anew")
		}
		if got := connections(b.source) - before; got != 1 {
			t.Errorf("%d connections for one new check and one duplicate", got)
		}
	})
	t.Run("the same through HTTP", func(t *testing.T) { overHTTP(t, b) })
	t.Run("pages", func(t *testing.T) { pages(t, b) })
	t.Run("health", func(t *testing.T) {
		status, body, err := b.Get(t.Context(), "/api/health")
		if err != nil || status != http.StatusOK {
			t.Errorf("status %d, %v: %s", status, err, body)
		}
	})
}

// goodGuest looks at what a passing check left in a server's log.
func goodGuest(t *testing.T, s *postgres.Server) {
	t.Helper()
	log := s.Log()
	if got := connections(s); got != 1 {
		t.Errorf("%d TCP connections, want 1:\n%s", got, log)
	}
	for _, word := range []string{"ERROR", "FATAL", "unexpected EOF", "could not receive"} {
		if strings.Contains(log, word) {
			t.Errorf("%q in the log:\n%s", word, log)
		}
	}
	// PostgreSQL writes this line for Terminate and for a lost connection; the latter comes with one of the words above.
	if !strings.Contains(log, "disconnection: session time") {
		t.Errorf("no orderly end in the log:\n%s", log)
	}
}

// connections counts those over TCP; the server's own superuser comes by the Unix socket.
func connections(s *postgres.Server) int {
	return strings.Count(s.Log(), "connection received: host=127.0.0.1")
}

// listed waits for a list to hold what it should: lists follow the report, they are not written with it.
func listed(t *testing.T, b *bench, path, want string) {
	t.Helper()
	got, deadline := ids(t, b, path), time.Now().Add(patience)
	for got != want && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		got = ids(t, b, path)
	}
	if got != want {
		t.Errorf("%s lists %q, want %q", path, got, want)
	}
}

func ids(t *testing.T, b *bench, path string) string {
	t.Helper()
	status, body, err := b.Get(t.Context(), path)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", path, status, err, body)
	}
	var page struct {
		Checks []struct{ ID, Verdict string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range page.Checks {
		all = append(all, c.ID)
	}
	return strings.Join(all, " ")
}

func overHTTP(t *testing.T, b *bench) {
	response, body := b.post(t, "/api/checks", bytes.NewReader(b.check("by-http").JSON()))
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("status %d: %s", response.StatusCode, body)
	}
	if location := response.Header.Get("Location"); !strings.HasSuffix(location, "/api/checks/by-http") {
		t.Errorf("location %q", location)
	}
	if r := b.await(t, "by-http"); r.Verdict != report.Ready {
		t.Errorf("verdict %s: %s", r.Verdict, r.Headline)
	}
	one, bad := b.check("in-batch").JSON(), []byte(`{"version":1,"id":"bad","sourze":{}}`)
	response, body = b.post(t, "/api/checks", strings.NewReader("["+string(one)+","+string(bad)+"]"))
	var batch struct {
		Accepted int
		Results  []struct{ Status, Field string }
	}
	if err := json.Unmarshal(body, &batch); err != nil || response.StatusCode != http.StatusAccepted {
		t.Fatalf("status %d, %v: %s", response.StatusCode, err, body)
	}
	if batch.Accepted != 1 || len(batch.Results) != 2 || batch.Results[1].Status != "rejected" || batch.Results[1].Field != "sourze" {
		t.Errorf("batch answer %s", body)
	}
	b.await(t, "in-batch")
}
