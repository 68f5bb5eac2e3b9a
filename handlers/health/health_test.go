package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/settings"
)

const (
	bus    = "Endpoint=sb://b.example.com/;SharedAccessKeyName=all;SharedAccessKey=hunter2hunter2"
	tables = "AccountName=st;AccountKey=hunter2hunter2"
)

func parsed(t *testing.T, env map[string]string) settings.Settings {
	t.Helper()
	s, err := settings.Parse(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask1(t *testing.T, parts []Part) (int, map[string]Result, string) {
	t.Helper()
	w := httptest.NewRecorder()
	New(parts, DefaultOptions()).ServeHTTP(w, httptest.NewRequest("GET", "/api/health", nil))
	var body answer
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	results := map[string]Result{}
	for _, r := range body.Parts {
		results[r.Name] = r
	}
	if (w.Code == 200) != (body.Status == OK) {
		t.Errorf("status %d with %s", w.Code, body.Status)
	}
	return w.Code, results, w.Body.String()
}

func silent(context.Context, string, error) {}

func well(context.Context) error { return nil }

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	s := parsed(t, map[string]string{
		"CheckQueue": bus, "ResultTables": tables, "WEBSITE_SITE_NAME": "app", "WEBSITE_PRIVATE_IP": "10.1.2.4",
		"RESOLVERS": "10.0.0.4:53",
	})
	status, parts, body := ask1(t, Parts(s, Pings{Queue: well, Tables: well, Resolvers: well, Report: silent}))
	want := `{"status":"ok","parts":[{"name":"queue","status":"ok","detail":"answers"},{"name":"tables","status":"ok",` +
		`"detail":"answers"},{"name":"credentials","status":"ok","detail":"not set, and not needed by every ` +
		`function: REPORT_LINK_KEY, PUBLIC_BASE_URL, TICKET_SECRETS, TICKET_APIS, CALLBACK_SECRET, ALLOWED_CALLBACKS"},` +
		`{"name":"vnetIntegration","status":"ok",` +
		`"detail":"joined to a virtual network"},{"name":"resolvers","status":"ok","detail":"RESOLVERS names 1"}]}`
	if status != 200 || body != want {
		t.Errorf("answer %d %v\n got %s\nwant %s", status, parts, body, want)
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	fails := func(err error) Ping { return func(context.Context) error { return err } }
	const reference = "@Microsoft.KeyVault(SecretUri=https://kv.example.com/secrets/x)"
	tests := []struct {
		name   string
		env    map[string]string
		pings  Pings
		part   string
		status Status
		detail string
	}{
		{"no queue", nil, Pings{}, "queue", Missing, "setting CheckQueue or CheckQueue__fullyQualifiedNamespace is not set"},
		{"no tables", nil, Pings{}, "tables", Missing, "setting ResultTables or ResultTables__tableServiceUri is not set"},
		{"a queue that refuses", map[string]string{"CheckQueue": bus},
			Pings{Queue: fails(fmt.Errorf("x: %w", syscall.ECONNREFUSED))},
			"queue", Failed, "the connection is refused"},
		{"a queue without an address", map[string]string{"CheckQueue": bus},
			Pings{Queue: fails(&net.DNSError{Err: "no such host"})},
			"queue", Failed, "its name does not resolve"},
		{"tables out of reach", map[string]string{"ResultTables": tables}, Pings{Tables: fails(syscall.EHOSTUNREACH)},
			"tables", Failed, "it is not reachable"},
		{"tables that talk", map[string]string{"ResultTables": tables},
			Pings{Tables: fails(errors.New("AccountKey=hunter2 is wrong"))},
			"tables", Failed, "the log has the reason"},
		{"a ticket secret that is not there", map[string]string{"TICKET_SECRETS": `{"jira":"J"}`}, Pings{},
			"credentials", Missing, "TICKET_SECRETS names a setting that is not set: J"},
		{"a ticketing system's token that is not there",
			map[string]string{"TICKET_APIS": `{"jira":{"url":"https://x.example.com","tokenSetting":"T"}}`}, Pings{},
			"credentials", Missing, "TICKET_APIS names a setting that is not set: T"},
		{"callbacks that cannot be signed", map[string]string{"ALLOWED_CALLBACKS": "*.example.com"}, Pings{},
			"credentials", Missing, "ALLOWED_CALLBACKS is set, and CALLBACK_SECRET is not: no callback is posted"},
		{"a reference that is not resolved", map[string]string{"REPORT_LINK_KEY": reference}, Pings{},
			"credentials", Failed, "the Key Vault reference is not resolved of setting REPORT_LINK_KEY"},
		{"no token", nil, Pings{Credentials: fails(errors.New("hunter2"))}, "credentials", Failed, "the log has the reason"},
		{"not in Azure", nil, Pings{}, "vnetIntegration", OK, "not in Azure"},
		{"not joined", map[string]string{"WEBSITE_SITE_NAME": "app"}, Pings{},
			"vnetIntegration", Missing, "WEBSITE_PRIVATE_IP is not set: the app is not joined to a virtual network"},
		{"the instance's resolvers", nil, Pings{}, "resolvers", OK, "those of the instance"},
		{"resolvers that are silent", nil, Pings{Resolvers: fails(context.DeadlineExceeded)}, "resolvers", Failed,
			"no answer in time"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var reported []string
			test.pings.Report = func(_ context.Context, part string, err error) {
				reported = append(reported, part+": "+err.Error())
			}
			_, parts, body := ask1(t, Parts(parsed(t, test.env), test.pings))
			if got := parts[test.part]; got.Status != test.status || got.Detail != test.detail {
				t.Errorf("%s: %+v, want %s %q", test.part, got, test.status, test.detail)
			}
			if strings.Contains(body, "hunter2") {
				t.Errorf("a secret came out: %s", body)
			}
			if asked := test.status == Failed && test.env["REPORT_LINK_KEY"] == ""; asked != (len(reported) == 1) {
				t.Errorf("reported %q", reported)
			}
		})
	}
}

func part(name string, look func(context.Context) Result) Part { return Part{Name: name, Look: look} }

func TestPartsAreAskedTogetherAndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		slow := func(context.Context) Result { time.Sleep(2 * time.Second); return Result{Status: OK} }
		h := New([]Part{
			part("a", slow), part("b", slow), part("c", func(context.Context) Result { <-forever; return Result{} }),
			part("d", func(context.Context) Result { panic("hunter2") }),
		}, DefaultOptions())
		started := time.Now()
		got := h.look(t.Context())
		if took := time.Since(started); took != 3*time.Second {
			t.Errorf("took %s, want 3 s", took)
		}
		want := `{failed [{a ok } {b ok } {c failed no answer in time} {d failed the look itself broke}]}`
		if text := fmt.Sprint(got); text != want {
			t.Errorf("got %s, want %s", text, want)
		}
		close(forever)
	})
}

// Anybody may ask: the parts are not asked each time, and one who goes away does not spoil it for the rest.
func TestAnswerIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int32
		h := New([]Part{part("a", func(ctx context.Context) Result {
			looks.Add(1)
			if ctx.Err() != nil {
				return Result{Status: Failed}
			}
			return Result{Status: OK}
		})}, DefaultOptions())
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 10 {
			if got := h.look(gone); got.Status != OK {
				t.Errorf("a caller who went away: %+v", got)
			}
		}
		if looks.Load() != 1 {
			t.Errorf("%d looks, want 1", looks.Load())
		}
		time.Sleep(6 * time.Second)
		h.look(t.Context())
		if looks.Load() != 2 {
			t.Errorf("%d looks after a while, want 2", looks.Load())
		}
	})
}
