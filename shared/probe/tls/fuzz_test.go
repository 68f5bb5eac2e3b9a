package tls

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// FuzzOpening plays a peer that sends data and closes, in pieces of the given size. Whatever it is, the probe ends, keeps
// only a little of it and has exactly one thing to say.
func FuzzOpening(f *testing.F) {
	for _, seed := range []string{"", "S", "N", "J", "SSH-2.0-x\r\n", "HTTP/1.1 400\r\n", framedError, "Efork failed: x\n\x00",
		"S\x15\x03\x03\x00\x02\x02\x28", "S\x16\x03\x03\x00\x04\x0e\x00\x00\x00", "S" + oldServerHello()} {
		f.Add([]byte(seed), uint8(1))
		f.Add([]byte(seed), uint8(64))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		conn := &replay{data: data, piece: int(piece)%64 + 1}
		o, next := Observe(t.Context(), conn, Target{ServerName: host, Mode: request.TLSRequire})
		if (next != nil) != (o.Reply == "N" && o.Ended == "") {
			t.Errorf("goes on with %v after %+v", next, o)
		}
		if next == nil && !conn.closed {
			t.Error("the connection was left open")
		}
		if n := len(o.FirstBytes.raw()); n > keepBytes || n > len(data) {
			t.Errorf("kept %d bytes of %d", n, len(data))
		}
		found := judge(t, o, request.TLSRequire)
		if len(found) != 1 || found[0].Layer != finding.TLS {
			t.Errorf("findings %v of %+v", found, o)
		}
	})
}

// FuzzRecords: how the bytes are cut must not matter.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(oldServerHello()+"\x15\x03\x03\x00\x02\x02\x28"), uint8(3))
	f.Add([]byte("\x16\x03\x03\x00\x08\x0e\x00\x00\x00\x0e\x00\x00\x00\x14\x03\x03\x00\x01\x01"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		var whole, cut records
		whole.feed(data)
		for chunk := range chunks(data, int(piece)%16+1) {
			cut.feed(chunk)
		}
		if len(whole.list) > evidenceLimit || len(whole.messages) > evidenceLimit || len(whole.message) > messageHeaderSize+helloHead {
			t.Errorf("keeps too much: %+v", whole)
		}
		whole.header, cut.header = nil, nil
		if whole.notTLS && cut.notTLS {
			whole.left, cut.left = 0, 0
		}
		whole.alert, cut.alert, whole.message, cut.message = nil, nil, nil, nil
		if !reflect.DeepEqual(whole, cut) {
			t.Errorf("whole %+v, cut %+v", whole, cut)
		}
	})
}

func chunks(data []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := min(size, len(data))
			if !yield(data[:n]) {
				return
			}
			data = data[n:]
		}
	}
}

// replay is a connection whose peer says data, piece by piece, and closes.
type replay struct {
	data   []byte
	piece  int
	wrote  bytes.Buffer
	closed bool
}

func (r *replay) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data[:min(r.piece, len(r.data))])
	r.data = r.data[n:]
	return n, nil
}

func (r *replay) Write(p []byte) (int, error) {
	if r.closed {
		return 0, errors.New("written after the close")
	}
	return r.wrote.Write(p)
}

func (r *replay) Close() error                     { r.closed = true; return nil }
func (r *replay) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (r *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (r *replay) SetDeadline(time.Time) error      { return nil }
func (r *replay) SetReadDeadline(time.Time) error  { return nil }
func (r *replay) SetWriteDeadline(time.Time) error { return nil }
