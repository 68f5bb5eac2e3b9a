package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Exec runs SQL as the superuser in database postgres. Statements separated by semicolons are one transaction.
func (s *Server) Exec(ctx context.Context, sql string) error {
	_, err := s.Query(ctx, sql)
	return err
}

// Query runs SQL as the superuser in database postgres and returns every row as text, NULL as the empty string.
func (s *Server) Query(ctx context.Context, sql string) ([][]string, error) {
	return s.QueryIn(ctx, Superuser, sql)
}

// QueryIn is Query in a database of the caller's choice.
//
// It speaks the protocol itself: a driver's connect would read PG* variables, password files and service files.
func (s *Server) QueryIn(ctx context.Context, database, sql string) ([][]string, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", s.socketFile())
	if err != nil {
		return nil, fmt.Errorf("connect to postgres: %w", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	frontend := pgproto3.NewFrontend(conn, conn)
	frontend.Send(&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters:      map[string]string{"user": Superuser, "database": database},
	})
	if _, err := untilReady(frontend); err != nil {
		return nil, fmt.Errorf("log in as superuser: %w", err)
	}
	frontend.Send(&pgproto3.Query{String: sql})
	rows, err := untilReady(frontend)
	if err != nil {
		return nil, err
	}
	frontend.Send(&pgproto3.Terminate{})
	return rows, frontend.Flush()
}

// untilReady sends what is queued and reads up to ReadyForQuery, or up to a fatal error.
func untilReady(frontend *pgproto3.Frontend) ([][]string, error) {
	if err := frontend.Flush(); err != nil {
		return nil, fmt.Errorf("send to postgres: %w", err)
	}
	var rows [][]string
	var failed error
	for {
		message, err := frontend.Receive()
		if err != nil {
			return nil, errors.Join(failed, fmt.Errorf("read from postgres: %w", err))
		}
		switch message := message.(type) {
		case *pgproto3.ReadyForQuery:
			return rows, failed
		case *pgproto3.ErrorResponse:
			failed = fmt.Errorf("postgres says %s %s: %s", message.Severity, message.Code, message.Message)
		case *pgproto3.DataRow:
			row := make([]string, len(message.Values))
			for i, value := range message.Values {
				row[i] = string(value)
			}
			rows = append(rows, row)
		}
	}
}
