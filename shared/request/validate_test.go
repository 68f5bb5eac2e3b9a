package request_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

func TestRefusedFields(t *testing.T) {
	t.Parallel()
	const vault = "https://kv-1.vault.azure.net/secrets/pw"
	numbered := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("%q", fmt.Sprint("d", i)))
		}
		return "[" + strings.Join(names, ",") + "]"
	}
	// Where field is empty it is the path that was changed.
	tests := []struct{ path, value, field, message string }{
		{"vresion", "1", "", "unknown field; known here: version, id, "},
		{"Version", "1", "", "unknown field"},
		{"source.hots", `"x"`, "", "unknown field; known here: host, port, address"},
		{"source.tls.mdoe", `"x"`, "", "known here: mode, rootsSetting"},
		{"source.credential.vault", `"x"`, "", "known here: setting, keyVaultSecret, entra"},
		{"runtimeServer.hots", `"x"`, "", "unknown field"},
		{"scenario.source.knid", `"x"`, "", "unknown field"},
		{"notify.ticket.key", `"x"`, "", "unknown field"},
		{"source.not a field name", "1", "source.?", "unknown field"},

		{"version", "", "", "required"},
		{"version", "null", "", "required"},
		{"version", "2", "", "must be 1"},
		{"version", `"1"`, "", "must be 1"},
		{"version", "1.5", "", "must be 1"},
		{"id", `"a b"`, "", "1 to 64"},
		{"id", `"a/b"`, "", "1 to 64"},
		{"id", `".."`, "", "1 to 64"},
		{"id", quoted(strings.Repeat("i", 65)), "", "1 to 64"},
		{"id", "1", "", "must be a text, not a number"},
		{"route", `"ö"`, "", "1 to 64"},
		{"wave", "[]", "", "must be a text, not a list"},
		{"mode", `"Online"`, "", "one of offline, online"},
		{"depth", `"deep"`, "", "one of resolve, connect, tls, login, prerequisites"},
		{"timeoutSeconds", "0", "", "whole number from 1 to 120"},
		{"timeoutSeconds", "121", "", "whole number from 1 to 120"},
		{"timeoutSeconds", "1.5", "", "whole number"},
		{"timeoutSeconds", "1e1", "", "whole number"},
		{"timeoutSeconds", `"30"`, "", "not a text"},
		{"serverVantage", `"yes"`, "", "true or false, not a text"},
		{"requestedBy", quoted(strings.Repeat("r", 257)), "", "256 bytes"},
		{"requestedBy", `"a\u0000b"`, "", "printable"},

		{"scenario", `"x"`, "", "must be an object, not a text"},
		{"scenario.source.kind", `"rds"`, "", "one of on_premises, amazon_rds, amazon_aurora, google_cloud_sql"},
		{"scenario.source.access", `"vnet_integrated"`, "", "one of public, private, private_endpoint"},
		{"scenario.target.access", `"private"`, "", "one of public, vnet_integrated, private_endpoint"},
		{"scenario.sameVirtualNetwork", "1", "", "true or false"},

		{"source", "", "", "required"},
		{"source", "null", "", "required"},
		{"source", `"x"`, "", "must be an object"},
		{"target", "", "", "required"},
		{"source.host", "", "", "required"},
		{"source.host", `""`, "", "required"},
		{"target.host", "null", "", "required"},
		{"runtimeServer", "{}", "runtimeServer.host", "required"},
		{"source.host", `" db"`, "", "no spaces"},
		{"source.host", `"d b"`, "", "no spaces"},
		{"source.host", `"db\n"`, "", "no spaces"},
		{"source.host", `"db\u0000"`, "", "control characters"},
		{"source.host", `"db\u200b"`, "", "invisible"},
		{"source.host", `"db\u00a0"`, "", "no spaces"},
		{"source.host", quoted(strings.Repeat("h", 254)), "", "253 characters"},
		{"source.port", "0", "", "whole number from 1 to 65535"},
		{"source.port", "65536", "", "whole number from 1 to 65535"},
		{"source.port", "-1", "", "whole number"},
		{"source.port", "99999999999999999999", "", "whole number"},
		{"source.port", `"5432"`, "", "not a text"},
		{"runtimeServer.port", "5432", "runtimeServer.host", "required"},
		{"source.address", `"10.0.0.300"`, "", "IP address or a host name"},
		{"source.address", `"10.0.0.1:5432"`, "", "IP address or a host name"},
		{"source.address", `"https://x"`, "", "IP address or a host name"},
		{"source.address", `"a..b"`, "", "IP address or a host name"},
		{"source.address", `"-a.example.com"`, "", "IP address or a host name"},
		{"source.address", quoted(strings.Repeat("a.", 127) + "a"), "", "IP address or a host name"},
		{"source.databases", `"orders"`, "", "a list of texts, not a text"},
		{"source.databases", `["a",1]`, "source.databases[1]", "a text, not a number"},
		{"source.databases", `["a",""]`, "source.databases[1]", "1 to 63 bytes"},
		{"source.databases", `["a","b","a"]`, "source.databases[2]", "twice"},
		{"source.databases", `["` + strings.Repeat("ü", 32) + `"]`, "source.databases[0]", "1 to 63 bytes"},
		{"source.databases", `["a\u0000"]`, "source.databases[0]", "control"},
		{"source.databases", numbered(101), "", "at most 100"},
		{"source.databases", "", "", "or ask for depth tls"},
		{"source.databases", "[]", "", "or ask for depth tls"},
		{"source.user", "", "", "or ask for depth tls"},
		{"target.user", `""`, "", "or ask for depth tls"},
		{"source.credential", "", "", "or ask for depth tls"},
		{"target.credential", `{"entra":false}`, "", "or ask for depth tls"},
		{"runtimeServer", `{"host":"r"}`, "runtimeServer.user", "or ask for depth tls"},
		{"runtimeServer", `{"host":"r","user":"u"}`, "runtimeServer.credential", "or ask for depth tls"},
		{"source.user", `"a\u0007b"`, "", "control"},
		{"source.user", quoted(strings.Repeat("u", 257)), "", "256 bytes"},

		{"source.credential", `"x"`, "", "must be an object"},
		{"source.credential", `{"setting":"A","entra":true}`, "", "only one of"},
		{"source.credential", `{"setting":"A","keyVaultSecret":"` + vault + `"}`, "", "only one of"},
		{"source.credential.entra", `"true"`, "", "true or false"},
		{"source.credential.setting", `"a-b"`, "", "name of an app setting"},
		{"source.credential.setting", `"1a"`, "", "name of an app setting"},
		{"source.credential.setting", quoted(strings.Repeat("a", 129)), "", "name of an app setting"},
		{"source.credential.setting", `"REPORT_LINK_KEY"`, "", "setting of pgpreflight"},
		{"source.tls.rootsSetting", `"CALLBACK_SECRET"`, "", "setting of pgpreflight"},
		{"target.tls.mode", `"prefer"`, "", "one of disable, require, verify-ca, verify-full"},
		{"target.tls", `"require"`, "", "must be an object"},

		{"azure.targetResourceId", `"x"`, "", "Azure resource id"},
		{"azure.sourceResourceId", `"/subscriptions/0/resourceGroups/rg"`, "", "Azure resource id"},
		{"azure.runtimeServerResourceId", `"/subscriptions/0/resourceGroups/../providers/a.b/c/d"`, "", "Azure resource id"},
		{"azure.vantageSubnetId", `"/subscriptions/0/resourceGroups/rg/providers/a.b/c/d?x=y"`, "", "Azure resource id"},
		{"azure.vantageSubnetId", `"/subscriptions/0/resourceGroups/rg/providers/a.b/c/.."`, "", "Azure resource id"},
		{"azure.targetResourceId", quoted(group + "Microsoft.DBforPostgreSQL/servers/x"), "", "flexibleServers"},
		{"azure.targetResourceId", quoted(group + "Microsoft.DBforPostgreSQL/flexibleServers/x/databases/y"), "",
			"of type Microsoft.DBforPostgreSQL/flexibleServers"},
		{"azure.runtimeServerResourceId", quoted(group + "Microsoft.Sql/servers/x"), "", "flexibleServers"},
		{"azure.vantageSubnetId", quoted(group + "Microsoft.Network/virtualNetworks/v"), "", "virtualNetworks/subnets"},
		{"azure.sourceResourceId", quoted(group + "Microsoft.KeyVault/vaults/v"), "", "Microsoft.Compute/virtualMachines"},

		{"notify.replyTo", `"a b"`, "", "queue or topic"},
		{"notify.replyTo", `"$management"`, "", "queue or topic"},
		{"notify.replyTo", quoted(strings.Repeat("q", 261)), "", "queue or topic"},
		{"notify.callbackUrl", `"http://example.com/x"`, "", "https"},
		{"notify.callbackUrl", `"http://localhost/x"`, "", "https"},
		{"notify.callbackUrl", `"http://10.0.0.1/x"`, "", "https"},
		{"notify.callbackUrl", `"ftp://127.0.0.1/x"`, "", "https"},
		{"notify.callbackUrl", `"https:///x"`, "", "https"},
		{"notify.callbackUrl", `"https://u@example.com/x"`, "", "without user"},
		{"notify.callbackUrl", `"https://example.com/x#y"`, "", "fragment"},
		{"notify.callbackUrl", `"/x"`, "", "https"},
		{"notify.callbackUrl", quoted("https://example.com/" + strings.Repeat("x", 2048)), "", "https"},
		{"notify.ticket", `{"system":"jira"}`, "", "both"},
		{"notify.ticket", `{"id":"A-1"}`, "", "both"},
		{"notify.ticket.system", `"a b"`, "notify.ticket", "both"},
		{"notify.ticket", `{"system":"a b","id":"1"}`, "notify.ticket.system", "1 to 64"},
		{"notify.ticket", `{"system":"jira","id":"` + strings.Repeat("1", 129) + `"}`, "notify.ticket.id", "128 bytes"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.value[:min(len(test.value), 30)], func(t *testing.T) {
			t.Parallel()
			body := with(t, sample, test.path, test.value)
			got := problem(t, body, "")
			want := test.field
			if want == "" {
				want = test.path
			}
			if got.Code != finding.RequestInvalid || got.Field != want || !strings.Contains(got.Message, test.message) {
				t.Errorf("got %+v, want field %q and %q", got, want, test.message)
			}
			if !strings.Contains(got.Error(), want) {
				t.Errorf("%q does not name the field", got.Error())
			}
		})
	}
}

