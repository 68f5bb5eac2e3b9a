package login

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
)

// thirty questions of the length that prerequisites have, with errors among them.
func thirty() []Query {
	var out []Query
	for i := range 30 {
		q := Query{Name: fmt.Sprint(i), SQL: fmt.Sprintf("select %d as n, %s", i,
			strings.TrimSuffix(strings.Repeat("current_setting('server_version_num'), ", 8), ", "))}
		switch i {
		case 3:
			q.SQL = "select 1/0"
		case 7:
			q.SQL = "select nonsense"
		case 9:
			q.SQL = "create table left_behind (n int)"
		}
		out = append(out, q)
	}
	return out
}

func TestRealFlightCostsNoWait(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Init: []string{"create role migrator login password '" + password + "'", "create role weak login password '" +
			password + "'", "create role trusted login", "create database orders"},
		HBA: []string{"host all trusted all trust", "host all weak all md5", "host all all all scram-sha-256"},
	})
	to := target()
	if size := FlightBytes(thirty()); size > OneWindow {
		t.Fatalf("flight of %d bytes", size)
	}
	for _, row := range []struct {
		user  string
		waits int
	}{{"migrator", 3}, {"weak", 3 /* the password is stored for SCRAM, and so asked for with it */}, {"trusted", 2}} {
		to.User = row.user
		wire := &tap{Conn: r.dial(t)}
		to.Flight = healthy(thirty())
		session := logIn(t, wire, to)
		for _, a := range session.Answers(t.Context()) {
			if !a.OK() {
				t.Errorf("%s: %+v %+v", row.user, a, a.Error)
			}
		}
		if wire.waits != row.waits {
			t.Errorf("%s: %d waits, not %d", row.user, wire.waits, row.waits)
		}
		expectThirty(t, session.Ask(t.Context(), thirty()))
		// one for the flight, and one for what the first error left out
		if wire.waits != row.waits+2 {
			t.Errorf("%s: asking again made it %d waits", row.user, wire.waits)
		}
		kept, err := handed(t, session).Exec(t.Context(), "show statement_timeout").ReadAll()
		if err != nil || string(kept[0].Rows[0][0]) != "0" {
			t.Errorf("left behind: %s, %v", kept[0].Rows, err)
		}
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func logIn(t *testing.T, conn net.Conn, to Target) *Session {
	t.Helper()
	o, session := observe(t, conn, to)
	if session == nil {
		t.Fatalf("%s: no session: %+v %+v", to.User, o, o.Error)
	}
	return session
}

// healthy are the questions that no server refuses.
func healthy(all []Query) []Query {
	return slices.DeleteFunc(all, func(q Query) bool { return !strings.Contains(q.SQL, "current_setting") })
}

// An error at the first question may be one of the whole message's, and is told as its own all the same.
func TestRealFlightWithErrorsAnywhere(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Init: []string{"create role migrator login password '" + password + "'", "create database orders"},
	})
	good, bad, garbled := "select 1", "select 1/0", "select from where"
	for _, row := range [][]string{{bad, good, good}, {good, good, bad}, {good, bad, bad}, {bad, bad, bad}, {good, garbled, good}} {
		to := target()
		for _, sql := range row {
			to.Flight = append(to.Flight, Query{Name: sql, SQL: sql})
		}
		session := logIn(t, r.dial(t), to)
		for i, a := range session.Answers(t.Context()) {
			if want := map[string]string{good: "1", bad: "22012", garbled: "42601"}[row[i]]; outcome(a) != want || a.Name != row[i] {
				t.Errorf("%q: answer %d is %q, want %q", row, i, outcome(a), want)
			}
		}
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func expectThirty(t *testing.T, answers []Answer) {
	t.Helper()
	if len(answers) != 30 {
		t.Fatalf("%d answers", len(answers))
	}
	errors := map[int]string{3: "22012", 7: "42703", 9: "25006"}
	for i, a := range answers {
		want := errors[i]
		if a.Name != fmt.Sprint(i) || (want == "") != a.OK() {
			t.Fatalf("answer %d: %+v %+v", i, a, a.Error)
		}
		if want != "" && a.Error.SQLState != want {
			t.Errorf("answer %d: %+v", i, a.Error)
		}
		if want == "" && (a.Rows[0][0] != fmt.Sprint(i) || a.Columns[0] != "n" || len(a.Rows[0]) != 9) {
			t.Errorf("answer %d: %+v", i, a)
		}
	}
}

func TestRealFlightHasItsLimits(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Init: []string{"create role migrator login password '" + password + "'", "create database orders"},
	})
	to := target()
	to.Flight = []Query{
		{"timeouts", "select current_setting('statement_timeout'), current_setting('lock_timeout'), " +
			"current_setting('transaction_read_only'), current_setting('search_path')"},
		{"long", "select repeat('x', 900) from generate_series(1, 1500)"},
		{"many", "select n from generate_series(1, 2500) n"},
		{"null", "select null, ''"},
		{"none", "select 1 where false"},
		{"text", `select E'a\nb\u202e'`},
	}
	_, session := observe(t, r.dial(t), to)
	answers := session.Answers(t.Context())
	if got := fmt.Sprint(answers[0].Rows); got != "[[5s 1s on pg_catalog, pg_temp]]" {
		t.Errorf("timeouts %s", got)
	}
	if a := answers[1]; !a.Truncated || len(a.Rows) > maxAnswerBytes/900 || len(a.Rows) < 1000 {
		t.Errorf("long: %d rows", len(a.Rows))
	}
	if a := answers[2]; !a.Truncated || len(a.Rows) != maxAnswerRows {
		t.Errorf("many: %d rows", len(a.Rows))
	}
	if a := answers[3]; !a.OK() || fmt.Sprintf("%q", a.Rows) != `[["" ""]]` {
		t.Errorf("null: %+v", a)
	}
	if a := answers[4]; !a.OK() || len(a.Rows) != 0 || len(a.Columns) != 1 {
		t.Errorf("none: %+v", a)
	}
	if a := answers[5]; a.Rows[0][0] != `a\nb\u202e` {
		t.Errorf("text: %+v", a)
	}
	if err := session.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRealSessionIsClosedInOrderWithAFlightUnread(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Init: []string{"create role migrator login password '" + password + "'", "create database orders"},
	})
	from := len(r.Log())
	to := target()
	to.Flight = []Query{{"many", "select repeat('x', 200) from generate_series(1, 2500) n"}}
	for _, conn := range []*tap{{Conn: r.dial(t)}, {Conn: r.dialTLS(t)}} {
		_, session := observe(t, conn, to)
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	r.quiet(t, from)
}

