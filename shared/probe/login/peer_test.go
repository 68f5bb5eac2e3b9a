package login

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const password = "correct horse"

// peer is a server written out in a test: it misbehaves on purpose.
type peer struct {
	t    *testing.T
	conn net.Conn
	back *pgproto3.Backend
	// heard is everything that the client said after the startup packet, for looking for passwords.
	heard []pgproto3.FrontendMessage
}

// serve runs script on one connection of a loopback listener and returns the client's end of it.
func serve(t *testing.T, script func(*peer)) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		script(&peer{t: t, conn: conn, back: pgproto3.NewBackend(conn, conn)})
	}()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = listener.Close()
		<-done
	})
	return client
}

// serveTLS is serve behind a finished TLS handshake.
func serveTLS(t *testing.T, config *tls.Config, script func(*peer)) net.Conn {
	t.Helper()
	authority, err := pki.NewAuthority("test root")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue(pki.Options{CommonName: "db.test", Names: []string{"db.test"}})
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{certificate}
	plain := serve(t, func(p *peer) {
		p.conn = tls.Server(p.conn, config)
		p.back = pgproto3.NewBackend(p.conn, p.conn)
		script(p)
		_ = p.conn.Close()
	})
	client := tls.Client(plain, &tls.Config{RootCAs: authority.Pool(), ServerName: "db.test"})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	return client
}

func (p *peer) startup() map[string]string {
	m, err := p.back.ReceiveStartupMessage()
	if err != nil {
		return nil
	}
	if startup, ok := m.(*pgproto3.StartupMessage); ok {
		return startup.Parameters
	}
	return nil
}

func (p *peer) send(messages ...pgproto3.BackendMessage) {
	for _, m := range messages {
		p.back.Send(m)
	}
	_ = p.back.Flush()
}

func (p *peer) raw(bytes string) { _, _ = p.conn.Write([]byte(bytes)) }

func (p *peer) hear() pgproto3.FrontendMessage {
	m, err := p.back.Receive()
	if err != nil {
		return nil
	}
	p.heard = append(p.heard, m)
	return m
}

// untilGone keeps the connection open and silent until the client goes.
func (p *peer) untilGone() {
	for {
		if _, err := p.conn.Read(make([]byte, 512)); err != nil {
			return
		}
	}
}

// finish says goodbye and goes on reading. A peer that closes with something unread sends a RST instead, which may
// overtake what it sent before.
func (p *peer) finish() {
	if conn, ok := p.conn.(*net.TCPConn); ok {
		_ = conn.CloseWrite()
	}
}

// scramFlaws are what a server can do wrong in SCRAM.
type scramFlaws struct {
	nonce      func(string) string
	iterations int
	signature  func([]byte) []byte
	skip       bool
}

func (p *peer) scram(flaws scramFlaws) {
	p.send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
	_ = p.back.SetAuthType(pgproto3.AuthTypeSASL)
	initial, ok := p.hear().(*pgproto3.SASLInitialResponse)
	if !ok {
		return
	}
	_, bare, _ := strings.Cut(string(initial.Data), ",,")
	_, clientNonce, _ := strings.Cut(bare, "r=")
	s := &scram{password: password, salt: []byte("0123456789abcdef"), iterations: 4096}
	if flaws.iterations != 0 {
		s.iterations = flaws.iterations
	}
	nonce := clientNonce + "server"
	if flaws.nonce != nil {
		nonce = flaws.nonce(clientNonce)
	}
	first := "r=" + nonce + ",s=" + base64.StdEncoding.EncodeToString(s.salt) + ",i=" + itoa(s.iterations)
	p.send(&pgproto3.AuthenticationSASLContinue{Data: []byte(first)})
	_ = p.back.SetAuthType(pgproto3.AuthTypeSASLContinue)
	final, ok := p.hear().(*pgproto3.SASLResponse)
	if !ok || flaws.skip {
		return
	}
	withoutProof, _, _ := strings.Cut(string(final.Data), ",p=")
	salted, err := saltedPassword(context.Background(), s)
	if err != nil {
		p.t.Error(err)
		return
	}
	signature := sign(sign(salted, []byte("Server Key")), []byte(bare+","+first+","+withoutProof))
	if flaws.signature != nil {
		signature = flaws.signature(signature)
	}
	p.send(&pgproto3.AuthenticationSASLFinal{Data: []byte("v=" + base64.StdEncoding.EncodeToString(signature))})
}

func itoa(n int) string {
	var digits []byte
	for ; n > 0; n /= 10 {
		digits = append([]byte{byte('0' + n%10)}, digits...)
	}
	return string(digits)
}

// welcome is AuthenticationOk up to ReadyForQuery.
func (p *peer) welcome() {
	p.send(&pgproto3.AuthenticationOk{}, &pgproto3.ParameterStatus{Name: "server_version", Value: "15.18"},
		&pgproto3.BackendKeyData{ProcessID: 4711, SecretKey: []byte{1, 2, 3, 4}}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
}

func row(values ...string) *pgproto3.DataRow {
	r := &pgproto3.DataRow{}
	for _, value := range values {
		r.Values = append(r.Values, []byte(value))
	}
	return r
}

func description(columns int) *pgproto3.RowDescription {
	d := &pgproto3.RowDescription{}
	for range columns {
		d.Fields = append(d.Fields, pgproto3.FieldDescription{Name: []byte("c"), DataTypeOID: 25})
	}
	return d
}

// answer is a right answer to the login query.
func (p *peer) answer() {
	p.send(description(loginColumns), row("10.1.2.4", "50000", "10.1.2.5", "f", "150018", "migrator", "4711"),
		&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
}

func target() Target {
	return Target{User: "migrator", Database: "orders", Password: secret.New(password)}
}

func observe(t *testing.T, conn net.Conn, target Target) (Observation, *Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return observeIn(ctx, t, conn, target)
}

func observeIn(ctx context.Context, t *testing.T, conn net.Conn, target Target) (Observation, *Session) {
	t.Helper()
	o, session := Observe(ctx, conn, target)
	if session != nil {
		t.Cleanup(func() { _ = session.Close(context.Background()) })
	}
	if (session != nil) != o.Passed() {
		t.Errorf("session %v at stage %s", session != nil, o.Stage)
	}
	return o, session
}

func header(kind byte, length int) string {
	return string(append([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(length))...))
}