// group is what stands before the provider in the ids of these tests.
const group = "/subscriptions/0/resourceGroups/rg/providers/"

func TestAcceptedFields(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, value string }{
		{"id", quoted(strings.Repeat("i", 64))},
		{"route", "null"},
		{"mode", `""`},
		{"scenario", "null"},
		{"notify", "null"},
		{"timeoutSeconds", "120"},
		{"source.host", `"project:region:instance"`},
		{"source.host", `"https://db.example.com/path"`},
		{"source.host", `"postgres://migrator@db.example.com/orders"`},
		{"source.host", `"db.example.com:5432"`},
		{"source.host", `"10.1.2.3"`},
		{"source.host", `"fd12::1"`},
		{"source.host", `"[fd12::1]"`},
		{"source.host", `"dätenbank.example"`},
		{"source.host", `"db_1.example.com."`},
		{"source.port", "65535"},
		{"source.address", `"fd12::1"`},
		{"source.address", `"db-1.internal_zone.example.com."`},
		{"source.databases", `["` + strings.Repeat("d", 63) + `","Orders","orders"]`},
		{"target.databases", "null"},
		{"target.user", quoted(strings.Repeat("u", 244) + "@contoso.com")},
		{"source.credential", `{"setting":"AZURE_PG_PASSWORD","keyVaultSecret":"","entra":false}`},
		{"source.credential", `{"keyVaultSecret":"https://kv-1.vault.azure.net/secrets/pw/"}`},
		{"source.tls", "null"},
		{"azure.targetResourceId",
			`"/subscriptions/0-1/resourcegroups/rg.(1)_ü/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"`},
		{"azure.sourceResourceId", quoted(group + "microsoft.dbforpostgresql/Servers/x")},
		{"azure.sourceResourceId", quoted(group + "Microsoft.Compute/virtualMachines/db-1")},
		{"azure.sourceResourceId", quoted(group + "Microsoft.Network/networkInterfaces/db-1-nic")},
		{"azure.sourceResourceId", quoted(group + "Microsoft.Network/privateEndpoints/pe")},
		{"azure.sourceResourceId", quoted(group + "Microsoft.Network/virtualNetworks/v")},
		{"azure.sourceResourceId", quoted(group + "Microsoft.Network/virtualNetworks/v/subnets/s")},
		{"notify.callbackUrl", `"https://example.com:8443/x?y=z"`},
		{"notify.callbackUrl", `"http://127.0.0.1:8080/x"`},
		{"notify.callbackUrl", `"http://[::1]:8080/x"`},
		{"notify.replyTo", `"teams/orders-replies"`},
		{"requestedBy", `"pipeline:orders@contoso.com (Jürgen)"`},
	}
	for _, test := range tests {
		decode(t, with(t, sample, test.path, test.value), "")
	}
}

