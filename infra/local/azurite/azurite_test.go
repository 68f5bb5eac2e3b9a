package azurite

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

func TestWritesSurviveStopAndRestart(t *testing.T) {
	t.Parallel()
	server, err := Start(t.Context(), Options{Dir: "..", DataDir: t.TempDir()})
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	table := client(t, server)
	if _, err := table.CreateTable(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	row := []byte(`{"PartitionKey":"p","RowKey":"r","Seen":true}`)
	if _, err := table.AddEntity(t.Context(), row, nil); err != nil {
		t.Fatal(err)
	}

	// Right after a write: the case in which SIGTERM would lose the row and its table.
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err == nil {
		t.Error("Restart of a running server gave no error")
	}
	got, err := table.GetEntity(t.Context(), "p", "r", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got.Value), `"Seen":true`) {
		t.Errorf("row after restart = %s", got.Value)
	}
}

func TestPortTakenIsAnError(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()

	_, err = Start(t.Context(), Options{
		Dir: "..", DataDir: t.TempDir(), Port: listener.Addr().(*net.TCPAddr).Port,
	})

	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err == nil || !strings.Contains(err.Error(), "EADDRINUSE") {
		t.Errorf("error = %v, want Azurite's own words on the taken port", err)
	}
}

func TestStartIsBoundedByItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()

	_, err := Start(ctx, Options{Dir: "..", DataDir: t.TempDir(), Port: 1})

	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want the deadline", err)
	}
}

func TestMissingPackageIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{Dir: t.TempDir(), DataDir: t.TempDir()})
	if !errors.Is(err, ErrNotInstalled) {
		t.Errorf("error = %v, want ErrNotInstalled", err)
	}
}

func client(t *testing.T, s *Server) *aztables.Client {
	t.Helper()
	service, err := aztables.NewServiceClientFromConnectionString(s.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return service.NewClient("Rows")
}

func TestEndsAndSavesWhenItsParentIsGone(t *testing.T) {
	t.Parallel()
	server, err := Start(t.Context(), Options{Dir: "..", DataDir: t.TempDir()})
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	table := client(t, server)
	if _, err := table.CreateTable(t.Context(), nil); err != nil {
		t.Fatal(err)
	}

	// What the kernel does to the pipe of a process that died.
	if err := server.process.alive.Close(); err != nil {
		t.Fatal(err)
	}
	if !server.process.exited(stopWithin) {
		t.Fatal("it is still running")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := table.CreateTable(t.Context(), nil); err == nil {
		t.Error("the table was lost")
	}
}
