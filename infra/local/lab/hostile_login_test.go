package lab

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// pooled is a login through a pooler in transaction mode: no key to cancel with, and a server that sees no address.
func pooled(s *speaker) {
	scram(flaws{})(s)
	s.say(&pgproto3.AuthenticationOk{}, &pgproto3.ReadyForQuery{TxStatus: 'I'},
		described(7), &pgproto3.DataRow{Values: [][]byte{nil, nil, nil, []byte("f"), []byte("150018"),
			[]byte("migrator"), []byte("99")}},
		&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	s.untilGone()
}

// hostileLogins end in time, stay small, and are never taken for a success.
func hostileLogins() []situation {
	return append(inSituations(slicesOf(silentLogins(), lyingLogins(), floodingLogins())), healthyScripted())
}

// short is a check of two seconds, of which the login may take half of one.
func short(c *request.Check) { c.TimeoutSeconds = 2 }

func silent(s *speaker) { s.untilGone() }

func silentLogins() []spoken {
	stalled := func(name string, run speech, words ...string) spoken {
		return spoken{name: "silent " + name, want: finding.LoginStalled, says: run, request: short, words: words}
	}
	plain := spoken{name: "silent after startup, without TLS", ids: "NET-08", want: finding.PeerSilent, says: silent,
		request: short, mode: request.TLSDisable, words: []string{"stays silent", "not: SSLRequest"}}
	return []spoken{
		stalled("after the startup packet", silent, "no complete answer to the startup packet"),
		stalled("after SCRAM was asked for", func(s *speaker) {
			s.say(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
			s.untilGone()
		}, "authentication began and came to a halt"),
		stalled("after its SCRAM challenge", scram(flaws{stopsAfterFirst: true}), "no complete answer to the password"),
		stalled("after the password", first(scramStart, silent), "no complete answer to the password",
			"The password was sent"),
		stalled("after AuthenticationOk",
			func(s *speaker) { scram(flaws{})(s); s.say(&pgproto3.AuthenticationOk{}); s.untilGone() }),
		stalled("after the first query", func(s *speaker) { scram(flaws{})(s); welcome(s); s.untilGone() },
			"the first query"),
		stalled("but for one byte at a time", trickling("N"), "did not finish the login"),
		stalled("but for a keep-alive notice now and then", murmuring, "did not finish the login"),
		plain,
		{name: "closes after the startup packet", ids: "NET-09", want: finding.PeerClosed, says: func(*speaker) {}},
		{name: "closes after the password", want: finding.PeerClosed, says: scramStart,
			words: []string{"after the password was sent"}},
		{name: "closes after the first query", want: finding.PeerClosed,
			says: func(s *speaker) { scram(flaws{})(s); welcome(s) }},
	}
}

// trickling announces a message and sends it a byte at a time.
func trickling(kind string) speech {
	return func(s *speaker) {
		for _, b := range []byte(kind + "\x00\x00\x10\x00" + strings.Repeat("x", 4096)) {
			if _, err := s.conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// murmuring says something harmless again and again, so that no single wait is long.
func murmuring(s *speaker) {
	for range 90 {
		s.say(&pgproto3.NoticeResponse{Severity: "NOTICE", Code: "00000", Message: "please hold the line"})
		if _, err := s.conn.Write(nil); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.untilGone()
}

func lyingLogins() []spoken {
	lies := func(name, violation string, run speech, words ...string) spoken {
		return spoken{name: "lies: " + name, want: finding.ProtocolViolation, says: run,
			args: finding.Args{"violation": violation}, words: append(words, "not: passed")}
	}
	return []spoken{
		lies("lets us in without SCRAM's proof", "scram_skipped",
			func(s *speaker) { scramStart(s); welcome(s); answered(s); s.untilGone() },
			"without proving that it knows the password"),
		lies("wrong signature", "scram_server_signature",
			func(s *speaker) { scram(flaws{wrongSignature: true})(s); welcome(s); answered(s); s.untilGone() },
			"its proof of knowing the password is wrong"),
		lies("a nonce of its own", "scram_nonce", scram(flaws{nonce: func(string) string { return "other" }})),
		lies("our nonce given back", "scram_nonce",
			scram(flaws{nonce: func(n string) string { return strings.TrimSuffix(n, "server") }})),
		lies("a million iterations", "scram_iterations", scram(flaws{iterations: 1_000_000}),
			"more password iterations"),
		lies("lets us in before we answered", "unexpected_message", func(s *speaker) {
			s.say(&pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}, &pgproto3.AuthenticationOk{},
				&pgproto3.AuthenticationOk{})
			s.untilGone()
		}),
		lies("asks again, in clear text", "unexpected_message",
			func(s *speaker) { scramStart(s); cleartext(s); s.untilGone() }, "not: "+labPassword),
		lies("a row with too few values", "row_mismatch", func(s *speaker) {
			scram(flaws{})(s)
			welcome(s)
			s.say(described(7), row("1"), &pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")},
				&pgproto3.ReadyForQuery{TxStatus: 'I'})
			s.untilGone()
		}, "a row does not fit"),
		lies("an answer without a row", "row_mismatch", func(s *speaker) {
			scram(flaws{})(s)
			welcome(s)
			s.say(described(7), &pgproto3.CommandComplete{CommandTag: []byte("SELECT 0")},
				&pgproto3.ReadyForQuery{TxStatus: 'I'})
			s.untilGone()
		}),
		lies("already in a transaction", "unexpected_message", func(s *speaker) {
			scram(flaws{})(s)
			s.say(&pgproto3.AuthenticationOk{}, &pgproto3.ReadyForQuery{TxStatus: 'T'})
			s.untilGone()
		}),
		{name: "lies: ready before anything else", want: finding.PeerNotPostgres,
			says: func(s *speaker) { s.say(&pgproto3.ReadyForQuery{TxStatus: 'I'}); s.untilGone() }},
		{name: "lies: speaks HTTP inside TLS", ids: "NET-12", want: finding.PeerNotPostgres,
			args: finding.Args{"looksLike": "http"},
			says: func(s *speaker) { _, _ = s.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }},
		{name: "lies: control characters and colours in its error", want: finding.ServerError,
			says:  fatal("XX000", "\x1b[31mred\x1b[0m\r\nlevel=info msg=\"all is well\"\u202e\u0007"),
			words: []string{"not: \x1b"}},
		{name: "lies: an error of a walsender in an ordinary login", want: finding.ServerFull,
			words: []string{"one of max_connections"},
			says:  fatal("53300", "number of requested standby connections exceeds max_wal_senders (currently 1)")},
		{name: "lies: an empty error", want: finding.ServerError,
			says: func(s *speaker) { s.say(&pgproto3.ErrorResponse{}) }},
	}
}

func floodingLogins() []spoken {
	floods := func(name, violation string, run speech) spoken {
		return spoken{name: "floods: " + name, want: finding.ProtocolViolation, says: run,
			args: finding.Args{"violation": violation}, words: []string{"breaks the PostgreSQL protocol"}}
	}
	large := strings.Repeat("x", 60_000)
	return []spoken{
		floods("a message of 1 GiB before the login", "message_size", endless("R\x3f\xff\xff\xff", large)),
		floods("a message of 1 GiB after the login", "message_size",
			func(s *speaker) { scram(flaws{})(s); welcome(s); endless("D\x3f\xff\xff\xff", large)(s) }),
		floods("notices before the login", "notices", again(&pgproto3.NoticeResponse{Severity: "NOTICE",
			Message: "x"})),
		floods("large notices", "message_size", again(&pgproto3.NoticeResponse{Severity: "NOTICE", Message: large})),
		floods("parameters", "parameters", func(s *speaker) {
			scram(flaws{})(s)
			again(&pgproto3.ParameterStatus{Name: "p", Value: large[:1000]})(s)
		}),
		floods("rows", "row_mismatch", func(s *speaker) {
			scram(flaws{})(s)
			welcome(s)
			s.say(described(7))
			again(row(vantageAddress, "1", sourceAddress, "f", "150018", "migrator", "4711"))(s)
		}),
		floods("notifications", "notifications", func(s *speaker) {
			scram(flaws{})(s)
			welcome(s)
			again(&pgproto3.NotificationResponse{Channel: "c", Payload: "p"})(s)
		}),
	}
}

// again sends one message until the client is gone.
func again(m pgproto3.BackendMessage) speech {
	return func(s *speaker) {
		encoded, err := m.Encode(nil)
		if err != nil {
			return
		}
		endless("", strings.Repeat(string(encoded), max(1, 60_000/len(encoded))))(s)
	}
}

// endless sends a beginning and then a block until the client is gone.
func endless(beginning, block string) speech {
	return func(s *speaker) {
		_, err := s.conn.Write([]byte(beginning))
		for err == nil {
			_, err = s.conn.Write([]byte(block))
		}
	}
}

// healthyScripted proves that the scripted server is good where it has no flaw, and that we part with Terminate.
func healthyScripted() situation {
	var parted bool
	s := spoken{name: "login: scripted server without a flaw, parted from with Terminate", says: func(s *speaker) {
		behaves(s)
		if len(s.heard) > 0 {
			_, parted = s.heard[len(s.heard)-1].(*pgproto3.Terminate)
		}
	}, verdict: report.Ready}.situation()
	after := s.after
	s.after = func(b *bench, o *outcome) {
		after(b, o)
		b.source.stop()
		b.source.serving.Wait()
		if !parted {
			o.fault("the last message was not Terminate")
		}
	}
	return s
}