func TestLoginIsNotAskedForByAShallowDepth(t *testing.T) {
	t.Parallel()
	for _, depth := range []string{"resolve", "connect", "tls"} {
		decode(t, with(t, shallow, "depth", quoted(depth)), "")
	}
	for _, depth := range []string{"login", "prerequisites"} {
		problem(t, with(t, shallow, "depth", quoted(depth)), "")
	}
}

func TestOwnSetting(t *testing.T) {
	t.Parallel()
	for _, own := range []string{
		"REPORT_LINK_KEY", "report_link_key", "CALLBACK_SECRET", "AzureWebJobsStorage", "AzureWebJobsStorage__accountName",
		"CheckQueue", "CheckQueue__clientId", "ResultTables", "APPLICATIONINSIGHTS_CONNECTION_STRING", "WEBSITE_AUTH_SIGNING_KEY",
		"FUNCTIONS_WORKER_RUNTIME", "IDENTITY_HEADER", "MSI_SECRET", "AZURE_CLIENT_SECRET", "TICKET_SECRETS",
		"APPSETTING_REPORT_LINK_KEY", "CUSTOMCONNSTR_CheckQueue", "CONTAINER_ENCRYPTION_KEY", "AZURE_PASSWORD",
	} {
		if !request.OwnSetting(own) {
			t.Errorf("%s may be named by a request", own)
		}
	}
	for _, other := range []string{"ORDERS_SOURCE_PASSWORD", "AZURE_PG_PASSWORD", "PGPASSWORD", "TICKET_DB_PASSWORD"} {
		if request.OwnSetting(other) {
			t.Errorf("%s may not be named by a request", other)
		}
	}
}

