package server

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
)

// outline is what each layer showed, in one line.
func outline(steps []Step) string {
	var out []string
	for _, s := range steps {
		word := "passed"
		switch {
		case len(s.Findings) > 0:
			word = string(s.Findings[0].Code)
		case s.BlockedBy != "":
			word = "blocked"
		case s.Skip != "":
			word = "skipped"
		case s.Inconclusive != "":
			word = "inconclusive"
		}
		out = append(out, string(s.Layer)+" "+word)
	}
	return strings.Join(out, ", ")
}

func classify(s Said) (finding.Code, finding.Args) {
	return login.Classify(login.ServerError{Message: s.Message, Detail: s.Detail, Hint: s.Hint},
		login.Circumstances{TLS: login.Yes, TLSOffered: login.Yes})
}

func expect(t Target) Expect {
	return Expect{Asker: "target.test", Host: t.Host, Port: t.Port, TLS: t.TLS, Classify: classify}
}

func to(port int, user string, tls bool) Target {
	return Target{Host: "127.0.0.1", Port: port, User: user, Database: "postgres", TLS: tls,
		Patience: 600 * time.Millisecond}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

const (
	trusted    = "resolve skipped, connect passed, tls passed, login AUTH_TRUST"
	whole      = "resolve skipped, connect passed, tls passed, login passed"
	wholePlain = "resolve skipped, connect passed, tls skipped, login passed"
	untilTLS   = "resolve skipped, connect passed, tls passed, login skipped"
)

func TestServerReachesAHealthySource(t *testing.T) {
	t.Parallel()
	source, plain := startSource(t, true), startSource(t, false)
	asker := startAsker(t, "create schema tools", "create extension dblink with schema tools",
		"grant usage on schema tools to public")
	fresh := startAsker(t)
	rows := []struct {
		name      string
		asked     *postgres.Server
		as        string
		to        Target
		want      string
		method    Method
		extension Extension
	}{
		{"superuser, TLS", asker, "boss", to(source.Port, "migrator", true), whole, MethodNoPassword, ExtensionInstalled},
		{"superuser, hostssl", asker, "boss", to(source.Port, "tlsonly", true), whole, MethodNoPassword, ExtensionInstalled},
		{"superuser, md5", asker, "boss", to(source.Port, "weak", true), whole, MethodNoPassword, ExtensionInstalled},
		{"superuser, cleartext", asker, "boss", to(source.Port, "clear", true), whole, MethodNoPassword, ExtensionInstalled},
		{"superuser, trust", asker, "boss", to(source.Port, "trusted", true), trusted, MethodNoPassword, ExtensionInstalled},
		{"superuser, no TLS", asker, "boss", to(plain.Port, "migrator", false), wholePlain, MethodNoPassword, ExtensionInstalled},
		{"superuser creates", fresh, "boss", to(source.Port, "migrator", true), whole, MethodNoPassword, ExtensionCreated},
		{"TLS", asker, "plain", to(source.Port, "migrator", true), untilTLS, MethodRoots, ExtensionInstalled},
		{"no TLS", asker, "plain", to(plain.Port, "migrator", false), wholePlain, MethodChannelBinding, ExtensionInstalled},
		{"no TLS, though offered", asker, "plain", to(source.Port, "migrator", false), wholePlain, MethodChannelBinding,
			ExtensionInstalled},
		{"no TLS, md5", asker, "plain", to(plain.Port, "weak", false), wholePlain, MethodChannelBinding, ExtensionInstalled},
		{"no TLS, cleartext", asker, "plain", to(plain.Port, "clear", false), wholePlain, MethodChannelBinding,
			ExtensionInstalled},
		{"no TLS, trust", asker, "plain", to(plain.Port, "trusted", false), wholePlain, MethodChannelBinding, ExtensionInstalled},
	}
	newer := version(t, asker) >= 160000
	for _, row := range rows {
		if newer { // a libpq that can be told to end where a password is asked for, whoever runs it
			row.method = MethodRequireAuth
			row.want = strings.Replace(row.want, untilTLS, whole, 1)
			if row.to.User == "trusted" && !row.to.TLS {
				row.want = "resolve skipped, connect passed, tls skipped, login AUTH_TRUST"
			}
		}
		t.Run(row.name, func(t *testing.T) {
			session := loggedIn(t, row.asked, row.as)
			before, farBefore, asked := len(source.Log()), len(plain.Log()), len(row.asked.Log())
			print := catalogue(t, row.asked)
			o := Observe(within(t, 10*time.Second), handed(t, session), row.to)
			if got := outline(Judge(o, expect(row.to))); got != row.want {
				t.Errorf("%s; %+v %+v", got, o, o.Error)
			}
			if o.Method != row.method || o.Extension != row.extension || !o.RolledBack || o.Phase != PhaseConnect {
				t.Errorf("observation %+v", o)
			}
			if after := catalogue(t, row.asked); after != print {
				t.Errorf("left behind:\n%s\nbefore:\n%s", after, print)
			}
			if _, err := handed(t, session).Exec(t.Context(), "select 1").ReadAll(); err != nil {
				t.Errorf("session: %v", err)
			}
			if err := session.Close(t.Context()); err != nil {
				t.Error(err)
			}
			for _, log := range []string{source.Log()[before:], plain.Log()[farBefore:], row.asked.Log()[asked:]} {
				for _, line := range complaints(log) {
					t.Errorf("logged: %s", line)
				}
				if strings.Contains(log, password) {
					t.Error("the log holds the password")
				}
			}
		})
	}
}

func version(t *testing.T, s *postgres.Server) int {
	t.Helper()
	rows, err := s.Query(t.Context(), "show server_version_num")
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(rows[0][0])
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// The end of a statement's time is an answer like any other: it ends neither the transaction nor stands in the log.
func TestTheStatementsLimitIsAnAnswer(t *testing.T) {
	t.Parallel()
	asked := startAsker(t, "create extension dblink")
	session := loggedIn(t, asked, "boss")
	a := asker{pg: handed(t, session), t: to(1, "migrator", true), o: &Observation{}}
	ctx := within(t, 20*time.Second)
	if !a.begin(ctx) {
		t.Fatalf("%+v", a.o)
	}
	failed, ok := a.attempt(ctx, "SELECT pg_catalog.pg_sleep(15)")
	if !ok || failed == nil || failed.SQLState != outOfTime || handed(t, session).TxStatus() != 'T' {
		t.Errorf("%v %+v, transaction %c", ok, failed, handed(t, session).TxStatus())
	}
	if a.rollBack(ctx); !a.o.RolledBack || len(complaints(asked.Log())) > 0 {
		t.Errorf("%+v, logged %q", a.o, complaints(asked.Log()))
	}
}

func TestServerMeetsAnObstacle(t *testing.T) {
	t.Parallel()
	source, plain := startSource(t, true), startSource(t, false)
	asker := startAsker(t, "create extension dblink")
	rows := []struct {
		name string
		to   Target
		want string
	}{
		{"refused", to(closed(t), "migrator", true), "resolve skipped, connect TCP_REFUSED, tls blocked, login blocked"},
		{"SYN unanswered", to(unanswered(t), "migrator", true), "resolve skipped, connect TCP_TIMEOUT, tls blocked, login blocked"},
		{"silent", to(listen(t, untilGone), "migrator", true), "resolve skipped, connect passed, tls PEER_SILENT, login blocked"},
		{"silent, no TLS", to(listen(t, untilGone), "migrator", false),
			"resolve skipped, connect passed, tls skipped, login LOGIN_STALLED"},
		{"resets", to(listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 512))
			_ = c.(*net.TCPConn).SetLinger(0)
		}), "migrator", true), "resolve skipped, connect passed, tls PEER_CLOSED, login blocked"},
		{"closes after reading", to(listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 512)) }), "migrator", true),
			"resolve skipped, connect passed, tls PEER_CLOSED, login blocked"},
		{"HTTP", to(listen(t, answer("HTTP/1.1 400 Bad Request\r\n\r\n")), "migrator", true),
			"resolve skipped, connect passed, tls PEER_NOT_POSTGRES, login blocked"},
		{"offers TLS and says nothing more", to(listen(t, answer("S")), "migrator", true),
			"resolve skipped, connect passed, tls PEER_SILENT, login blocked"},
		{"HTTP, no TLS", to(listen(t, answer("HTTP/1.1 400 Bad Request\r\n\r\n")), "migrator", false),
			"resolve skipped, connect passed, tls skipped, login PEER_NOT_POSTGRES"},
		{"closes in the handshake", to(listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 512))
			_, _ = c.Write([]byte("S"))
			_, _ = c.Read(make([]byte, 4096))
		}), "migrator", true), "resolve skipped, connect passed, tls TLS_CLOSED, login blocked"},
		{"no TLS offered", to(plain.Port, "migrator", true), "resolve skipped, connect passed, tls TLS_NOT_OFFERED, login blocked"},
		{"hostssl", to(source.Port, "tlsonly", false), "resolve skipped, connect passed, tls skipped, login HBA_TLS_REQUIRED"},
		{"no line", to(source.Port, "stranger", true), "resolve skipped, connect passed, tls passed, login HBA_ADDRESS_NOT_ALLOWED"},
		{"reject line", to(source.Port, "rejected", true), "resolve skipped, connect passed, tls passed, login HBA_REJECTED"},
		// glibc refuses a name with spaces before it would ask any DNS server.
		{"no name", Target{Host: "no such name", Port: 5432, User: "migrator", Database: "postgres", TLS: true,
			Patience: time.Second}, "resolve DNS_NAME_NOT_FOUND, connect blocked, tls blocked, login blocked"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			session := loggedIn(t, asker, "boss")
			o := Observe(within(t, 20*time.Second), handed(t, session), row.to)
			steps := Judge(o, expect(row.to))
			if got := outline(steps); got != row.want {
				t.Fatalf("%s; %+v %+v", got, o, o.Error)
			}
			if !o.RolledBack {
				t.Error("not rolled back")
			}
			for _, s := range steps {
				if strings.HasPrefix(outline([]Step{s}), "login HBA") && s.Findings[0].Args["seenAs"] != "127.0.0.1" {
					t.Errorf("args %+v", s.Findings[0].Args)
				}
			}
			if found := complaints(asker.Log()); len(found) > 0 {
				t.Errorf("the asked server logged %q", found)
			}
		})
	}
}

