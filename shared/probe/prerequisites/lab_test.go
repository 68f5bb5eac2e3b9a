package prerequisites_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const password = "correct horse"

// lab is one PostgreSQL server that stands for one end of a migration.
type lab struct {
	*postgres.Server
	side prerequisites.Side
}

func start(t *testing.T, side prerequisites.Side, o postgres.Options) lab {
	t.Helper()
	o.HBA = []string{o.Settings[hba]}
	delete(o.Settings, hba)
	if _, err := postgres.Find(); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, err := postgres.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return lab{server, side}
}

// hba is no setting: under this name a lab is told who may log in how. A login without a password saves the tests
// a good part of their time.
const hba = "hba"

func scram() map[string]string { return map[string]string{hba: "host all all all scram-sha-256"} }

// startSource makes a source that has nothing wrong with it, but for what the changed settings do.
func startSource(t *testing.T, changed map[string]string) lab {
	t.Helper()
	settings := map[string]string{"wal_level": "logical", "wal_sender_timeout": "0", "max_prepared_transactions": "5",
		"autovacuum": "off",
		hba:          "host all all all trust"}
	for name, value := range changed {
		settings[name] = value
	}
	l := start(t, prerequisites.SideSource, postgres.Options{Settings: settings, Init: []string{
		"create role migrator login replication password '" + password + "'",
		"grant pg_read_all_stats to migrator",
		"create role clerk", "create role reader",
		"create database orders owner migrator template template0 locale 'C.UTF-8'",
	}})
	l.execIn(t, "orders", `set role migrator;
		create schema shop;
		create table shop.orders (id int primary key, note text);
		create table shop.whole (note text); alter table shop.whole replica identity full;
		create table shop.indexed (a int not null unique, b int);
		alter table shop.indexed replica identity using index indexed_a_key;
		create table shop.parted (id int, at date, primary key (id, at)) partition by range (at);
		create table shop.parted_1 partition of shop.parted for values from ('2026-01-01') to ('2027-01-01');`)
	l.execIn(t, "orders", "create extension hstore; create extension citext")
	return l
}

// startTarget makes a server that answers as a flexible server does.
func startTarget(t *testing.T, changed map[string]string) lab {
	t.Helper()
	settings := map[string]string{"azure.extensions": "HSTORE,citext", "wal_level": "logical", "autovacuum": "off",
		hba: "host all all all trust"}
	for name, value := range changed {
		settings[name] = value
	}
	return start(t, prerequisites.SideTarget, postgres.Options{Settings: settings, Init: []string{
		"create role azure_pg_admin",
		"grant pg_signal_backend, pg_monitor to azure_pg_admin",
		"create role migrator login createrole password '" + password + "' in role azure_pg_admin",
		"create role clerk",
	}})
}

func (l lab) execIn(t *testing.T, database, sql string) {
	t.Helper()
	if sql == "" {
		return
	}
	if _, err := l.QueryIn(t.Context(), database, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// exec runs SQL in the database that the check looks at. Each statement stands alone, since some take no company.
func (l lab) exec(t *testing.T, sql string) {
	t.Helper()
	database := "orders"
	if l.side == prerequisites.SideTarget {
		database = "postgres"
	}
	for statement := range strings.SplitSeq(sql, ";") {
		l.execIn(t, database, strings.TrimSpace(statement))
	}
}

func (l lab) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (l lab) ask(mode request.Mode) prerequisites.Target {
	database := "orders"
	if l.side == prerequisites.SideTarget {
		database = "postgres"
	}
	return prerequisites.Target{Side: l.side, Mode: mode, Database: database, Databases: []string{"orders"}}
}

// observe logs in over conn with the questions in the same flight.
func (l lab) observe(t *testing.T, conn net.Conn, ask prerequisites.Target) prerequisites.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	questions := prerequisites.Questions(ask)
	seen, session := login.Observe(ctx, conn, login.Target{User: "migrator", Database: ask.Database,
		Password: secret.New(password), Flight: flight(questions)})
	if session == nil {
		t.Fatalf("no session: %+v %+v", seen, seen.Error)
	}
	o := prerequisites.Observe(ctx, func(ctx context.Context) []prerequisites.Answer {
		return answers(session.Answers(ctx))
	}, ask, questions)
	if err := session.Close(ctx); err != nil {
		t.Error(err)
	}
	return o
}

func flight(questions []prerequisites.Question) []login.Query {
	queries := make([]login.Query, 0, len(questions))
	for _, q := range questions {
		queries = append(queries, login.Query{Name: q.ID, SQL: q.SQL})
	}
	return queries
}

func answers(from []login.Answer) []prerequisites.Answer {
	out := make([]prerequisites.Answer, 0, len(from))
	for _, a := range from {
		answer := prerequisites.Answer{Truncated: a.Truncated, Missing: string(a.End) + string(a.Violation)}
		if a.Error != nil {
			answer.SQLState, answer.Message = a.Error.SQLState, a.Error.Message
		}
		for _, row := range a.Rows {
			answer.Rows = append(answer.Rows, row[0])
		}
		out = append(out, answer)
	}
	return out
}

// judged is everything that a check of both ends would say, sorted, with the side that it speaks of.
func judged(source, target prerequisites.Observation, e prerequisites.Expect) []string {
	var codes []string
	add := func(found []finding.Finding, leg string) {
		for _, f := range found {
			if f.Leg != "" {
				leg = f.Leg
			}
			code := leg + " " + string(f.Code)
			if f.Advisory {
				code += " advisory"
			}
			codes = append(codes, code)
		}
	}
	add(prerequisites.Judge(source, e), "source")
	add(prerequisites.Judge(target, e), "target")
	add(prerequisites.Compare(source, target, e), "")
	slices.Sort(codes)
	return codes
}

func expect(mode request.Mode) prerequisites.Expect {
	return prerequisites.Expect{Mode: mode, Kind: request.OnPremises, Databases: []string{"orders"}}
}

// relay passes bytes between a client and a server, and counts the flights that the client waited for.
type relay struct {
	mu     sync.Mutex
	talked bool
	flight int
	waits  int
	// longest is the largest flight in bytes.
	longest int
}

// through gives a connection to the server that goes through the relay. All of it is on loopback.
func (r *relay) through(t *testing.T, l lab) net.Conn {
	t.Helper()
	near, far := net.Pipe()
	server := l.dial(t)
	go r.pass(far, server, func(n int) {
		if !r.talked {
			r.flight = 0
		}
		r.talked = true
		r.flight += n
		r.longest = max(r.longest, r.flight)
	})
	go r.pass(server, far, func(int) {
		if r.talked {
			r.waits, r.talked = r.waits+1, false
		}
	})
	return near
}

func (r *relay) pass(from, to net.Conn, note func(int)) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			r.mu.Lock()
			note(n)
			r.mu.Unlock()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
