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
//
// Settings must be changed with SET LOCAL, inside a transaction: a plain SET through a pooler stays behind on a server
// connection that others get next.
type Session struct {
	// PG is the connection to query on.
	PG   *pgconn.PgConn
	wire *wire
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

func newSession(c *conversation) (*Session, error) {
	w, b := c.wire, c.backend
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
	pg, err := pgconn.Construct(&pgconn.HijackedConn{
		Conn: w, PID: b.pid, SecretKey: b.secretKey, ParameterStatuses: b.parameters, TxStatus: 'I', Config: config,
	})
	if err != nil {
		return nil, fmt.Errorf("hand connection on: %w", err)
	}
	return &Session{PG: pg, wire: w, sent: c.flight(), version: c.o.ServerVersionNum}, nil
}

// Limit is the limit that the peer went over, or nil. pgconn does not always pass the reader's error on.
func (s *Session) Limit() *LimitError { return s.wire.meter.failed }

// Close sends Terminate and closes the connection. A session whose query was cut off is closed without it.
func (s *Session) Close(ctx context.Context) error {
	// A connection that is closed on unread answers is reset, and the far server's log says so.
	s.Answers(ctx)
	if s.PG.IsClosed() || s.gone() {
		// pgconn goes on reading for up to 15 seconds to end in order; a peer that hangs is not worth that.
		s.wire.drop()
		return nil
	}
	if err := s.PG.Close(ctx); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}
