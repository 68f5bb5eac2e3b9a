package login

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// codes are the codes of findings, for comparing.
func codes(found []finding.Finding) string {
	var list []string
	for _, f := range found {
		list = append(list, string(f.Code))
	}
	return strings.Join(list, " ")
}

func TestObserveLogsInWithScram(t *testing.T) {
	t.Parallel()
	var parameters map[string]string
	conn := serve(t, func(p *peer) {
		parameters = p.startup()
		p.scram(scramFlaws{})
		p.send(&pgproto3.NoticeResponse{Message: "welcome\x1b[31m"})
		p.welcome()
		p.answer()
		p.hear()
		p.hear()
	})
	o, session := observe(t, conn, target())
	if session == nil || o.Error != nil || !o.Authenticated || !o.ServerProved || !o.PasswordSent {
		t.Fatalf("observation %+v", o)
	}
	if o.SeenAs != "10.1.2.4" || o.SeenPort != 50000 || o.ServerVersionNum != 150018 || *o.InRecovery {
		t.Errorf("row read as %+v", o)
	}
	if o.AuthUsed != MethodScram || o.Iterations != 4096 || o.Attempt != WithoutTLS || o.BytesIn == 0 {
		t.Errorf("observation %+v", o)
	}
	if o.Notices != 1 || o.FirstNotice != `welcome\u001b[31m` {
		t.Errorf("%d notices, first %q", o.Notices, o.FirstNotice)
	}
	if found := Judge(o, Expect{}); len(found) != 0 {
		t.Errorf("findings %+v", found)
	}
	want := map[string]string{"user": "migrator", "database": "orders", "application_name": "pgpreflight",
		"client_encoding": "UTF8"}
	if fmt.Sprint(parameters) != fmt.Sprint(want) {
		t.Errorf("startup parameters %v", parameters)
	}
	if handed(t, session).ParameterStatus("server_version") != "15.18" || handed(t, session).PID() != 4711 {
		t.Error("the session lost what the server told")
	}
}

// login answers p's one authentication request and goes on to a working session.
func loginAfter(request pgproto3.BackendMessage, kind uint32) func(*peer) {
	return func(p *peer) {
		p.startup()
		p.send(request)
		_ = p.back.SetAuthType(kind)
		if p.hear() == nil {
			return
		}
		p.welcome()
		p.answer()
		p.untilGone()
	}
}

