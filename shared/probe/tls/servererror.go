package tls

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// parseServerError reads an ErrorResponse, framed as since protocol 3 or bare text up to a zero byte as a postmaster
// sends it that cannot fork (report_fork_failure_to_client). Nil where it is neither.
func parseServerError(data []byte) *ServerError {
	if len(data) < 6 || data[0] != 'E' {
		return nil
	}
	if parsed := parseFramedError(data[1:]); parsed != nil {
		return parsed
	}
	// The zero byte tells it from the line-based protocols whose errors start with an E too (memcached).
	text, _, terminated := bytes.Cut(data[1:], []byte{0})
	if !terminated || len(text) < 8 || !utf8.Valid(text) {
		return nil
	}
	return &ServerError{Unframed: true, Message: clean(string(bytes.TrimSpace(text)))}
}

func parseFramedError(data []byte) *ServerError {
	const lengthSize = 4
	if len(data) < lengthSize {
		return nil
	}
	length := binary.BigEndian.Uint32(data)
	if length < lengthSize+1 || length > maxOpening {
		return nil
	}
	body := data[lengthSize:min(len(data), int(length))]
	var parsed ServerError
	seen := false
	for len(body) > 1 && body[0] != 0 {
		value, rest, whole := bytes.Cut(body[1:], []byte{0})
		if parsed.set(body[0], clean(string(value))) {
			seen = true
		}
		if !whole {
			break
		}
		body = rest
	}
	if !seen {
		return nil
	}
	return &parsed
}

// set stores one field (PostgreSQL manual, "Error and Notice Message Fields"); V is the severity that is never translated.
func (e *ServerError) set(field byte, value string) bool {
	switch field {
	case 'V':
		e.Severity = value
	case 'S':
		if e.Severity == "" {
			e.Severity = value
		}
	case 'C':
		e.SQLState = value
	case 'M':
		e.Message = value
	case 'D':
		e.Detail = value
	case 'H':
		e.Hint = value
	case 'R':
		e.Routine = value
	default:
		return false
	}
	return true
}