func TestServerMayNotUseDblink(t *testing.T) {
	t.Parallel()
	without := startAsker(t)
	hidden := startAsker(t, "create schema tools", "create extension dblink with schema tools")
	azure := start(t, postgres.Options{Settings: map[string]string{"azure.extensions": "hstore, pgcrypto"},
		Init: []string{"create role plain login superuser password '" + password + "'"}})
	standby := start(t, postgres.Options{HBA: []string{"host all postgres all trust"},
		Files: map[string]string{"standby.signal": ""}})
	rows := []struct {
		name  string
		at    *postgres.Server
		as    string
		id    any
		right string
	}{
		{"may not create", without, "plain", "EXT-04", "to create the extension dblink"},
		{"may not use", hidden, "plain", nil, "USAGE on schema tools"},
		{"azure.extensions", azure, "plain", "EXT-01", "azure.extensions"},
		{"standby", standby, "postgres", nil, "on the primary"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			session := loggedIn(t, row.at, row.as)
			from := len(row.at.Log())
			target := to(closed(t), "migrator", true)
			o := Observe(within(t, 10*time.Second), handed(t, session), target)
			steps := Judge(o, expect(target))
			if got := outline(steps); got != "resolve VANTAGE_SERVER_NOT_ASKED, connect skipped, tls skipped, login skipped" {
				t.Fatalf("%s; %+v %+v", got, o, o.Error)
			}
			args := steps[0].Findings[0].Args
			if right, _ := args["right"].(string); args["id"] != row.id || !strings.Contains(right, row.right) || args["why"] == "" {
				t.Errorf("args %+v", args)
			}
			if handed(t, session).TxStatus() != 'I' {
				t.Error("not rolled back")
			}
			if found := complaints(row.at.Log()[from:]); len(found) > 0 {
				t.Errorf("logged %q", found)
			}
		})
	}
}

