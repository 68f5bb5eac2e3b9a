package main

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/store"
	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

func (m *memory) See(_ context.Context, seen ticket.Seen, checkID string) (store.Sighting, error) {
	return store.Sighting{Digest: seen.Digest, CheckID: checkID}, nil
}

// What tickets are answered is what is described.
func TestTicketsAreAnsweredAsDescribed(t *testing.T) {
	t.Parallel()
	d, mux := described(t), app(t)
	record := func(more string) string {
		return `{"sys_id":"` + strings.Repeat("a", 32) + `","number":"INC0010023"` + more + `}`
	}
	const hosts, pasted = `,"u_source_host":"10.0.0.4","u_target_host":"10.0.0.5"`,
		`,"description":"psql: error: connection to server at \"10.0.0.4\", port 5432 failed: Connection refused"`
	for _, c := range []struct {
		body        string
		contentType string
		status      int
	}{
		{record(hosts), "application/json", 202}, {record(hosts + pasted), "application/json", 202},
		{record(""), "application/json", 422}, {record(pasted), "application/json", 422},
		{"no JSON", "application/json", 400}, {record(hosts), "application/xml", 415},
		{strings.Repeat(" ", 5<<20), "application/json", 413},
	} {
		r := httptest.NewRequest("POST", "/api/tickets/servicenow", strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("Content-Type", c.contentType)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%.200s: %d, want %d: %.300s", c.body, w.Code, c.status, w.Body)
			continue
		}
		described := call{"POST", "/api/tickets/{system}", "", "", "", c.status}
		for _, wrong := range d.checkAnswer(described, w.Result(), w.Body.Bytes()) {
			t.Errorf("%.200s: %d: %s", c.body, c.status, wrong)
		}
	}
}
