package login

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// hostile peers, each with what must be made of it. None may look like a success.
func TestObserveSurvivesHostilePeers(t *testing.T) {
	t.Parallel()
	fatal := func(message string) *pgproto3.ErrorResponse {
		return &pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: message}
	}
	loggedIn := func(p *peer) { p.startup(); p.scram(scramFlaws{}); p.welcome() }
	rows := []struct {
		name      string
		script    func(*peer)
		violation Violation
		code      finding.Code
	}{
		{"skips its SCRAM signature", func(p *peer) { p.startup(); p.scram(scramFlaws{skip: true}); p.welcome(); p.answer() },
			ViolationScramSkipped, finding.ProtocolViolation},
		{"lets us in right after the SASL offer", func(p *peer) {
			p.startup()
			p.send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
			p.hear()
			p.welcome()
		}, ViolationScramSkipped, finding.ProtocolViolation},
		{"signs with another key", func(p *peer) {
			p.startup()
			p.scram(scramFlaws{signature: func(b []byte) []byte { return bytes.Repeat([]byte{7}, len(b)) }})
			p.welcome()
		}, ViolationServerSignature, finding.ProtocolViolation},
		{"signs with nothing", func(p *peer) {
			p.startup()
			p.scram(scramFlaws{signature: func([]byte) []byte { return nil }})
		}, ViolationServerSignature, finding.ProtocolViolation},
		{"answers with its own nonce", func(p *peer) {
			p.startup()
			p.scram(scramFlaws{nonce: func(string) string { return strings.Repeat("x", 40) }})
		}, ViolationServerNonce, finding.ProtocolViolation},
		{"repeats our nonce alone", func(p *peer) {
			p.startup()
			p.scram(scramFlaws{nonce: func(s string) string { return s }})
		}, ViolationServerNonce, finding.ProtocolViolation},
		{"asks for 10,000,000 iterations", func(p *peer) { p.startup(); p.scram(scramFlaws{iterations: 10_000_000}) },
			ViolationIterations, finding.ProtocolViolation},
		{"asks twice, the second time in clear", func(p *peer) {
			p.startup()
			p.scram(scramFlaws{})
			p.send(&pgproto3.AuthenticationCleartextPassword{})
		}, ViolationUnexpected, finding.ProtocolViolation},
		{"goes on with SASL that nobody began", func(p *peer) {
			p.startup()
			p.send(&pgproto3.AuthenticationSASLFinal{Data: []byte("v=")})
		}, ViolationUnexpected, finding.ProtocolViolation},
		{"is ready without authentication", func(p *peer) { p.startup(); p.send(&pgproto3.ReadyForQuery{TxStatus: 'I'}) },
			ViolationNotPostgres, finding.PeerNotPostgres},
		{"is ready after a notice, without authentication", func(p *peer) {
			p.startup()
			p.send(&pgproto3.NoticeResponse{Message: "hello"}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
		}, ViolationUnexpected, finding.ProtocolViolation},
		{"announces an error of 1 GiB", func(p *peer) { p.startup(); p.raw(header('E', 1<<30) + "SFATAL\x00") },
			ViolationMessageSize, finding.ProtocolViolation},
		{"announces a challenge of 1 GiB", func(p *peer) {
			p.startup()
			p.send(&pgproto3.NoticeResponse{Message: "hello"})
			p.raw(header('R', 1<<30))
		}, ViolationMessageSize, finding.ProtocolViolation},
		{"announces a message of 3 bytes", func(p *peer) {
			p.startup()
			p.send(&pgproto3.NoticeResponse{Message: "hello"})
			p.raw(header('R', 3))
		}, ViolationMalformed, finding.ProtocolViolation},
		{"floods parameters", func(p *peer) { p.startup(); p.scram(scramFlaws{}); p.flood("S", "a\x00b\x00") },
			ViolationParameters, finding.ProtocolViolation},
		{"floods notices", func(p *peer) { p.startup(); p.flood("N", "Mhello\x00\x00") },
			ViolationNotices, finding.ProtocolViolation},
		{"floods big notices", func(p *peer) { p.startup(); p.flood("N", "M"+strings.Repeat("x", 29_000)+"\x00\x00") },
			ViolationNotices, finding.ProtocolViolation},
		{"floods notifications", func(p *peer) { loggedIn(p); p.flood("A", "\x00\x00\x00\x01a\x00b\x00") },
			ViolationNotifications, finding.ProtocolViolation},
		{"floods rows", func(p *peer) { loggedIn(p); p.send(description(loginColumns)); p.flood("D", "\x00\x00") },
			ViolationRowMismatch, finding.ProtocolViolation},
		{"announces a row of 1 GiB", func(p *peer) {
			loggedIn(p)
			p.send(description(loginColumns))
			p.raw(header('D', 1<<30))
		}, ViolationMessageSize, finding.ProtocolViolation},
		{"sends rows that do not match their description", func(p *peer) {
			loggedIn(p)
			p.send(description(loginColumns), row("1", "2", "3"))
		}, ViolationRowMismatch, finding.ProtocolViolation},
		{"describes one column and sends three", func(p *peer) { loggedIn(p); p.send(description(1), row("1", "2", "3")) },
			ViolationRowMismatch, finding.ProtocolViolation},
		{"answers with two rows", func(p *peer) {
			loggedIn(p)
			good := row("10.1.2.4", "5", "10.1.2.5", "f", "150018", "migrator", "4711")
			p.send(description(loginColumns), good, good)
		}, ViolationRowMismatch, finding.ProtocolViolation},
		{"answers with no row", func(p *peer) {
			loggedIn(p)
			p.send(description(loginColumns), &pgproto3.CommandComplete{CommandTag: []byte("SELECT 0")},
				&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}, ViolationRowMismatch, finding.ProtocolViolation},
		{"answers the query with nothing at all", func(p *peer) {
			loggedIn(p)
			p.send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}, ViolationRowMismatch, finding.ProtocolViolation},
		{"answers with words for numbers", func(p *peer) {
			loggedIn(p)
			p.send(description(loginColumns), row("a", "b", "c", "maybe", "new", "f", "g"),
				&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
		}, ViolationRowMismatch, finding.ProtocolViolation},
		{"wants a copy", func(p *peer) { loggedIn(p); p.send(&pgproto3.CopyInResponse{}) },
			ViolationUnexpected, finding.ProtocolViolation},
		{"speaks HTTP", func(p *peer) { p.startup(); p.raw("HTTP/1.1 400 Bad Request\r\n\r\n") },
			ViolationNotPostgres, finding.PeerNotPostgres},
		{"speaks SSH", func(p *peer) { p.startup(); p.raw("SSH-2.0-OpenSSH_9.2\r\n") },
			ViolationNotPostgres, finding.PeerNotPostgres},
		{"speaks MySQL", func(p *peer) { p.startup(); p.raw("\x4a\x00\x00\x00\x0a8.0.36\x00") },
			ViolationNotPostgres, finding.PeerNotPostgres},
		{"speaks noise", func(p *peer) { p.startup(); p.raw("\x93\x01\xfe\x7f\x00\x11\x22\x33") },
			ViolationNotPostgres, finding.PeerNotPostgres},
		{"refuses", func(p *peer) { p.startup(); p.send(fatal("computer says no")) }, "", finding.ServerError},
		{"cannot fork, in the words of protocol 2",
			func(p *peer) { p.startup(); p.raw("Ecould not fork new process for connection: no memory\n\x00") },
			"", finding.ServerError},
		{"closes after the startup packet", func(p *peer) { p.startup() }, "", finding.PeerClosed},
		{"closes in the middle of a message", func(p *peer) { p.startup(); p.raw(header('R', 100) + "abc") },
			"", finding.PeerClosed},
		{"resets after the startup packet", func(p *peer) {
			p.startup()
			_ = p.conn.(*net.TCPConn).SetLinger(0)
		}, "", finding.PeerReset},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o, session := observe(t, serve(t, row.script), target())
			if session != nil || o.Passed() {
				t.Fatalf("a session came of it: %+v", o)
			}
			if o.Violation != row.violation {
				t.Errorf("violation %q (%s), want %q", o.Violation, o.ViolationDetail, row.violation)
			}
			if found := Judge(o, Expect{}); len(found) != 1 || found[0].Code != row.code {
				t.Errorf("findings %+v, want %s; observation %+v", found, row.code, o)
			}
		})
	}
}

