package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"
)

// errNoSecondConnection is why a query that ran out of time is not cancelled on the server: that takes a connection of
// its own, which would go past the guard.
var errNoSecondConnection = errors.New("no second connection is made")

// Session is a logged-in connection for the layers after login. The limits of this package stay in force on it: reading
// past one of them closes it, and Limit tells which.
type Session struct {
	wire    *wire
	backend backend
	// pg is nil until somebody asks for it.
	pg *pgconn.PgConn
	// sent is the flight that went out with the login; read says that its answers have been taken from the wire.
	sent    flight
	read    bool
	answers []Answer
	// version is server_version_num, 0 where it is not known.
	version int
	// state is the transaction state that the last answer ended in, lost why the connection can be used no more.
	state byte
	lost  Answer
}

func newSession(c *conversation) *Session {
	return &Session{wire: c.wire, backend: c.backend, sent: c.flight(), version: c.o.ServerVersionNum}
}

// PG hands the connection to pgconn, for questions that Answers and Ask are no help with. It reads the answers to
// Target.Flight first. The session itself can only be closed from then on.
//
// Settings must be changed with SET LOCAL, inside a transaction: a plain SET through a pooler stays behind on a server
// connection that others get next.
func (s *Session) PG(ctx context.Context) (*pgconn.PgConn, error) {
	s.Answers(ctx)
	if s.pg != nil {
		return s.pg, nil
	}
	config := &pgconn.Config{
		BuildFrontend: func(r io.Reader, to io.Writer) *pgproto3.Frontend { return pgproto3.NewFrontend(r, to) },
		BuildContextWatcherHandler: func(pg *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.DeadlineContextWatcherHandler{Conn: pg.Conn()}
		},
		MaxProtocolMessageBodyLen: maxBody,
		DialFunc: func(context.Context, string, string) (net.Conn, error) {
			return nil, errNoSecondConnection
		},
		OnPgError: func(_ *pgconn.PgConn, e *pgconn.PgError) bool {
			return e.Severity != "FATAL" && e.SeverityUnlocalized != "FATAL"
		},
	}
	b := s.backend
	pg, err := pgconn.Construct(&pgconn.HijackedConn{
		Conn: s.wire, PID: b.pid, SecretKey: b.secretKey, ParameterStatuses: b.parameters, TxStatus: 'I', Config: config,
	})
	if err != nil {
		return nil, fmt.Errorf("hand connection on: %w", err)
	}
	s.pg = pg
	return pg, nil
}

// Limit is the limit that the peer went over, or nil. pgconn does not always pass the reader's error on.
func (s *Session) Limit() *LimitError { return s.wire.meter.failed }

// Close sends Terminate and closes the connection. A session whose query was cut off is closed without it.
func (s *Session) Close(ctx context.Context) error {
	// A connection that is closed on unread answers is reset, and the far server's log says so.
	s.Answers(ctx)
	switch {
	case s.gone() || s.pg != nil && s.pg.IsClosed():
		// pgconn goes on reading for up to 15 seconds to end in order; a peer that hangs is not worth that.
		s.wire.drop()
		return nil
	case s.pg != nil:
		return closing(s.pg.Close(ctx))
	}
	defer s.bound(ctx)()
	if goodbye, err := encode([]pgproto3.FrontendMessage{&pgproto3.Terminate{}}); err == nil {
		_, _ = s.wire.Write(goodbye) // a server that went first misses nothing
	}
	return closing(s.wire.Close())
}

func closing(err error) error {
	if err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}
