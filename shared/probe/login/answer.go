package login

import (
	"bytes"
	"encoding/binary"
)

// What is kept of one answer.
const (
	maxColumns     = 64
	maxAnswerRows  = 2_000
	maxAnswerBytes = 1 << 20
)

// Answer is what one Query brought: rows, the server's refusal, or the reason why nothing came.
type Answer struct {
	// Name is the query's.
	Name    string   `json:"name"`
	Columns []string `json:"columns,omitempty"`
	// Rows hold text, cleaned for a log and capped at 4 KiB a value; NULL is the empty string.
	Rows [][]string `json:"rows,omitempty"`
	// Truncated says that the answer was longer than 2,000 rows or 1 MiB; the rest was read and thrown away.
	Truncated bool         `json:"truncated,omitempty"`
	Error     *ServerError `json:"error,omitempty"`
	// End and Violation tell why there is no answer: the connection ended, or the peer broke the protocol or a limit.
	End       End       `json:"end,omitempty"`
	Violation Violation `json:"violation,omitempty"`
}

// OK tells whether the server answered with rows, be it none.
func (a Answer) OK() bool { return a.Error == nil && a.End == "" && a.Violation == "" }

// answerReader reads the answer to one message of type Query, which may hold several statements.
type answerReader struct {
	answer    Answer
	described int
	bytes     int
	// completed says that the statement with rows came to its end.
	completed bool
}

// whole tells whether this is a full answer to a question: an error, or described rows and their end.
func (r *answerReader) whole() bool { return r.answer.Error != nil || r.completed }

// take reads one message; it returns the transaction's state at the end of the answer, else 0, and a violation.
func (r *answerReader) take(m message) (state byte, broken Violation) {
	switch m.kind {
	case 'T':
		return 0, r.describe(m.body)
	case 'D':
		return 0, r.row(m.body)
	case 'C', 'I':
		r.described, r.completed = 0, r.answer.Columns != nil
		return 0, ""
	case 'E':
		e, ok := peerErrorFields(m.body)
		if !ok && e == (ServerError{}) {
			return 0, ViolationMalformed
		}
		r.answer.Error = &e
		return 0, ""
	case 'Z':
		if len(m.body) != 1 || bytes.IndexByte([]byte("ITE"), m.body[0]) < 0 {
			return 0, ViolationMalformed
		}
		return m.body[0], ""
	case 'N', 'S', 'A':
		return 0, ""
	}
	return 0, ViolationUnexpected
}

// describe takes a RowDescription. A message holds one statement with rows, so a second description is a fault.
func (r *answerReader) describe(body []byte) Violation {
	if len(body) < 2 || r.answer.Columns != nil {
		return ViolationRowMismatch
	}
	count, rest := int(binary.BigEndian.Uint16(body)), body[2:]
	if count > maxColumns {
		return ViolationRowMismatch
	}
	r.described, r.answer.Columns = count, make([]string, 0, count)
	const fixed = 18 // of each field after its name
	for range count {
		end := bytes.IndexByte(rest, 0)
		if end < 0 || len(rest) < end+1+fixed {
			return ViolationRowMismatch
		}
		r.answer.Columns = append(r.answer.Columns, cleanTo(64, string(rest[:end])))
		rest = rest[end+1+fixed:]
	}
	return ""
}

func (r *answerReader) row(body []byte) Violation {
	values, ok := rowValues(body)
	if !ok || len(values) != r.described {
		return ViolationRowMismatch
	}
	r.bytes += len(body)
	if len(r.answer.Rows) == maxAnswerRows || r.bytes > maxAnswerBytes {
		r.answer.Truncated = true
		return ""
	}
	for i := range values {
		values[i] = clean(values[i])
	}
	r.answer.Rows = append(r.answer.Rows, values)
	return ""
}
