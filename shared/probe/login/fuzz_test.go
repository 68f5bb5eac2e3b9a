package login

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// FuzzObserve feeds a server's bytes: nothing may crash, hang, grow, or become a login that the server did not earn.
func FuzzObserve(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte("Ecould not fork new process for connection\n\x00"))
	f.Add(encoded(f, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000",
		Message: `no pg_hba.conf entry for host "x"`}))
	f.Add(encoded(f, &pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}},
		&pgproto3.AuthenticationSASLContinue{Data: []byte("r=a,s=b,i=1")}))
	f.Add(encoded(f, &pgproto3.AuthenticationMD5Password{}, &pgproto3.AuthenticationOk{},
		&pgproto3.ParameterStatus{Name: "a", Value: "b"}, &pgproto3.ReadyForQuery{TxStatus: 'I'}))
	f.Add(encoded(f, &pgproto3.AuthenticationOk{}, &pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{1, 2, 3, 4}},
		&pgproto3.ReadyForQuery{TxStatus: 'I'}, description(loginColumns),
		row("10.1.2.4", "5", "10.1.2.5", "f", "150018", "migrator", "1"),
		&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")}, &pgproto3.ReadyForQuery{TxStatus: 'I'}))
	f.Fuzz(func(t *testing.T, data []byte) {
		client, server := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, server) }()
		go func() {
			_, _ = server.Write(data)
			_ = server.Close()
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		o, session := Observe(ctx, client, target())
		if session != nil {
			session.wire.drop()
			if o.AuthUsed == MethodScram && !o.ServerProved || !o.Authenticated || o.SeenAs == "" && o.QueryError == nil &&
				o.ServerVersionNum == 0 && !slices.Contains(o.PoolerSigns, "server_sees_no_address") {
				t.Errorf("a login that was not earned: %+v", o)
			}
		}
		if ctx.Err() != nil {
			t.Error("hung")
		}
		for _, found := range Judge(o, Expect{}) {
			if found.Layer != finding.Login || found.Code == "" {
				t.Errorf("finding %+v", found)
			}
		}
	})
}

func encoded(f *testing.F, messages ...pgproto3.BackendMessage) []byte {
	f.Helper()
	var all []byte
	for _, m := range messages {
		var err error
		if all, err = m.Encode(all); err != nil {
			f.Fatal(err)
		}
	}
	return all
}
