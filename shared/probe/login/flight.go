package login

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// What holds for every question of a flight. They are catalogue reads: one that takes longer would disturb its server
// more than its answer is worth, and one that waits for a lock stands in a queue that others line up behind.
const (
	StatementTimeout = 5 * time.Second
	LockTimeout      = time.Second
)

// OneWindow is how many bytes leave without waiting for an acknowledgement: ten segments (RFC 6928) of at least 1,348
// bytes after the headers of IPv6, TCP and TLS. A flight that is longer costs one more wait.
const OneWindow = 13_000

// Query is one question: SQL that reads, and the name that its answer carries. The name is not sent.
type Query struct {
	Name string
	SQL  string
}

// A flight is one read-only transaction that ends in ROLLBACK, with a savepoint to return to before each question: one
// that fails leaves the others their answers, and nothing of the settings stays behind on a pooler's server connection.
// Each question is a message of its own, since a statement_timeout set by an earlier statement of the same message
// counts for nothing before PostgreSQL 11. Where BEGIN itself fails, ROLLBACK TO fails too, and so no question is ever
// put outside the transaction.
const (
	guardEnd  = "ROLLBACK"
	guardNext = "ROLLBACK TO SAVEPOINT question; "
)

// guardBegin sets the search path too, so that no name in a question can mean an object that somebody else made.
func guardBegin() string {
	return fmt.Sprintf("BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %d; "+
		"SET LOCAL search_path = pg_catalog, pg_temp; SAVEPOINT question",
		StatementTimeout.Milliseconds(), LockTimeout.Milliseconds())
}

// flight is the questions of one connection as they are sent. A walsender takes its commands one by one and knows no
// transaction; they are sent bare.
type flight struct {
	queries []Query
	bare    bool
}

func (f flight) messages() []pgproto3.FrontendMessage {
	if len(f.queries) == 0 {
		return nil
	}
	var out []pgproto3.FrontendMessage
	add := func(sql string) { out = append(out, &pgproto3.Query{String: sql}) }
	prefix := guardNext
	if f.bare {
		prefix = ""
	} else {
		add(guardBegin())
	}
	for _, q := range f.queries {
		add(prefix + q.SQL)
	}
	if !f.bare {
		add(guardEnd)
	}
	return out
}

// FlightBytes is the size on the wire, without TLS, of the login query and a flight; compare it with OneWindow.
func FlightBytes(queries []Query) int {
	size := headerLen + len(loginSQL) + 1
	for _, m := range (flight{queries: queries}).messages() {
		if q, ok := m.(*pgproto3.Query); ok {
			size += headerLen + len(q.String) + 1
		}
	}
	return size
}