// guarded answers the login query and the guard of a flight, and says what it likes after that.
func guarded(script func(*peer)) func(*peer) {
	return func(p *peer) {
		p.startup()
		p.welcome()
		p.answer()
		for _, tag := range []string{"BEGIN", "SET", "SET", "SET", "SAVEPOINT"} {
			p.send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
		}
		p.send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
		script(p)
		p.untilGone()
	}
}

func TestAnswersOfAPeerThatBreaksAFlight(t *testing.T) {
	t.Parallel()
	complete := &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}
	ready := func(state byte) *pgproto3.ReadyForQuery { return &pgproto3.ReadyForQuery{TxStatus: state} }
	fatal := &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P01", Message: "terminating"}
	one := func(p *peer) { p.send(description(1), row("yes"), complete) }
	refusal := &pgproto3.ErrorResponse{Severity: "ERROR", Code: "42501", Message: "no"}
	rows := []struct {
		name   string
		script func(*peer)
		want   [2]string
		usable bool
	}{
		{"well behaved", func(p *peer) { one(p); one(p); p.send(ready('T'), complete, ready('I')) }, [2]string{"yes", "yes"}, true},
		{"left in the transaction", func(p *peer) { one(p); one(p); p.send(ready('T'), complete, ready('T')) },
			[2]string{"yes", "yes"}, false},
		{"the second refused", func(p *peer) { one(p); p.send(refusal, ready('E'), complete, ready('I')) },
			[2]string{"yes", "42501"}, true},
		{"one answer of two", func(p *peer) { one(p); p.send(ready('T')) }, [2]string{"yes", "row_mismatch"}, false},
		{"three answers to two", func(p *peer) { one(p); one(p); one(p) }, [2]string{"yes", "yes"}, false},
		{"three values after a description of one", func(p *peer) { p.send(description(1), row("a", "b", "c")) },
			[2]string{"row_mismatch", "row_mismatch"}, false},
		{"row without a description", func(p *peer) { p.send(row("a")) }, [2]string{"row_mismatch", "row_mismatch"}, false},
		{"row after the end", func(p *peer) { one(p); p.send(row("a")) }, [2]string{"yes", "row_mismatch"}, false},
		{"two descriptions", func(p *peer) { p.send(description(1), description(1)) },
			[2]string{"row_mismatch", "row_mismatch"}, false},
		{"ready without an answer", func(p *peer) { p.send(complete, ready('T')) },
			[2]string{"row_mismatch", "row_mismatch"}, false},
		{"rows without an end", func(p *peer) { one(p); p.send(description(1), row("a"), ready('T')) },
			[2]string{"yes", "row_mismatch"}, false},
		{"description cut short", func(p *peer) { p.raw(header('T', 6) + "\x00\x01") },
			[2]string{"row_mismatch", "row_mismatch"}, false},
		{"unknown state", func(p *peer) { one(p); one(p); p.send(ready('Q')) }, [2]string{"yes", "yes"}, false},
		{"asks for the password again", func(p *peer) { p.send(&pgproto3.AuthenticationCleartextPassword{}) },
			[2]string{"unexpected_message", "unexpected_message"}, false},
		{"closes after the first", func(p *peer) { one(p); p.finish() }, [2]string{"yes", "closed"}, false},
		{"is shut down", func(p *peer) { one(p); p.send(fatal); p.finish() }, [2]string{"yes", "57P01"}, false},
		{"message over the limit", func(p *peer) { p.raw(header('D', maxBody+5)) },
			[2]string{"message_size", "message_size"}, false},
		{"rows without end", func(p *peer) {
			p.send(description(1))
			for range maxRows + 1 {
				p.back.Send(row("x"))
			}
			_ = p.back.Flush()
		}, [2]string{"rows", "rows"}, false},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			to := target()
			to.Flight = []Query{{"a", "select"}, {"b", "select"}}
			o, session := observe(t, serve(t, guarded(r.script)), to)
			if session == nil {
				t.Fatalf("observation %+v", o)
			}
			answers := session.Answers(t.Context())
			for i, want := range r.want {
				if got := outcome(answers[i]); got != want || answers[i].Name != to.Flight[i].Name {
					t.Errorf("answer %d is %q, want %q", i, got, want)
				}
			}
			if session.gone() == r.usable {
				t.Errorf("usable %t", !session.gone())
			}
			if !r.usable && session.Ask(t.Context(), to.Flight)[0].OK() {
				t.Error("a lost session answered")
			}
		})
	}
}