func (p *peer) flood(kind, body string) {
	piece := []byte(strings.Repeat(header(kind[0], len(body)+4)+body, 64))
	for {
		if _, err := p.conn.Write(piece); err != nil {
			return
		}
	}
}

// A peer that says nothing, at whatever stage, costs exactly the deadline.
func TestObserveEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		stage  Stage
		script func(*peer)
	}{
		{"silent after startup", StageStartup, func(p *peer) { p.startup(); p.untilGone() }},
		{"silent after half a message", StageStartup, func(p *peer) { p.startup(); p.raw(header('R', 8)); p.untilGone() }},
		{"silent after the SASL offer", StageAuthentication, func(p *peer) {
			p.startup()
			p.send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
			p.untilGone()
		}},
		{"silent after the proof", StageAuthentication,
			func(p *peer) { p.startup(); p.scram(scramFlaws{skip: true}); p.untilGone() }},
		{"silent after AuthenticationOk", StageAuthentication, func(p *peer) {
			p.startup()
			p.scram(scramFlaws{})
			p.send(&pgproto3.AuthenticationOk{})
			p.untilGone()
		}},
		{"silent after the login query", StageReady,
			func(p *peer) { p.startup(); p.scram(scramFlaws{}); p.welcome(); p.untilGone() }},
		{"dripping", StageStartup, func(p *peer) {
			p.startup()
			for _, b := range header('N', 2000) + strings.Repeat("x", 2000) {
				if _, err := p.conn.Write([]byte{byte(b)}); err != nil {
					return
				}
				time.Sleep(2 * time.Millisecond)
			}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, row.script)
			const limit = 400 * time.Millisecond
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			o, _ := observeIn(ctx, t, conn, target())
			if elapsed := time.Since(begun); elapsed < limit || elapsed > limit+3*time.Second {
				t.Errorf("took %v", elapsed)
			}
			if o.End != EndTimeout || o.Stage != row.stage {
				t.Errorf("ended %q at stage %q", o.End, o.Stage)
			}
			if found := Judge(o, Expect{TLSOffered: No}); len(found) != 1 || found[0].Code != finding.LoginStalled {
				t.Errorf("findings %+v", found)
			}
		})
	}
}

func TestObserveCancelledProvesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	conn := serve(t, func(p *peer) { p.startup(); cancel(); p.untilGone() })
	o, _ := observeIn(ctx, t, conn, target())
	if o.End != EndCancelled || len(Judge(o, Expect{})) != 0 {
		t.Errorf("observation %+v", o)
	}
}

func TestKeyDerivationEndsWithItsTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &scram{password: "x", salt: []byte("y"), iterations: 1 << 40}
	if _, err := saltedPassword(ctx, s); err == nil {
		t.Error("computed 2^40 iterations")
	}
}

// A thousand times the allowed traffic must not become memory.
func TestFloodsCostNoMemory(t *testing.T) {
	conn := serve(t, func(p *peer) { p.startup(); p.flood("N", "M"+strings.Repeat("x", 29_000)+"\x00\x00") })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o, _ := observe(t, conn, target())
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
	if o.BytesIn > maxBytes {
		t.Errorf("read %d bytes", o.BytesIn)
	}
}

// A server that wants a client certificate refuses a TLS 1.3 client only after the handshake.
func TestObserveReadsTheAlertAfterTheHandshake(t *testing.T) {
	t.Parallel()
	conn := serveTLS(t, &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert}, func(p *peer) {
		_ = p.conn.(*tls.Conn).Handshake()
	})
	o, _ := observe(t, conn, target())
	if o.Alert != alertCertificateRequired || !o.ClientCertificateRequired {
		t.Errorf("observation %+v", o)
	}
	if found := Judge(o, Expect{}); len(found) != 1 || found[0].Code != finding.TLSClientCertificateRequired {
		t.Errorf("findings %+v", found)
	}
}

func TestSessionKeepsTheLimits(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string][2]string{
		"rows":          {"D", "\x00\x00"},
		"big rows":      {"D", "\x00\x01\x00\x00\xff\xff" + strings.Repeat("x", 0xffff)},
		"parameters":    {"S", "a\x00b\x00"},
		"notices":       {"N", "Mhello\x00\x00"},
		"notifications": {"A", "\x00\x00\x00\x01a\x00b\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, func(p *peer) {
				p.startup()
				p.scram(scramFlaws{})
				p.welcome()
				p.answer()
				p.hear()
				p.hear()
				p.send(description(1))
				p.flood(flood[0], flood[1])
			})
			o, session := observe(t, conn, target())
			if session == nil {
				t.Fatalf("no session: %+v", o)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			results, err := handed(t, session).Exec(ctx, "select 1").ReadAll()
			if err == nil || session.Limit() == nil || ctx.Err() != nil {
				t.Errorf("got %d results, error %v, limit %v", len(results), err, session.Limit())
			}
		})
	}
}
