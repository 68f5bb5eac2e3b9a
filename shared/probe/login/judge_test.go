package login

import (
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func refusal(tls bool, word string) Observation {
	return Observation{Attempt: "x", TLS: tls, Stage: StageStartup, Error: &ServerError{
		Severity: "FATAL", SQLState: "28000", Routine: "ClientAuthentication",
		Message: `no pg_hba.conf entry for host "203.0.113.7", user "migrator", database "orders", ` + word,
	}}
}

func rejection(tls bool) Observation {
	o := refusal(tls, "")
	o.Error.Message = `pg_hba.conf rejects connection for host "203.0.113.7", user "migrator", database "orders", x`
	return o
}

func passwordRefused(tls bool) Observation {
	return Observation{TLS: tls, Stage: StageAuthentication, AuthMethods: []string{MethodScram}, PasswordSent: true,
		Error: &ServerError{SQLState: "28P01", Routine: "auth_failed",
			Message: `password authentication failed for user "migrator"`}}
}

func asked(tls bool) Observation {
	return Observation{TLS: tls, Stage: StageAuthentication, AuthMethods: []string{MethodScram},
		Stopped: StopPasswordNever}
}

func TestJudgeAttemptsNeverConfusesWhichOneSays(t *testing.T) {
	t.Parallel()
	stopping := Observation{TLS: true, Stage: StageStartup, Error: &ServerError{SQLState: "57P01"}}
	rows := []struct {
		name          string
		first, second Observation
		code          finding.Code
		other         any
	}{
		{"TLS demanded", refusal(false, "no encryption"), asked(true), finding.HBATLSRequired, "admitted"},
		{"TLS demanded, by a reject line", rejection(false), asked(true), finding.HBATLSRequired, "admitted"},
		{"TLS demanded, in no known language", refusal(false, "bez szyfrowania"), asked(true),
			finding.HBATLSRequired, "admitted"},
		{"address refused either way", refusal(false, "no encryption"), refusal(true, "SSL encryption"),
			finding.HBAAddressNotAllowed, "HBA_ADDRESS_NOT_ALLOWED"},
		{"no line without TLS, reject with", refusal(false, "no encryption"), rejection(true),
			finding.HBARejected, "HBA_REJECTED"},
		{"rejected either way", rejection(false), rejection(true), finding.HBARejected, "HBA_REJECTED"},
		{"only TLS refused", refusal(true, "SSL encryption"), asked(false), finding.HBAAddressNotAllowed, "admitted"},
		{"address refused, asked with TLS", refusal(true, "SSL encryption"), refusal(false, "no encryption"),
			finding.HBAAddressNotAllowed, "HBA_TLS_REQUIRED"},
		{"second says nothing on it", refusal(false, "no encryption"), stopping,
			finding.HBATLSRequired, "SERVER_SHUTTING_DOWN"},
		// AUTH-02: libpq's prefer shows the second line last, and people read that one.
		{"wrong password with TLS, no line without", passwordRefused(true), refusal(false, "no encryption"),
			finding.AuthFailed, nil},
	}
	for _, row := range rows {
		found := JudgeAttempts(row.first, row.second, Expect{Host: "db.example.com", TLSOffered: Yes})
		if len(found) != 1 || found[0].Code != row.code || found[0].Args["otherAttempt"] != row.other {
			t.Errorf("%s: %+v", row.name, found)
			continue
		}
		if found[0].Args["tls"] != row.first.TLS || found[0].Layer != finding.Login || found[0].Leg != "" {
			t.Errorf("%s: the finding is not the first attempt's: %+v", row.name, found[0])
		}
	}
}

func TestWorthOtherAttempt(t *testing.T) {
	t.Parallel()
	other := Expect{Host: "db.example.com", TLSOffered: Yes}
	azure := Expect{Host: "orders.postgres.database.azure.com", TLSOffered: Yes}
	rows := []struct {
		name   string
		o      Observation
		expect Expect
		want   bool
	}{
		{"plain, no line", refusal(false, "no encryption"), other, true},
		{"plain, no line, TLS unknown", refusal(false, "no encryption"), Expect{}, true},
		{"plain, no line, no TLS to try", refusal(false, "no encryption"), Expect{TLSOffered: No}, false},
		{"plain, rejected", rejection(false), other, true},
		{"plain, on Azure", refusal(false, "no encryption"), azure, true},
		{"TLS, no line", refusal(true, "SSL encryption"), other, false},
		{"TLS, no line, on Azure", refusal(true, "SSL encryption"), azure, false},
		{"TLS, no line, on RDS", refusal(true, "SSL encryption"), Expect{Kind: request.AmazonRDS, TLSOffered: Yes}, false},
		{"wrong password", passwordRefused(false), other, false},
		{"asked", asked(false), other, false},
		{"silent", Observation{Stage: StageStartup, End: EndTimeout}, other, false},
		{"good", Observation{Stage: StageSession}, other, false},
	}
	for _, row := range rows {
		if got := WorthOtherAttempt(row.o, row.expect); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestJudgeEveryEnd(t *testing.T) {
	t.Parallel()
	recovering := true
	rows := []struct {
		o     Observation
		codes string
	}{
		{Observation{Stage: StageSession, AuthUsed: MethodScram, Iterations: 4096}, ""},
		{Observation{Stage: StageStartup, End: EndTimeout}, "PEER_SILENT"},
		{Observation{Stage: StageStartup, End: EndTimeout, BytesIn: 1}, "LOGIN_STALLED"},
		{Observation{Stage: StageStartup, End: EndTimeout, TLS: true}, "LOGIN_STALLED"},
		{Observation{Stage: StageStartup, End: EndCancelled}, ""},
		{Observation{Stage: StageStartup, End: EndClosed}, "PEER_CLOSED"},
		{Observation{Stage: StageStartup, End: EndReset}, "PEER_RESET"},
		{Observation{Stage: StageStartup, End: EndError, EndDetail: "bad record MAC"}, "PROTOCOL_VIOLATION"},
		{Observation{Stage: StageStartup, End: EndAlert, Alert: 116, ClientCertificateRequired: true},
			"TLS_CLIENT_CERTIFICATE_REQUIRED"},
		{Observation{Stage: StageStartup, End: EndAlert, Alert: 80}, "TLS_HANDSHAKE"},
		{Observation{Stage: StageAuthentication, Stopped: StopPasswordNever}, ""},
		{Observation{Stage: StageReady, QueryError: &ServerError{SQLState: "57P01"}, End: EndClosed}, "SERVER_SHUTTING_DOWN"},
		{Observation{Stage: StageSession, QueryError: &ServerError{SQLState: "42883"}}, ""},
		{Observation{Stage: StageSession, InRecovery: &recovering}, "SERVER_STANDBY"},
		{Observation{Stage: StageReady, Farewell: &ServerError{SQLState: "57P02"}, End: EndClosed}, "SERVER_RECOVERING"},
		{Observation{Stage: StageSession, Farewell: &ServerError{SQLState: "57P01"}}, ""},
		{Observation{Stage: StageSession, AuthUsed: MethodTrust, PoolerSigns: []string{"no_backend_key"}},
			"AUTH_TRUST SERVER_POOLER"},
	}
	for _, row := range rows {
		if got := codes(Judge(row.o, Expect{})); got != row.codes {
			t.Errorf("%+v: %q, want %q", row.o, got, row.codes)
		}
	}
}
