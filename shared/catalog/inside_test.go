package catalog

import "testing"

func TestInsideASentence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"The server does not admit our address": "the server does not admit our address",
		"A private link record is missing":      "a private link record is missing",
		"PostgreSQL 9.4 is too old":             "PostgreSQL 9.4 is too old", "Entra roles are missing": "Entra roles are missing",
		"TLS is off on the server": "TLS is off on the server", "SCRAM failed": "SCRAM failed",
		"port 5432 is closed": "port 5432 is closed", "": "", "wal_level is replica": "wal_level is replica",
	} {
		if got := inside(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
