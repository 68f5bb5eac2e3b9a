package settings

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

const (
	serviceBus = "Endpoint=sb://sb-example.servicebus.windows.net/" + busKeys
	tables     = "DefaultEndpointsProtocol=https;AccountName=stexample;EndpointSuffix=core.windows.net" + tableKeys
	emulator   = ";UseDevelopmentEmulator=true"
	busKeys    = ";SharedAccessKeyName=all;SharedAccessKey=Zm9vYmFyLXNlY3JldA=="
	tableKeys  = ";AccountKey=dGFibGVzLXNlY3JldA=="
)

type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestNothingSet(t *testing.T) {
	t.Parallel()
	s, err := Parse(env{}.get)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Queue.Missing() || !s.Tables.Missing() || s.QueueName != "check-requests" || s.MaxConcurrentChecks != 512 ||
		s.MaxSockets != 2400 || s.MaxRequestsPerMinute != 3000 ||
		s.ReadinessSchedule != "0 */5 * * * *" || s.Host.InAzure() || s.Allowed.CheckPort(5432) != nil {
		t.Errorf("defaults: %+v", s)
	}
	if got, want := s.Queue.Names(), "CheckQueue or CheckQueue__fullyQualifiedNamespace"; got != want {
		t.Errorf("Names = %q, want %q", got, want)
	}
	if got, want := s.Tables.Names(), "ResultTables or ResultTables__tableServiceUri"; got != want {
		t.Errorf("Names = %q, want %q", got, want)
	}
	if _, err := s.Host.Listen(); err == nil || !strings.Contains(err.Error(), "FUNCTIONS_CUSTOMHANDLER_PORT") {
		t.Errorf("Listen without a port: %v", err)
	}
}

func TestEverythingSet(t *testing.T) {
	t.Parallel()
	s, err := Parse(env{
		"CheckQueue": serviceBus, "ResultTables__tableServiceUri": "https://stexample.table.core.windows.net/",
		"ResultTables__clientId": "0000-1111", "CHECK_QUEUE": "checks", "READINESS_SCHEDULE": "0 0 7 * * Mon-Fri",
		"ALLOWED_TARGETS": "127.0.0.0/8,*.example.com", "ALLOWED_PORTS": "5439", "RESOLVERS": "10.0.0.4:53, [fd00::4]:5353",
		"REPORT_LINK_KEY": " link-key ", "PUBLIC_BASE_URL": "https://app.example.com/", "MAX_CONCURRENT_CHECKS": "4096",
		"MAX_SOCKETS": "600", "MAX_REQUESTS_PER_MINUTE": "10",
		"TICKET_SECRETS": `{"jira": "JIRA_WEBHOOK_SECRET", "generic": "NOT_THERE"}`, "JIRA_WEBHOOK_SECRET": "jira-secret",
		"TICKET_APIS": `{"jira": {"url": "https://x.example.com/jira/", "user": "bot@example.com", "tokenSetting": "JIRA_TOKEN"},
			"servicenow": {"url": "http://127.0.0.1:8080", "tokenSetting": "NOT_THERE", "table": "task", "field": "comments"}}`,
		"JIRA_TOKEN":    "jira-token",
		"TICKET_FIELDS": `{"jira": {"sourceHost": "customfield_10042"}}`, "CALLBACK_SECRET": "callback",
		"ALLOWED_CALLBACKS": "*.Example.com,hooks.example.org,127.0.0.1",
		"WEBSITE_SITE_NAME": "app", "REGION_NAME": "West Europe", "WEBSITE_PRIVATE_IP": "10.1.2.4",
		"FUNCTIONS_CUSTOMHANDLER_PORT": "41327",
	}.get)
	if err != nil {
		t.Fatal(err)
	}
	if s.Queue.ConnectionString.Reveal() != serviceBus ||
		s.Tables.Address != "https://stexample.table.core.windows.net/" ||
		s.Tables.ClientID != "0000-1111" || s.QueueName != "checks" || s.ReadinessSchedule != "0 0 7 * * Mon-Fri" {
		t.Errorf("connections: %+v %+v", s.Queue, s.Tables)
	}
	if s.Allowed.CheckPort(5439) != nil || s.Allowed.CheckPort(5432) == nil {
		t.Error("ALLOWED_PORTS was not taken")
	}
	want := []netip.AddrPort{netip.MustParseAddrPort("10.0.0.4:53"), netip.MustParseAddrPort("[fd00::4]:5353")}
	if !reflect.DeepEqual(s.Resolvers, want) {
		t.Errorf("Resolvers = %v", s.Resolvers)
	}
	if s.ReportLinkKey.Reveal() != "link-key" || s.PublicBaseURL != "https://app.example.com" ||
		s.MaxConcurrentChecks != 4096 || s.MaxSockets != 600 || s.MaxRequestsPerMinute != 10 {
		t.Errorf("links: %q %q %d", s.ReportLinkKey.Reveal(), s.PublicBaseURL, s.MaxConcurrentChecks)
	}
	if got := s.TicketSecrets["jira"]; got.Secret.Reveal() != "jira-secret" || got.Setting != "JIRA_WEBHOOK_SECRET" {
		t.Errorf("TicketSecrets = %+v", s.TicketSecrets)
	}
	if got := s.TicketSecrets["generic"]; !got.Secret.Empty() || got.Setting != "NOT_THERE" {
		t.Errorf("a secret whose setting is missing: %+v", got)
	}
	if got := s.TicketFields[ticket.Jira][ticket.SourceHost]; got != "customfield_10042" {
		t.Errorf("TicketFields = %v", s.TicketFields)
	}
	wantAPIs := map[string]TicketAPI{
		"jira":       {URL: "https://x.example.com/jira", User: "bot@example.com", Setting: "JIRA_TOKEN"},
		"servicenow": {URL: "http://127.0.0.1:8080", Setting: "NOT_THERE", Table: "task", Field: "comments"},
	}
	for system, want := range wantAPIs {
		got := s.TicketAPIs[system]
		want.Token = got.Token
		if got != want {
			t.Errorf("%s: %+v, want %+v", system, got, want)
		}
	}
	if got := s.TicketAPIs["jira"].Token.Reveal(); got != "jira-token" || !s.TicketAPIs["servicenow"].Token.Empty() {
		t.Errorf("tokens: %q", got)
	}
	if want := []string{".example.com", "hooks.example.org", "127.0.0.1"}; !reflect.DeepEqual(s.AllowedCallbacks, want) {
		t.Errorf("AllowedCallbacks = %q, want %q", s.AllowedCallbacks, want)
	}
	if at, err := s.Host.Listen(); at != "127.0.0.1:41327" || err != nil {
		t.Errorf("Listen = %q, %v", at, err)
	}
	if !s.Host.InAzure() || s.Host.Region != "West Europe" || s.Host.PrivateAddress.String() != "10.1.2.4" {
		t.Errorf("Host = %+v", s.Host)
	}
}

