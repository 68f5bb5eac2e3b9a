package tls

import (
	"bytes"
	"strings"
)

// signature recognises a protocol by the first bytes that its servers send, unasked or in answer to SSLRequest.
type signature struct {
	name string
	is   func(data []byte) bool
}

// signatures are tried in order. They come from the protocols' own documents and from what servers do with eight bytes
// that they do not understand.
func signatures() []signature {
	return []signature{
		{"ssh", func(d []byte) bool { return begins(d, "SSH-") }},
		{"http", func(d []byte) bool { return begins(d, "HTTP/") || begins(d, "<!DOCTYPE") || begins(d, "<html") }},
		{"mysql", mysql},
		{"tls", func(d []byte) bool {
			return len(d) >= 3 && (d[0] == recordAlert || d[0] == recordHandshake) && d[1] == 3 && d[2] <= 4
		}},
		{"smtp", func(d []byte) bool { return begins(d, "220") && contains(d, "SMTP") || begins(d, "554 ") }},
		{"ftp", func(d []byte) bool { return begins(d, "220") && contains(d, "FTP") }},
		{"smtp or ftp", func(d []byte) bool { return begins(d, "220 ") || begins(d, "220-") }},
		{"pop3", func(d []byte) bool { return begins(d, "+OK") }},
		{"imap", func(d []byte) bool { return begins(d, "* OK") || begins(d, "* BYE") }},
		{"redis", func(d []byte) bool { return begins(d, "-ERR") || begins(d, "-NOAUTH") || begins(d, "-DENIED") }},
		{"memcached", func(d []byte) bool { return begins(d, "ERROR\r\n") }},
		{"vnc", func(d []byte) bool { return begins(d, "RFB 00") }},
		{"amqp", func(d []byte) bool { return begins(d, "AMQP") }},
		{"telnet", func(d []byte) bool { return len(d) >= 3 && d[0] == 0xff && d[1] >= 0xfb && d[1] <= 0xfe }},
		{"rdp", func(d []byte) bool { return len(d) >= 6 && d[0] == 3 && d[1] == 0 && d[5] == 0xd0 }},
		{"mssql", mssql},
		{"oracle", oracle},
	}
}

// unknownProtocol is said where nothing is recognised.
const unknownProtocol = "unknown"

// looksLike names the protocol that data begins.
func looksLike(data []byte) string {
	for _, s := range signatures() {
		if s.is(data) {
			return s.name
		}
	}
	return unknownProtocol
}

// begins also takes two bytes or more of a banner that has not come in whole: it may be dripping.
func begins(data []byte, banner string) bool {
	n := min(len(data), len(banner))
	return n >= 2 && strings.EqualFold(string(data[:n]), banner[:n])
}

func contains(data []byte, word string) bool {
	return bytes.Contains(bytes.ToUpper(data), []byte(word))
}

// mysql greets with a packet number 0 and then its protocol version, 10, or an error, 255 ("Host … is not allowed").
func mysql(d []byte) bool {
	return len(d) >= 5 && d[2] == 0 && d[3] == 0 && (d[4] == 10 || d[4] == 0xff)
}

// mssql answers in TDS: type 4, the last packet of a message, packet and window numbers.
func mssql(d []byte) bool { return len(d) >= 8 && d[0] == 4 && d[1] == 1 && d[4] == 0 && d[5] == 0 }

// oracle answers in TNS: length, checksum, and type refuse, redirect or resend.
func oracle(d []byte) bool {
	return len(d) >= 5 && d[0] == 0 && d[2] == 0 && d[3] == 0 && (d[4] == 4 || d[4] == 5 || d[4] == 11)
}