func outcome(a Answer) string {
	switch {
	case a.Error != nil:
		return a.Error.SQLState
	case a.End != "":
		return string(a.End)
	case a.Violation != "":
		return string(a.Violation)
	}
	return a.Rows[0][0]
}

func TestAnswersEndWithTheirDeadline(t *testing.T) {
	t.Parallel()
	to := target()
	to.Flight = []Query{{"a", "select"}}
	_, session := observe(t, serve(t, guarded(func(*peer) {})), to)
	ctx, cancel := withTimeout(t)
	defer cancel()
	if got := outcome(session.Answers(ctx)[0]); got != string(EndTimeout) {
		t.Errorf("outcome %s", got)
	}
	_, session = observe(t, serve(t, guarded(func(*peer) {})), to)
	cancelled, stop := withTimeout(t)
	stop()
	if got := outcome(session.Answers(cancelled)[0]); got != string(EndCancelled) {
		t.Errorf("outcome %s", got)
	}
}

// No question may be put outside the transaction.
func TestFlightThatMayNotBeginSaysWhy(t *testing.T) {
	t.Parallel()
	refusal := &pgproto3.ErrorResponse{Severity: "ERROR", Code: "0A000", Message: "no transactions here"}
	outside := &pgproto3.ErrorResponse{Severity: "ERROR", Code: "25P01", Message: "not in a transaction"}
	idle := &pgproto3.ReadyForQuery{TxStatus: 'I'}
	conn := serve(t, func(p *peer) {
		p.startup()
		p.welcome()
		p.answer()
		p.send(refusal, idle, outside, idle, &pgproto3.CommandComplete{CommandTag: []byte("ROLLBACK")}, idle)
		for _, want := range []string{loginSQL, guardBegin(), guardNext + "select;select", guardEnd} {
			if q, ok := p.hear().(*pgproto3.Query); !ok || q.String != want {
				p.t.Errorf("sent %+v, not %s", q, want)
			}
		}
		p.untilGone()
	})
	to := target()
	to.Flight = []Query{{"a", "select"}, {"b", "select"}}
	_, session := observe(t, conn, to)
	for _, a := range session.Answers(t.Context()) {
		if a.Error == nil || a.Error.SQLState != "0A000" {
			t.Errorf("answer %+v", a)
		}
	}
}

func withTimeout(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), 100*time.Millisecond)
}