// Every wrong setting stops the start with one line that names it.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"ALLOWED_TARGETS":              {"10.0.0.0/33", "10.1.2.3/8", ",", "https://x.example.com"},
		"ALLOWED_PORTS":                {"0", "65536", "postgres", "5440-5432"},
		"RESOLVERS":                    {"10.0.0.4", "dns.example.com:53", "10.0.0.4:0", "10.0.0.4:53 10.0.0.5:53"},
		"MAX_CONCURRENT_CHECKS":        {"0", "-1", "4097", "many", "1.5"},
		"FUNCTIONS_CUSTOMHANDLER_PORT": {"0", "65536", "http", "127.0.0.1:80"},
		"CHECK_QUEUE":                  {"check requests", "-x", strings.Repeat("q", 261)},
		"READINESS_SCHEDULE": {"*/5 * * * *", "0 */5 * * * $", "hourly", "0 60 * * * *", "0 0 24 * * *", "0 0 7 * * 7",
			"a b c d e f"},
		"PUBLIC_BASE_URL": {"app.example.com", "ftp://x.example.com", "https://u:p@x.example.com",
			"https://x.example.com?code=k"},
		"TICKET_SECRETS": {"JIRA_WEBHOOK_SECRET", `{"jira": 1}`, `{"redmine": "X"}`,
			`{"jira": "s3cr3t!"}`, `{"jira": ""}`},
		"TICKET_FIELDS": {"[]", "null", "{", `{"a": "b"}`, `{"generic": {}}`, `{"jira": {"sourcehost": "customfield_1"}}`,
			`{"jira": {"route": ""}}`, `{"servicenow": {"mode": "u_x", "depth": "u_x"}}`},
		"TICKET_APIS": {"[]", "{", `{"generic": {"url": "https://x.example.com", "tokenSetting": "X"}}`,
			`{"jira": {"url": "http://x.example.com", "tokenSetting": "X"}}`,
			`{"jira": {"url": "https://u:p@x.example.com", "tokenSetting": "X"}}`,
			`{"jira": {"url": "https://x.example.com", "tokenSetting": "s3cr3t!"}}`,
			`{"jira": {"url": "https://x.example.com"}}`, `{"jira": {"url": "x", "tokenSetting": "X"}}`,
			`{"jira": {"url": "https://x.example.com", "token": "s3cr3t!"}}`,
			`{"jira": {"url": "https://x.example.com", "tokenSetting": "X", "table": "incident"}}`,
			`{"servicenow": {"url": "https://x.example.com", "tokenSetting": "X", "table": "../x"}}`,
			`{"servicenow": {"url": "https://x.example.com", "tokenSetting": "X", "field": "state"}}`},
		"ALLOWED_CALLBACKS":                   {"https://x.example.com", "*", "a b.example.com"},
		"CheckQueue__fullyQualifiedNamespace": {"sb://x.servicebus.windows.net", "x", serviceBus},
		"ResultTables__tableServiceUri": {
			"http://st.table.core.windows.net", "st.table.core.windows.net", "https://st.example.com/?sv=1&sig=abc",
		},
		"CheckQueue": {
			"nonsense", "SharedAccessKey=x", "Endpoint=sb://;SharedAccessKey=x", "Endpoint=sb://localhost",
			"Endpoint=http://x.servicebus.windows.net/" + busKeys, serviceBus + emulator, serviceBus +
				";UseDevelopmentEmulator=1",
			"Endpoint=sb://10.0.0.9" + busKeys + emulator, "Endpoint=sb://localhost.example.com" + busKeys + emulator,
			"Endpoint=sb://127.0.0.1" + busKeys + emulator + ";endpoint=sb://10.0.0.9",
		},
		"ResultTables": {
			"nonsense", "AccountName=st", "DefaultEndpointsProtocol=http;AccountName=st" + tableKeys,
			"AccountName=st;TableEndpoint=http://10.0.0.9:10002/st" + tableKeys,
			"AccountName=devstoreaccount1;TableEndpoint=https://10.0.0.9:10002/devstoreaccount1" + tableKeys,
			"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://10.0.0.9",
			"AccountName=st;TableEndpoint=10.0.0.9" + tableKeys,
			"AccountName=st;TableEndpoint=http://10.0.0.9;tableendpoint=http://127.0.0.1" + tableKeys,
		},
	}
	for name, values := range tests {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Parallel()
				_, err := Parse(env{name: value}.get)
				if err == nil {
					t.Fatal("taken")
				}
				if text := err.Error(); !strings.HasPrefix(text, "setting "+name+": ") || strings.ContainsAny(text, "\r\n") {
					t.Errorf("error is not one line that names the setting: %q", text)
				}
				for _, leak := range []string{"Zm9v", "dGFib", "s3cr3t", "sig=", "u:p", "code=k"} {
					if strings.Contains(err.Error(), leak) {
						t.Errorf("error shows a secret: %s", err)
					}
				}
			})
		}
	}
}