func TestObserveJudgesTheWayOfAuthentication(t *testing.T) {
	t.Parallel()
	cleartext := loginAfter(&pgproto3.AuthenticationCleartextPassword{}, pgproto3.AuthTypeCleartextPassword)
	md5 := loginAfter(&pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}, pgproto3.AuthTypeMD5Password)
	gss := loginAfter(&pgproto3.AuthenticationGSS{}, pgproto3.AuthTypeGSS)
	code := func(n byte) func(*peer) {
		return func(p *peer) { p.startup(); p.raw(header('R', 8) + "\x00\x00\x00" + string(n)); p.untilGone() }
	}
	sasl := func(names ...string) func(*peer) {
		return func(p *peer) { p.startup(); p.send(&pgproto3.AuthenticationSASL{AuthMechanisms: names}); p.untilGone() }
	}
	trust := func(p *peer) { p.startup(); p.welcome(); p.answer(); p.untilGone() }
	iterations := func(p *peer) {
		p.startup()
		p.scram(scramFlaws{iterations: 1000})
		p.welcome()
		p.answer()
		p.untilGone()
	}
	rows := []struct {
		name    string
		script  func(*peer)
		tls     bool
		change  func(*Target)
		expect  Expect
		methods string
		sent    bool
		codes   string
	}{
		{name: "md5", script: md5, methods: "md5", sent: true, codes: "AUTH_METHOD_WEAK"},
		{name: "cleartext without TLS", script: cleartext, methods: "password", codes: "AUTH_CLEARTEXT_REFUSED"},
		{name: "cleartext, said to be verified, without TLS", script: cleartext, methods: "password",
			change: func(t *Target) { t.TLSVerified = true }, codes: "AUTH_CLEARTEXT_REFUSED"},
		{name: "cleartext in TLS that nobody verified", script: cleartext, tls: true, methods: "password",
			codes: "AUTH_CLEARTEXT_REFUSED"},
		{name: "cleartext in verified TLS", script: cleartext, tls: true, methods: "password", sent: true,
			change: func(t *Target) { t.TLSVerified = true }, codes: "AUTH_METHOD_WEAK"},
		{name: "token in verified TLS", script: cleartext, tls: true, methods: "password", sent: true,
			change: func(t *Target) { t.TLSVerified = true }, expect: Expect{Entra: true}},
		{name: "trust", script: trust, codes: "AUTH_TRUST"},
		{name: "few iterations", script: iterations, methods: "scram-sha-256", sent: true, codes: "AUTH_METHOD_WEAK"},
		{name: "GSS", script: gss, methods: "gss", codes: "AUTH_METHOD_UNSUPPORTED"},
		{name: "SSPI", script: code(9), methods: "sspi", codes: "AUTH_METHOD_UNSUPPORTED"},
		{name: "code 99", script: code(99), methods: "code 99", codes: "AUTH_METHOD_UNSUPPORTED"},
		{name: "OAuth", script: sasl("OAUTHBEARER"), methods: "oauthbearer", codes: "AUTH_METHOD_UNSUPPORTED"},
		{name: "PLUS alone, without TLS", script: sasl("SCRAM-SHA-256-PLUS"), methods: "scram-sha-256-plus",
			codes: "AUTH_METHOD_UNSUPPORTED"},
		{name: "no binding where it is required", script: sasl("SCRAM-SHA-256"), tls: true, methods: "scram-sha-256",
			change: func(t *Target) { t.ChannelBinding = ChannelBindingRequire }, codes: "AUTH_METHOD_UNSUPPORTED"},
		{name: "no password to send", script: sasl("SCRAM-SHA-256"), methods: "scram-sha-256",
			change: func(t *Target) { t.Password = secret.New("") }, codes: "CREDENTIAL_UNAVAILABLE"},
		{name: "password never", script: sasl("SCRAM-SHA-256"), methods: "scram-sha-256",
			change: func(t *Target) { t.PasswordNever = true }},
		{name: "password never, asked in clear", script: cleartext, methods: "password",
			change: func(t *Target) { t.PasswordNever = true }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			to := target()
			if row.change != nil {
				row.change(&to)
			}
			heard := make(chan []pgproto3.FrontendMessage, 1)
			script := func(p *peer) { row.script(p); heard <- p.heard }
			var conn net.Conn
			if row.tls {
				conn = serveTLS(t, &tls.Config{}, script)
			} else {
				conn = serve(t, script)
			}
			o, session := observe(t, conn, to)
			if session != nil {
				_ = session.Close(t.Context())
			}
			if strings.Join(o.AuthMethods, " ") != row.methods || o.PasswordSent != row.sent || o.TLS != row.tls {
				t.Errorf("observation %+v", o)
			}
			if got := codes(Judge(o, row.expect)); got != row.codes {
				t.Errorf("codes %q, want %q", got, row.codes)
			}
			if !row.sent && row.methods != "" && slices.ContainsFunc(<-heard, isPassword) {
				t.Error("a password was sent")
			}
		})
	}
}

func isPassword(m pgproto3.FrontendMessage) bool {
	_, password := m.(*pgproto3.PasswordMessage)
	return password
}

func TestObservePasswordNeverEndsATrustSessionInOrder(t *testing.T) {
	t.Parallel()
	terminated := make(chan bool, 1)
	conn := serve(t, func(p *peer) {
		p.startup()
		p.welcome()
		_, ok := p.hear().(*pgproto3.Terminate)
		terminated <- ok
	})
	to := target()
	to.PasswordNever = true
	o, session := observe(t, conn, to)
	if session != nil || o.Stopped != StopPasswordNever || !o.Admitted() || o.Stage != StageReady {
		t.Errorf("observation %+v", o)
	}
	if !<-terminated {
		t.Error("left without Terminate")
	}
}

