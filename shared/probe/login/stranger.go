package login

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// firstMessages are the types that may open a server's answer to a startup packet.
const firstMessages = "REvNS"

// maxPlausible is libpq's limit for an error message before login; a longer "length" is text of another protocol.
const maxPlausible = 30_000

// plausible tells whether a header may be the beginning of a PostgreSQL server's answer.
func plausible(header []byte) bool {
	length := binary.BigEndian.Uint32(header[1:headerLen])
	return strings.IndexByte(firstMessages, header[0]) >= 0 && length >= 4 && length <= maxPlausible
}

// oldError reads an error of protocol 2: E and a terminated text. Servers before 14 still send it when they cannot
// fork.
func oldError(first []byte) (ServerError, bool) {
	text, _, terminated := bytes.Cut(first[1:], []byte{0})
	if first[0] != 'E' || !terminated || len(text) < 8 {
		return ServerError{}, false
	}
	if bytes.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' }) >= 0 {
		return ServerError{}, false
	}
	severity, message, found := strings.Cut(strings.TrimSpace(string(text)), ":  ")
	if !found {
		severity, message = "FATAL", severity
	}
	return ServerError{Severity: clean(severity), Message: clean(message)}, true
}

// looksLike names the protocol that opens with these bytes; empty means that nothing is recognised.
func looksLike(first []byte) string {
	openings := []struct{ prefix, protocol string }{
		{"HTTP/", "http"}, {"<html", "http"}, {"<!DOCTYPE", "http"}, {"SSH-", "ssh"}, {"220 ", "smtp_or_ftp"},
		{"220-", "smtp_or_ftp"}, {"-ERR", "redis"}, {"\x15\x03", "tls"}, {"\x16\x03", "tls"},
	}
	for _, o := range openings {
		if bytes.HasPrefix(first, []byte(o.prefix)) {
			return o.protocol
		}
	}
	// MySQL greets with a 3-byte length, sequence number 0 and protocol version 10.
	if len(first) > 4 && first[3] == 0 && first[4] == 10 {
		return "mysql"
	}
	return ""
}
