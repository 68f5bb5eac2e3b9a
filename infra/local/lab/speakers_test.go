package lab

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// speaker is a scripted server in the middle of a conversation, past SSLRequest and TLS.
type speaker struct {
	conn net.Conn
	back *pgproto3.Backend
	// user is whom the startup packet named.
	user string
	// heard are the messages of the client.
	heard []pgproto3.FrontendMessage
}

// speech is what a scripted server says from the startup packet on.
type speech func(*speaker)

// speaks is a server that offers TLS and then speaks, on each of its connections.
func speaks(config *tls.Config, run speech) script {
	return func(conn *net.TCPConn) {
		first := make([]byte, 8)
		if _, err := conn.Read(first); err != nil {
			return
		}
		if binary.BigEndian.Uint32(first[4:]) != 80877103 { // no SSLRequest: the client does not ask for TLS
			converse(&replay{Conn: conn, first: first}, run)
			return
		}
		say("S")(conn)
		encrypted := tls.Server(conn, config)
		if encrypted.Handshake() == nil {
			converse(encrypted, run)
			_ = encrypted.CloseWrite()
		}
		closeGently(conn)
	}
}

func converse(conn net.Conn, run speech) {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	s := &speaker{conn: conn, back: pgproto3.NewBackend(conn, conn)}
	m, err := s.back.ReceiveStartupMessage()
	if err != nil {
		return
	}
	if startup, is := m.(*pgproto3.StartupMessage); is {
		s.user = startup.Parameters["user"]
	}
	run(s)
}

// replay is a connection whose first bytes were read already.
type replay struct {
	net.Conn
	first []byte
}

// Read implements io.Reader.
func (r *replay) Read(b []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.first)
	r.first = r.first[n:]
	return n, nil
}

func (s *speaker) say(messages ...pgproto3.BackendMessage) {
	for _, m := range messages {
		s.back.Send(m)
	}
	_ = s.back.Flush()
}

func (s *speaker) hear() pgproto3.FrontendMessage {
	m, err := s.back.Receive()
	if err != nil {
		return nil
	}
	s.heard = append(s.heard, m)
	return m
}

// untilGone says nothing more and waits for the client to go.
func (s *speaker) untilGone() {
	for {
		if _, err := s.conn.Read(make([]byte, 4096)); err != nil {
			return
		}
	}
}

// fatal is an error as a gateway or a pooler sends it: without a routine.
func fatal(sqlstate, message string) speech {
	return func(s *speaker) {
		s.say(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: sqlstate,
			Message: message})
	}
}

// fatalIn is an error of PostgreSQL itself, raised in a routine.
func fatalIn(routine, sqlstate, message string) speech {
	return func(s *speaker) {
		s.say(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: sqlstate, Message: message,
			File: "postinit.c", Line: 1, Routine: routine})
	}
}

// cleartext asks for the password as it is.
func cleartext(s *speaker) {
	s.say(&pgproto3.AuthenticationCleartextPassword{})
	_ = s.back.SetAuthType(pgproto3.AuthTypeCleartextPassword)
	s.hear()
}

// first does one thing before another.
func first(one, other speech) speech { return func(s *speaker) { one(s); other(s) } }

// flaws are what a server can do wrong in SCRAM. The zero value is a server that knows the password.
type flaws struct {
	nonce           func(string) string
	iterations      int
	stopsAfterFirst bool
	skipsProof      bool
	wrongSignature  bool
}

// scram checks nothing that the client says; what it says itself is right but for the flaws.
func scram(f flaws) speech {
	return func(s *speaker) {
		s.say(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
		_ = s.back.SetAuthType(pgproto3.AuthTypeSASL)
		initial, is := s.hear().(*pgproto3.SASLInitialResponse)
		if !is {
			return
		}
		_, bare, _ := strings.Cut(string(initial.Data), ",,")
		_, nonce, _ := strings.Cut(bare, "r=")
		nonce += "server"
		if f.nonce != nil {
			nonce = f.nonce(nonce)
		}
		salt := make([]byte, 16)
		_, _ = rand.Read(salt)
		iterations := max(f.iterations, 4096)
		serverFirst := fmt.Sprintf("r=%s,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString(salt), iterations)
		s.say(&pgproto3.AuthenticationSASLContinue{Data: []byte(serverFirst)})
		_ = s.back.SetAuthType(pgproto3.AuthTypeSASLContinue)
		if f.stopsAfterFirst {
			s.untilGone()
			return
		}
		final, is := s.hear().(*pgproto3.SASLResponse)
		if !is || f.skipsProof {
			return
		}
		withoutProof, _, _ := strings.Cut(string(final.Data), ",p=")
		salted, _ := pbkdf2.Key(sha256.New, labPassword, salt, 4096, sha256.Size)
		signature := sign(sign(salted, "Server Key"), bare+","+serverFirst+","+withoutProof)
		if f.wrongSignature {
			signature[0] ^= 1
		}
		s.say(&pgproto3.AuthenticationSASLFinal{Data: []byte("v=" + base64.StdEncoding.EncodeToString(signature))})
	}
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// welcome is all from AuthenticationOk to ReadyForQuery.
func welcome(s *speaker) {
	s.say(&pgproto3.AuthenticationOk{}, &pgproto3.ParameterStatus{Name: "server_version", Value: "15.18"},
		&pgproto3.BackendKeyData{ProcessID: 4711, SecretKey: []byte{1, 2, 3, 4}},
		&pgproto3.ReadyForQuery{TxStatus: 'I'})
}

func described(columns int) *pgproto3.RowDescription {
	d := &pgproto3.RowDescription{}
	for range columns {
		d.Fields = append(d.Fields, pgproto3.FieldDescription{Name: []byte("c"), DataTypeOID: 25})
	}
	return d
}

func row(values ...string) *pgproto3.DataRow {
	r := &pgproto3.DataRow{}
	for _, value := range values {
		r.Values = append(r.Values, []byte(value))
	}
	return r
}

// answered is a right answer to the login query.
func answered(s *speaker) {
	s.say(described(7), row(vantageAddress, "50000", sourceAddress, "f", "150018", s.user, "4711"),
		&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
}

// behaves is a whole login and what the client says after it.
func behaves(s *speaker) {
	scram(flaws{})(s)
	welcome(s)
	answered(s)
	for s.hear() != nil {
	}
}