func TestLoopbackEmulators(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"CheckQueue": {
			"Endpoint=sb://localhost" + busKeys + emulator + ";", "Endpoint=sb://127.0.0.1:5673" + busKeys + emulator,
			"Endpoint=sb://[::1]:5673/" + busKeys + emulator, serviceBus, serviceBus + ";EntityPath=check-requests",
		},
		"ResultTables": {
			"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1" +
				tableKeys,
			"UseDevelopmentStorage=true", tables, "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.2",
		},
		"ResultTables__tableServiceUri": {"http://127.0.0.1:10002/devstoreaccount1"},
	}
	for name, values := range tests {
		for _, value := range values {
			if _, err := Parse(env{name: value}.get); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDevelopmentStorageIsWrittenInFull(t *testing.T) {
	t.Parallel()
	s, err := Parse(env{"ResultTables": "UseDevelopmentStorage=true"}.get)
	if err != nil {
		t.Fatal(err)
	}
	want := "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
	if got := s.Tables.ConnectionString.Reveal(); !strings.Contains(got, want) || strings.Contains(got, "UseDev") {
		t.Errorf("connection string %q has no %s", got, want)
	}
}

// A reference that Key Vault did not answer is no secret and no connection string.
func TestUnresolvedKeyVaultReferences(t *testing.T) {
	t.Parallel()
	const reference = "@Microsoft.KeyVault(SecretUri=https://kv-example.vault.azure.net/secrets/x)"
	s, err := Parse(env{
		"CheckQueue": reference, "REPORT_LINK_KEY": reference, "TICKET_SECRETS": `{"jira": "J"}`, "J": reference,
	}.get)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Queue.Missing() || !s.ReportLinkKey.Empty() || !s.TicketSecrets["jira"].Secret.Empty() {
		t.Error("a reference was taken for a value")
	}
	if want := []string{"CheckQueue", "REPORT_LINK_KEY", "J"}; !reflect.DeepEqual(s.Unresolved, want) {
		t.Errorf("Unresolved = %q, want %q", s.Unresolved, want)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	secrets := env{
		"CheckQueue": serviceBus, "ResultTables": tables, "REPORT_LINK_KEY": "link-key", "CALLBACK_SECRET": "callback-key",
		"J": "jira-secret", "API": "api-token",
	}
	settings := maps.Clone(secrets)
	settings["TICKET_APIS"] = `{"jira": {"url": "https://x.example.com", "tokenSetting": "API"}}`
	settings["TICKET_SECRETS"] = `{"jira": "J"}`
	s, err := Parse(settings.get)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v", s, s, s)
	for _, value := range []string{"Zm9vYmFyLXNlY3JldA", "dGFibGVzLXNlY3JldA", "link-key", "callback-key", "jira-secret",
		"api-token"} {
		if strings.Contains(printed, value) {
			t.Errorf("settings print %s", value)
		}
	}
	known := map[string]bool{}
	for _, value := range s.Secrets() {
		known[value.Reveal()] = true
	}
	for name, value := range secrets {
		if !known[value] {
			t.Errorf("Secrets misses %s", name)
		}
	}
	for _, key := range []string{"Zm9vYmFyLXNlY3JldA==", "dGFibGVzLXNlY3JldA=="} {
		if !known[key] {
			t.Errorf("Secrets misses the key within a connection string")
		}
	}
}