// A server that is told to stop in the middle takes back what it created.
func TestServerIsLeftInTheMiddle(t *testing.T) {
	t.Parallel()
	asker := startAsker(t)
	before := catalogue(t, asker)
	rows := []struct {
		name string
		stop func(context.Context) (context.Context, context.CancelFunc)
		end  End
		want string
	}{
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 500*time.Millisecond)
		}, EndTimeout, "resolve VANTAGE_SERVER_NOT_ASKED, connect skipped, tls skipped, login skipped"},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(500*time.Millisecond, cancel)
			return ctx, cancel
		}, EndCancelled, "resolve inconclusive, connect blocked, tls blocked, login blocked"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			session := loggedIn(t, asker, "boss")
			ctx, cancel := row.stop(t.Context())
			defer cancel()
			target := to(listen(t, untilGone), "migrator", true)
			begun := time.Now()
			o := Observe(ctx, handed(t, session), target)
			if o.End != row.end || o.Extension != ExtensionCreated || o.RolledBack {
				t.Errorf("observation %+v %+v", o, o.Error)
			}
			if got := outline(Judge(o, expect(target))); got != row.want {
				t.Errorf("got %s", got)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
			_ = session.Close(t.Context())
			for range 100 {
				rows, err := asker.Query(t.Context(), "select 1 from pg_stat_activity where usename = 'boss'")
				if err != nil {
					t.Fatal(err)
				}
				if len(rows) == 0 {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if after := catalogue(t, asker); after != before {
				t.Errorf("left behind:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func TestServerIsNotSentWhereLibpqWouldMislead(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "/var/run/postgresql", "@abstract", "a.test,b.test", "a\x00b"} {
		o := Observe(t.Context(), nil, Target{Host: host})
		if o.Refused == "" || outline(Judge(o, Expect{}))[:32] != "resolve VANTAGE_SERVER_NOT_ASKED" {
			t.Errorf("host %q: %+v", host, o)
		}
	}
}

// handed is the connection in the hands of pgconn.
func handed(t *testing.T, session *login.Session) *pgconn.PgConn {
	t.Helper()
	pg, err := session.PG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pg
}
