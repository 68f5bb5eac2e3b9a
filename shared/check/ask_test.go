package check

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/guard"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/text"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// startServer is PostgreSQL with TLS and a migrator whose password the credentials of these tests have.
func startServer(t *testing.T, init ...string) *postgres.Server {
	t.Helper()
	if _, err := postgres.Find(); err != nil {
		t.Skip(err)
	}
	authority, err := pki.NewAuthority("test root")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue(pki.Options{CommonName: "db.test", Names: []string{"db.test"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, err := postgres.Start(ctx, postgres.Options{TLS: &certificate, Init: append([]string{
		"create role migrator login password 'planted'", "create database orders"}, init...),
		Settings: map[string]string{"log_connections": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

func fromServer(t *testing.T, r report.Report) report.Leg {
	t.Helper()
	for _, leg := range r.Legs {
		if leg.From == "server" {
			return leg
		}
	}
	t.Fatalf("no leg from the server: %+v", r.Legs)
	return report.Leg{}
}

func outline(leg report.Leg) string {
	var out []string
	for _, layer := range leg.Layers {
		out = append(out, string(layer.Layer)+" "+string(layer.Status))
	}
	return strings.Join(out, ", ")
}

func TestTheTargetItselfIsAsked(t *testing.T) {
	t.Parallel()
	source, target := startServer(t), startServer(t, "alter role migrator superuser")
	p, _ := parts(t)
	c := request.Check{Version: 1, ID: "one", Depth: request.DepthLogin, TimeoutSeconds: 20, ServerVantage: true,
		Source: loopback(source.Port), Target: loopback(target.Port)}
	r := run(t, p, c)
	leg := fromServer(t, r)
	if got := outline(leg); leg.Name != "source" || got != "resolve skipped, connect passed, tls passed, login passed" {
		t.Errorf("%s: %s", leg.Name, got)
	}
	var shown bytes.Buffer
	if err := text.Write(&shown, r, text.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"source from server", "that server is asked for the password; none was sent"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, shown.String())
		}
	}
	for _, log := range []string{source.Log(), target.Log()} {
		if strings.Contains(log, "ERROR:") || strings.Contains(log, "FATAL:") {
			t.Errorf("logged:\n%s", log)
		}
	}

	c.ServerVantage = false
	if r := run(t, p, c); len(r.Legs) != 2 {
		t.Errorf("%d legs though nobody asked for more", len(r.Legs))
	}
	c.ServerVantage, c.Depth = true, request.DepthTLS
	if r := run(t, p, c); len(r.Legs) != 2 {
		t.Errorf("%d legs without a login", len(r.Legs))
	}
}

func TestTheTargetSeesWhatWeDoNot(t *testing.T) {
	t.Parallel()
	target := startServer(t, "alter role migrator superuser")
	p, _ := parts(t)
	source := loopback(silent(t))
	c := request.Check{Version: 1, ID: "one", Depth: request.DepthLogin, TimeoutSeconds: 6, ServerVantage: true,
		Source: source, Target: loopback(target.Port)}
	r := run(t, p, c)
	if got := outline(fromServer(t, r)); got != "resolve skipped, connect passed, tls failed, login skipped" {
		t.Errorf("%s", got)
	}
	var from []string
	for _, f := range r.Findings {
		if f.Code == finding.PeerSilent {
			from = append(from, f.Leg+f.From)
		}
	}
	if strings.Join(from, " ") != "source sourceserver" {
		t.Errorf("findings from %q", from)
	}
}

func TestNobodyIsSentWhereWeMayNotGo(t *testing.T) {
	t.Parallel()
	source, target := startServer(t), startServer(t, "alter role migrator superuser")
	policy, err := guard.Parse("127.0.0.1/32, *.listed.test", "1-65535")
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name   string
		source string
		target func(*request.Endpoint)
		why    string
	}{
		{"refused address", "127.0.0.2", nil, "not an allowed target"},
		{"name that nobody here knows", "unlisted.test", nil, "its name alone is not an allowed target"},
		{"no session", "127.0.0.1", func(e *request.Endpoint) { e.User = "ghost" }, "no session on the target"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p, _ := parts(t)
			p.Dialer, p.CheckName = policy.Dialer, policy.CheckName
			c := request.Check{Version: 1, ID: "one", Depth: request.DepthLogin, TimeoutSeconds: 20, ServerVantage: true,
				Source: loopback(source.Port), Target: loopback(target.Port)}
			c.Source.Host = row.source
			if row.target != nil {
				row.target(&c.Target)
			}
			before := strings.Count(source.Log(), "connection received")
			leg := fromServer(t, run(t, p, c))
			if got := outline(leg); got != "resolve skipped, connect skipped, tls skipped, login skipped" {
				t.Errorf("%s", got)
			}
			if !strings.Contains(leg.Layers[0].Reason, row.why) {
				t.Errorf("reason %q", leg.Layers[0].Reason)
			}
			if row.target == nil && strings.Count(source.Log(), "connection received") != before {
				t.Error("the source was reached")
			}
		})
	}
}

// A server that may not use dblink says so, and nothing else changes.
func TestAServerThatCannotBeAskedIsNoFailure(t *testing.T) {
	t.Parallel()
	source, target := startServer(t), startServer(t)
	p, _ := parts(t)
	c := request.Check{Version: 1, ID: "one", Depth: request.DepthLogin, TimeoutSeconds: 20, ServerVantage: true,
		Source: loopback(source.Port), Target: loopback(target.Port)}
	r := run(t, p, c)
	var found []report.Finding
	for _, f := range r.Findings {
		if f.Code == finding.VantageServerNotAsked {
			found = append(found, f)
		}
	}
	if len(found) != 1 || found[0].From != "server" || found[0].Severity != finding.Info || found[0].Owner != report.TargetDBA {
		t.Fatalf("findings %+v", r.Findings)
	}
	if !strings.Contains(found[0].Detail, "to create the extension dblink") {
		t.Errorf("detail %s", found[0].Detail)
	}
	if got := outline(fromServer(t, r)); strings.Contains(got, "failed") || r.Verdict == report.NotReady {
		t.Errorf("verdict %s, %s", r.Verdict, got)
	}
}