func TestObserveSeesPoolers(t *testing.T) {
	t.Parallel()
	refuse := func(severity string) *pgproto3.ErrorResponse {
		return &pgproto3.ErrorResponse{Severity: severity, Code: "08P01", Message: "unsupported query"}
	}
	rows := map[string]struct {
		script func(*peer)
		sign   string
		passed bool
	}{
		"a key of its own": {func(p *peer) {
			p.welcome()
			p.send(description(loginColumns), row("10.1.2.4", "5", "10.1.2.5", "f", "150018", "migrator", "4242"),
				&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
		}, "backend_pid_differs", true},
		"no key": {func(p *peer) {
			p.send(&pgproto3.AuthenticationOk{}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
			p.answer()
		}, "no_backend_key", true},
		"a query refused": {func(p *peer) {
			p.welcome()
			p.send(refuse("ERROR"), &pgproto3.ReadyForQuery{TxStatus: 'I'})
		}, "pooler_message", true},
		"a query refused for good": {func(p *peer) { p.welcome(); p.send(refuse("FATAL")) }, "pooler_message", false},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, func(p *peer) {
				p.startup()
				p.scram(scramFlaws{})
				r.script(p)
				if r.passed {
					p.untilGone()
				}
			})
			o, session := observe(t, conn, target())
			if session != nil {
				defer func() { _ = session.Close(t.Context()) }()
			}
			if (session != nil) != r.passed || !slices.Contains(o.PoolerSigns, r.sign) {
				t.Fatalf("signs %v, stage %s", o.PoolerSigns, o.Stage)
			}
			found := Judge(o, Expect{})
			if codes(found) != "SERVER_POOLER" || found[0].Advisory != r.passed {
				t.Errorf("findings %+v", found)
			}
		})
	}
}

func TestObserveToleratesProtocolNegotiation(t *testing.T) {
	t.Parallel()
	conn := serve(t, func(p *peer) {
		p.startup()
		p.raw(header('v', 12) + "\x00\x03\x00\x00" + "\x00\x00\x00\x00")
		p.scram(scramFlaws{})
		p.welcome()
		p.answer()
		p.untilGone()
	})
	o, session := observe(t, conn, target())
	if session == nil || o.ProtocolVersion != "3.0" {
		t.Fatalf("observation %+v", o)
	}
	_ = session.Close(t.Context())
}

func TestObserveKeepsErrorFields(t *testing.T) {
	t.Parallel()
	conn := serve(t, func(p *peer) {
		p.startup()
		p.send(&pgproto3.ErrorResponse{Severity: "FATAL\xe8", SeverityUnlocalized: "FATAL", Code: "28000",
			Message: "no\r\n\x1b[2J\xff" + strings.Repeat("é", 4000), Detail: "why", Hint: "how", File: "auth.c", Line: 495,
			Routine: "ClientAuthentication"})
	})
	o, _ := observe(t, conn, target())
	e := o.Error
	if e == nil || e.Severity != "FATAL" || e.SQLState != "28000" || e.Routine != "ClientAuthentication" ||
		e.Line != 495 || e.Detail != "why" || e.Hint != "how" || e.File != "auth.c" {
		t.Fatalf("error %+v", e)
	}
	if !strings.HasPrefix(e.Message, `no\u000d\n\u001b[2J\xffé`) || len(e.Message) > maxText {
		t.Errorf("message %d bytes: %.40q", len(e.Message), e.Message)
	}
}

func TestObservationHoldsNoSecret(t *testing.T) {
	t.Parallel()
	conn := serve(t, func(p *peer) {
		p.startup()
		p.scram(scramFlaws{})
		p.welcome()
		p.answer()
		p.untilGone()
	})
	o, session := observe(t, conn, target())
	raw, err := json.Marshal(o)
	if err != nil || session == nil {
		t.Fatal(err, o)
	}
	_ = session.Close(t.Context())
	for _, text := range []string{string(raw), fmt.Sprintf("%+v", target()), fmt.Sprintf("%+v", Judge(o, Expect{}))} {
		if strings.Contains(text, password) {
			t.Errorf("password in %s", text)
		}
	}
}

func TestSessionOfAHungPeerClosesAtOnce(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	conn := serve(t, func(p *peer) {
		p.startup()
		p.scram(scramFlaws{})
		p.welcome()
		p.answer()
		p.untilGone()
		close(gone)
	})
	_, session := observe(t, conn, target())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := handed(t, session).Exec(ctx, "select 1").ReadAll(); err == nil {
		t.Error("query succeeded")
	}
	if err := session.Close(context.Background()); err != nil {
		t.Error(err)
	}
	<-gone
}

// handed is the connection in the hands of pgconn.
func handed(t *testing.T, session *Session) *pgconn.PgConn {
	t.Helper()
	pg, err := session.PG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pg
}
