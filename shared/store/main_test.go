package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/infra/local/azurite"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const localDir = "../../infra/local"

// One Azurite serves every test; each test has tables of its own by a prefix.
var (
	shared   *azurite.Server
	prefixes atomic.Int64
)

func TestMain(m *testing.M) {
	os.Exit(withAzurite(m.Run))
}

func withAzurite(run func() int) int {
	dir, err := os.MkdirTemp("", "azurite")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared, err = azurite.Start(context.Background(), azurite.Options{Dir: localDir, DataDir: dir})
	if err != nil && !errors.Is(err, azurite.ErrNotInstalled) {
		panic(err)
	}
	if shared != nil {
		defer func() { _ = shared.Kill() }()
	}
	return run()
}

// open gives a store with tables that no other test sees; they do not exist yet.
func open(t *testing.T) *Store {
	t.Helper()
	if shared == nil {
		t.Skip(azurite.ErrNotInstalled)
	}
	return openAt(t, shared)
}

func openAt(t *testing.T, server *azurite.Server) *Store {
	t.Helper()
	s, err := Open(Config{
		ConnectionString: secret.New(server.ConnectionString()),
		Prefix:           fmt.Sprintf("Test%d", prefixes.Add(1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123_456_789, time.UTC)

// broken is a report with one finding, on a route and in a wave.
func broken(id string, started time.Time) report.Report {
	return report.Report{
		Version: 1, ID: id, Route: "orders-db", Wave: "2026-12", Verdict: report.NotReady, Headline: "orders drops it",
		FirstBroken: &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout},
		Scenario:    report.Scenario{Row: 4, Supported: "yes"},
		Legs: []report.Leg{{Name: "source", From: "function", Endpoint: "orders:5432", Layers: []report.Layer{
			{Layer: finding.Resolve, Status: finding.StatusPassed, ElapsedMs: 3.6, Observation: map[string]any{"rcode": "NOERROR"}},
			{Layer: finding.Connect, Status: finding.StatusFailed, ElapsedMs: 5000},
			{Layer: finding.TLS, Status: finding.StatusSkipped, BlockedBy: finding.Connect},
		}}},
		Findings: []report.Finding{{
			Code: finding.TCPTimeout, Severity: finding.Failed, Leg: "source", Layer: finding.Connect,
			Title: "No answer", Detail: "Nothing came back.", Owner: report.SourceNetwork, ServiceCode: "603000",
		}},
		StartedAt: started, FinishedAt: started.Add(5 * time.Second), ElapsedMs: 5012.4,
		Request: json.RawMessage(`{"version":1,"requestedBy":"pipeline:orders"}`),
	}
}

func save(t *testing.T, s *Store, r report.Report) {
	t.Helper()
	if outcome, err := s.Save(t.Context(), r); err != nil || outcome != Stored {
		t.Fatalf("Save(%s) = %q, %v", r.ID, outcome, err)
	}
}

// read gives a row's columns, nil where it is missing.
func read(t *testing.T, s *Store, table, partition, key string) map[string]any {
	t.Helper()
	raw, _, err := s.get(t.Context(), "read", table, row{partition: partition, key: key})
	if err != nil {
		t.Fatal(err)
	}
	if raw == nil {
		return nil
	}
	var entity aztables.EDMEntity
	if err := json.Unmarshal(raw, &entity); err != nil {
		t.Fatal(err)
	}
	return entity.Properties
}

// rows counts the rows of a table.
func rows(t *testing.T, s *Store, table string) int {
	t.Helper()
	all, err := s.all(t.Context(), query{op: "count", table: table})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
