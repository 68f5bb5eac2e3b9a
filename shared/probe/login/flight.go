package login

import (
	"fmt"
	"strings"
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

// A flight is one read-only transaction that ends in ROLLBACK: nothing of its settings stays behind on a pooler's server
// connection. The settings are a message of their own, since a statement_timeout set by an earlier statement of the same
// message counts for nothing before PostgreSQL 11. The questions are one message: a server sends a packet at the end of
// each, and a young connection may have only ten on their way, so that answers in thirty messages cost one more wait.
// Where one question fails, the server leaves out the others of its message. Those are asked once more, apart: each in
// a message of its own, with a savepoint to return to.
//
// Every message of questions begins with ROLLBACK TO. Where BEGIN itself failed that fails too, and so no question is
// ever put outside the transaction.
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
	queries     []Query
	bare, apart bool
}

func (f flight) messages() []pgproto3.FrontendMessage {
	if len(f.queries) == 0 {
		return nil
	}
	if f.bare {
		return each(f.queries, "")
	}
	questions := []pgproto3.FrontendMessage{f.together()}
	if f.apart {
		questions = each(f.queries, guardNext)
	}
	out := append([]pgproto3.FrontendMessage{&pgproto3.Query{String: guardBegin()}}, questions...)
	return append(out, &pgproto3.Query{String: guardEnd})
}

func each(queries []Query, prefix string) []pgproto3.FrontendMessage {
	out := make([]pgproto3.FrontendMessage, 0, len(queries))
	for _, q := range queries {
		out = append(out, &pgproto3.Query{String: prefix + q.SQL})
	}
	return out
}

func (f flight) together() pgproto3.FrontendMessage {
	size := len(guardNext)
	for _, q := range f.queries {
		size += len(q.SQL) + 1
	}
	var sql strings.Builder
	sql.Grow(size)
	sql.WriteString(guardNext)
	for i, q := range f.queries {
		if i > 0 {
			sql.WriteByte(';')
		}
		sql.WriteString(q.SQL)
	}
	return &pgproto3.Query{String: sql.String()}
}

// FlightBytes is the size on the wire, without TLS, of the login query and a flight; compare it with OneWindow.
func FlightBytes(queries []Query) int {
	return sizeOf([]pgproto3.FrontendMessage{&pgproto3.Query{String: loginSQL}}) + sizeOf(flight{queries: queries}.messages())
}

// sizeOf is the size of the queries among messages; the others are short.
func sizeOf(messages []pgproto3.FrontendMessage) (size int) {
	for _, m := range messages {
		if q, ok := m.(*pgproto3.Query); ok {
			size += headerLen + len(q.String) + 1
		}
	}
	return size
}

// encode writes messages one after another, in a buffer of the right size: a flight is many kilobytes.
func encode(messages []pgproto3.FrontendMessage) (encoded []byte, err error) {
	const others = 256
	encoded = make([]byte, 0, sizeOf(messages)+others)
	for _, m := range messages {
		if encoded, err = m.Encode(encoded); err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
	}
	return encoded, nil
}
