package login

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// loginSQL is one row about the session itself. It works on every server from 9.5 on, reads no table, takes no lock and
// is a simple query: poolers in front of many servers cannot prepare statements, and walsenders neither.
const loginSQL = "select pg_catalog.host(pg_catalog.inet_client_addr()), pg_catalog.inet_client_port(), " +
	"pg_catalog.host(pg_catalog.inet_server_addr()), pg_catalog.pg_is_in_recovery(), " +
	"pg_catalog.current_setting('server_version_num'), session_user, pg_catalog.pg_backend_pid()"

const loginColumns = 7

// queryAnswer collects the answer to the login query.
type queryAnswer struct {
	described int
	rows      int
	values    []string
	completed bool
}

// loginQuery is left out where it cannot be answered: physical walsenders know no SQL, and logical ones only from
// PostgreSQL 10 on.
func (c *conversation) loginQuery() []pgproto3.FrontendMessage {
	if c.t.Replication != "" {
		return nil
	}
	return []pgproto3.FrontendMessage{&pgproto3.Query{String: loginSQL}}
}

func (c *conversation) flight() flight {
	return flight{queries: c.t.Flight, bare: c.t.Replication != ""}
}

// questions is all that is asked in the same flight as the last answer to the server's own question.
func (c *conversation) questions() []pgproto3.FrontendMessage {
	return append(c.loginQuery(), c.flight().messages()...)
}

// ask reads the answer to the login query and tells whether the session can be used.
func (c *conversation) ask() bool {
	if c.t.PasswordNever {
		return c.stop(StopPasswordNever)
	}
	if c.t.Replication != "" {
		c.o.Stage = StageSession
		return true
	}
	for {
		m, err := c.wire.next()
		if err != nil {
			c.polite = false
			c.ended(err)
			return false
		}
		if m.kind == 'Z' {
			return c.answered(m.body)
		}
		if !c.answerPart(m) {
			c.polite = false
			return false
		}
	}
}

func (c *conversation) answerPart(m message) bool {
	switch m.kind {
	case 'T':
		if len(m.body) < 2 || c.answer.described != 0 {
			return c.violate(ViolationRowMismatch, "row description")
		}
		c.answer.described = int(binary.BigEndian.Uint16(m.body))
		return c.answer.described == loginColumns || c.violate(ViolationRowMismatch, "row description")
	case 'D':
		values, ok := rowValues(m.body)
		c.answer.rows++
		if !ok || len(values) != c.answer.described || c.answer.rows > 1 {
			return c.violate(ViolationRowMismatch, "row")
		}
		c.answer.values = values
		return true
	case 'C':
		c.answer.completed = true
		return true
	case 'E':
		c.serverError(m.body, &c.o.QueryError)
		return c.o.QueryError != nil
	}
	return c.aside(m)
}

// answered is the end of the query: an error leaves a session that can be used, half an answer does not.
func (c *conversation) answered(body []byte) bool {
	if len(body) != 1 || body[0] != 'I' {
		c.polite = false
		return c.violate(ViolationUnexpected, "ReadyForQuery")
	}
	c.o.QueryMs = c.lap()
	if c.o.QueryError != nil {
		c.o.Stage = StageSession
		return true
	}
	if !c.answer.completed || !c.fill(c.answer.values) {
		c.polite = false
		return c.violate(ViolationRowMismatch, "answer")
	}
	c.o.Stage = StageSession
	return true
}

// fill takes the values of the row; it refuses those that cannot be answers to what was asked.
func (c *conversation) fill(values []string) bool {
	if len(values) != loginColumns || (values[3] != "t" && values[3] != "f") {
		return false
	}
	version, err := strconv.Atoi(values[4])
	if err != nil {
		return false
	}
	if values[1] != "" {
		if c.o.SeenPort, err = strconv.Atoi(values[1]); err != nil {
			return false
		}
	}
	recovering := values[3] == "t"
	c.o.SeenAs, c.o.ServerAddress = clean(values[0]), clean(values[2])
	c.o.InRecovery, c.o.ServerVersionNum, c.o.SessionUser = &recovering, version, clean(values[5])
	if pid, err := strconv.ParseUint(values[6], 10, 32); err != nil {
		return false
	} else if c.backend.secretKey != nil && uint32(pid) != c.backend.pid {
		// The key belongs to somebody else's process list: a pooler made it up.
		c.o.PoolerSigns = append(c.o.PoolerSigns, "backend_pid_differs")
	}
	return true
}

// rowValues reads a DataRow in text format; NULL becomes the empty string.
func rowValues(body []byte) ([]string, bool) {
	if len(body) < 2 {
		return nil, false
	}
	count, rest := int(binary.BigEndian.Uint16(body)), body[2:]
	if count > maxColumns {
		return nil, false
	}
	values := make([]string, 0, count)
	for range count {
		if len(rest) < 4 {
			return nil, false
		}
		size := int(int32(binary.BigEndian.Uint32(rest)))
		rest = rest[4:]
		if size < 0 {
			values = append(values, "")
			continue
		}
		if size > len(rest) {
			return nil, false
		}
		values, rest = append(values, string(rest[:size])), rest[size:]
	}
	return values, len(rest) == 0
}

// poolerSigns tells why the peer is, or speaks through, a connection pooler.
func (c *conversation) poolerSigns() []string {
	signs := c.o.PoolerSigns
	if c.o.Stage == StageReady || c.o.Stage == StageSession {
		if c.backend.secretKey == nil {
			signs = append(signs, "no_backend_key")
		}
		if c.o.Stage == StageSession && c.o.QueryError == nil && c.o.SeenAs == "" && c.t.Replication == "" {
			signs = append(signs, "server_sees_no_address")
		}
	}
	for _, e := range []*ServerError{c.o.Error, c.o.QueryError} {
		if e != nil && fromPooler(*e) {
			signs = append(signs, "pooler_message")
		}
	}
	if bytes.Contains([]byte(strings.ToLower(c.backend.parameters["server_version"])), []byte("bouncer")) {
		signs = append(signs, "server_version")
	}
	return signs
}