func TestParseVaultSecret(t *testing.T) {
	t.Parallel()
	good := map[string]request.VaultSecret{
		"https://kv-1.vault.azure.net/secrets/pw":             {VaultURL: "https://kv-1.vault.azure.net", Name: "pw"},
		"https://KV-1.vault.azure.net/secrets/Pw-1/":          {VaultURL: "https://kv-1.vault.azure.net", Name: "Pw-1"},
		"https://kv-1.vault.azure.cn/secrets/pw/0af":          {VaultURL: "https://kv-1.vault.azure.cn", Name: "pw", Version: "0af"},
		"https://kv-1.vault.usgovcloudapi.net/secrets/pw":     {VaultURL: "https://kv-1.vault.usgovcloudapi.net", Name: "pw"},
		"https://kv-1.vault.microsoftazure.de/secrets/pw/0a/": {VaultURL: "https://kv-1.vault.microsoftazure.de", Name: "pw", Version: "0a"},
	}
	for text, want := range good {
		if got, ok := request.ParseVaultSecret(text); !ok || got != want {
			t.Errorf("%s: got %+v, %t, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "kv-1", "http://kv-1.vault.azure.net/secrets/pw", "https://kv-1.vault.azure.net", "https://vault.azure.net/secrets/pw",
		"https://kv-1.vault.azure.net/keys/pw", "https://kv-1.vault.azure.net/secrets/", "https://kv-1.vault.azure.net/secrets/a/b/c",
		"https://kv-1.vault.azure.net.evil.net/secrets/pw", "https://evil.net/kv-1.vault.azure.net/secrets/pw",
		"https://a.b.vault.azure.net/secrets/pw", "https://kv-1.vault.azure.net:8443/secrets/pw",
		"https://u@kv-1.vault.azure.net/secrets/pw", "https://kv-1.vault.azure.net/secrets/pw?x=y",
		"https://kv-1.vault.azure.net/secrets/pw#x", "https://kv-1.vault.azure.net/secrets/p%2fw",
		"https://kv-1.vault.azure.net/secrets/../keys/pw", "https://127.0.0.1/secrets/pw", "https://kv_1.vault.azure.net/secrets/pw",
	} {
		if got, ok := request.ParseVaultSecret(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
