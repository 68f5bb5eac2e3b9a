package limit

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func from(key, hops string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/checks", nil)
	r.Header.Set("X-Functions-Key", key)
	r.Header.Set("X-Forwarded-For", hops)
	return r
}

func TestTake(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	l := New(60, func() time.Time { return now })
	for i, step := range []struct {
		key, hops string
		checks    int
		after     time.Duration
		wait      time.Duration
	}{
		{"a", "10.1.2.3:4711", 60, 0, 0},
		{"a", "10.1.2.3:4712", 1, 0, time.Second},
		{"a", "1.2.3.4, 10.1.2.3:4713", 30, 0, 30 * time.Second}, // What a caller puts in front is not believed.
		{"b", "10.1.2.3:4711", 60, 0, 0},
		{"a", "10.9.9.9:4711", 60, 0, 0},
		{"a", "10.1.2.3", 30, 30 * time.Second, 0},
		{"a", "10.1.2.3", 1, 0, time.Second},
		{"c", "[2001:db8::1]:4711", 100, 0, 0}, // More than there ever is takes all there is.
		{"c", "[2001:db8::1]:4712", 100, 0, time.Minute},
	} {
		now = now.Add(step.after)
		wait, ok := l.Take(from(step.key, step.hops), step.checks)
		if wait != step.wait || ok != (step.wait == 0) {
			t.Errorf("step %d: %s, %v", i, wait, ok)
		}
	}
}

func TestKeyInTheQuery(t *testing.T) {
	t.Parallel()
	l := New(1, time.Now)
	for key, want := range map[string]bool{"a": true, "b": true} {
		r := httptest.NewRequest(http.MethodPost, "/api/checks?code="+key, nil)
		if _, ok := l.Take(r, 1); ok != want {
			t.Errorf("%s: %v", key, ok)
		}
		if _, ok := l.Take(r, 1); ok {
			t.Errorf("%s: twice", key)
		}
	}
}

func TestCallersAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	l := New(60, func() time.Time { return now })
	for i := range callersMost {
		l.Take(from(fmt.Sprint(i), ""), 1)
	}
	now = now.Add(time.Hour)
	l.Take(from("new", ""), 1)
	if n := len(l.buckets); n != 1 {
		t.Errorf("%d callers are remembered", n)
	}
}

// A caller who is known by a name has a bucket of its own, wherever it calls from.
func TestTakeOf(t *testing.T) {
	t.Parallel()
	l := New(2, func() time.Time { return time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC) })
	for i, step := range []struct {
		caller string
		ok     bool
	}{{"tickets/jira", true}, {"tickets/generic", true}, {"tickets/jira", true}, {"tickets/jira", false}, {"tickets/generic", true}} {
		if _, ok := l.TakeOf(step.caller, 1); ok != step.ok {
			t.Errorf("%d: %s: %v", i, step.caller, ok)
		}
	}
}
