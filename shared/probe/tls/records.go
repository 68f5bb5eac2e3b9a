package tls

import (
	"encoding/binary"
	"fmt"
)

// The record and message types of RFC 8446, sections 5.1 and 4.
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordApplicationData  = 23
	messageServerHello     = 2
	recordHeaderSize       = 5
	messageHeaderSize      = 4
	// helloHead is the version and the random of a ServerHello.
	helloHead = 2 + 32
	// evidenceLimit bounds the lists that a hostile peer fills.
	evidenceLimit = 16
)

// records reads the TLS records that pass in one direction and understands what is not encrypted. It never fails: what
// is no TLS is only noted, because its reader is evidence and crypto/tls stays the judge.
type records struct {
	header []byte
	left   int
	kind   byte
	alert  []byte
	// message is the header of the handshake message under way, and of a ServerHello its head.
	message     []byte
	messageLeft int

	list      []Record
	messages  []string
	fatal     *Alert
	hello     bool
	version   uint16
	encrypted bool
	notTLS    bool
}

// feed takes the next bytes, however they are cut.
func (r *records) feed(data []byte) {
	for len(data) > 0 && !r.notTLS {
		if r.left == 0 {
			data = r.feedHeader(data)
			continue
		}
		n := min(r.left, len(data))
		r.feedBody(data[:n])
		r.left -= n
		data = data[n:]
	}
}

func (r *records) feedHeader(data []byte) []byte {
	n := min(recordHeaderSize-len(r.header), len(data))
	r.header = append(r.header, data[:n]...)
	if !r.plausible() {
		r.notTLS = true
		return nil
	}
	if len(r.header) < recordHeaderSize {
		return nil
	}
	r.kind, r.left = r.header[0], int(binary.BigEndian.Uint16(r.header[3:]))
	r.header, r.alert = r.header[:0], r.alert[:0]
	if len(r.list) < evidenceLimit {
		r.list = append(r.list, Record{Type: recordName(r.kind), Length: r.left})
	}
	if r.kind == recordChangeCipherSpec {
		r.encrypted = true
	}
	return data[n:]
}

// plausible looks at as much of the header as there is, so that a byte of something else is seen at once and not only
// when five have dripped in.
func (r *records) plausible() bool {
	kind := r.header[0]
	return kind >= recordChangeCipherSpec && kind <= recordApplicationData && (len(r.header) < 2 || r.header[1] == 3)
}

func (r *records) feedBody(data []byte) {
	switch {
	case r.encrypted:
	case r.kind == recordAlert:
		r.alert = append(r.alert, data[:min(len(data), 2-min(len(r.alert), 2))]...)
		const fatal = 2
		if len(r.alert) == 2 && r.alert[0] == fatal {
			r.fatal = newAlert(r.alert[1])
		}
	case r.kind == recordHandshake:
		r.feedMessages(data)
	}
}

func (r *records) feedMessages(data []byte) {
	for len(data) > 0 {
		want := messageHeaderSize
		if len(r.message) >= messageHeaderSize {
			want += min(helloHead, r.messageLength())
		}
		if len(r.message) < want {
			n := min(want-len(r.message), len(data))
			r.message = append(r.message, data[:n]...)
			data = data[n:]
			r.messageRead()
			continue
		}
		n := min(r.messageLeft, len(data))
		r.messageLeft -= n
		data = data[n:]
		r.messageDone()
	}
}

// messageRead goes on from the header to the head, and from the head to the rest.
func (r *records) messageRead() {
	if len(r.message) < messageHeaderSize {
		return
	}
	head := min(helloHead, r.messageLength())
	if len(r.message) < messageHeaderSize+head {
		return
	}
	r.note()
	r.messageLeft = r.messageLength() - head
	r.messageDone()
}

func (r *records) messageDone() {
	if r.messageLeft == 0 {
		r.message = r.message[:0]
	}
}

func (r *records) messageLength() int {
	return int(r.message[1])<<16 | int(r.message[2])<<8 | int(r.message[3])
}

func (r *records) note() {
	name := messageName(r.message[0])
	if r.message[0] == messageServerHello && len(r.message) >= messageHeaderSize+helloHead {
		r.hello, r.version = true, binary.BigEndian.Uint16(r.message[messageHeaderSize:])
		if string(r.message[messageHeaderSize+2:messageHeaderSize+helloHead]) == retryRandom {
			name = "helloRetryRequest"
		}
	}
	if len(r.messages) < evidenceLimit {
		r.messages = append(r.messages, name)
	}
}

// retryRandom marks a ServerHello as HelloRetryRequest: the SHA-256 of that word (RFC 8446, section 4.1.3).
const retryRandom = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

func recordName(kind byte) string {
	switch kind {
	case recordChangeCipherSpec:
		return "changeCipherSpec"
	case recordAlert:
		return "alert"
	case recordHandshake:
		return "handshake"
	case recordApplicationData:
		return "applicationData"
	}
	return fmt.Sprintf("type%d", kind)
}

func messageName(kind byte) string {
	names := map[byte]string{messageServerHello: "serverHello", 4: "newSessionTicket", 11: "certificate",
		12: "serverKeyExchange", 13: "certificateRequest", 14: "serverHelloDone", 20: "finished",
		22: "certificateStatus"}
	if name, known := names[kind]; known {
		return name
	}
	return fmt.Sprintf("message%d", kind)
}
