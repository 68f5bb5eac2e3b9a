package request_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// planted is what must never come out again. It has a character that no echoed field name has.
const planted = "Hunter2!"

func TestInlineSecrets(t *testing.T) {
	t.Parallel()
	const token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJS.eyJhdWQiOiJodHRwczovL29zc3JkYm1z.Hunter2!"
	tests := []struct{ path, value, field string }{
		{"password", quoted(planted), "password"},
		{"password", "null", "password"},
		{"password", `""`, "password"},
		{"password", `{"value":"` + planted + `"}`, "password"},
		{"PassWord", quoted(planted), "PassWord"},
		{"source.password", quoted(planted), "source.password"},
		{"source.dbPassword", quoted(planted), "source.dbPassword"},
		{"source.PGPASSWORD", quoted(planted), "source.PGPASSWORD"},
		{"source.tls.sslpassword", quoted(planted), "source.tls.sslpassword"},
		{"source.tls.ssl_password", quoted(planted), "source.tls.ssl_password"},
		{"source.credential.pwd", quoted(planted), "source.credential.pwd"},
		{"source.credential.passwd", quoted(planted), "source.credential.passwd"},
		{"source.credential.secret", quoted(planted), "source.credential.secret"},
		{"source.credential.token", quoted(planted), "source.credential.token"},
		{"source.credential.access-token", quoted(planted), "source.credential.?"},
		{"source.credential.accessToken", quoted(planted), "source.credential.accessToken"},
		{"target.connectionString", quoted(planted), "target.connectionString"},
		{"any.depth.of.password", quoted(planted), "any.depth.of.password"},
		{"list", `[1,{"password":"` + planted + `"}]`, "list[1].password"},
		{"source.credential.password=" + planted, "true", "source.credential.?"},
		{"source.host", quoted("postgres://u:" + planted + "@db.example.com/orders"), "source.host"},
		{"source.host", quoted("postgres://u:a/b?c#" + planted + "@db.example.com"), "source.host"},
		{"source.host", quoted("u:" + planted + "@db.example.com"), "source.host"},
		{"source.address", quoted("u:" + planted + "@db.example.com"), "source.address"},
		{"source.user", quoted("u:" + planted + "@db.example.com"), "source.user"},
		{"source.databases", `["a","u:` + planted + `@db.example.com/orders"]`, "source.databases[1]"},
		{"source.host", quoted("host=db password=" + planted), "source.host"},
		{"source.host", quoted("jdbc:postgresql://db/orders?user=u&password=" + planted), "source.host"},
		{"source.host", quoted("Server=db;Pwd=" + planted), "source.host"},
		{"source.user", quoted(`{"password": "` + planted + `"}`), "source.user"},
		{"source.databases", `["a","postgresql://u:my ` + planted + `@h/d"]`, "source.databases[1]"},
		{"source.credential.setting", quoted("PASSWORD = " + planted), "source.credential.setting"},
		{"source.credential.setting", quoted(token), "source.credential.setting"},
		{"requestedBy", quoted("run by x, password: " + planted), "requestedBy"},
		{"requestedBy", quoted("-----BEGIN RSA PRIVATE KEY-----" + planted), "requestedBy"},
		{"notify.callbackUrl", quoted("https://u:" + planted + "@example.com/x"), "notify.callbackUrl"},
		{"notify.callbackUrl", quoted("https://example.com/x?client_secret=" + planted), "notify.callbackUrl"},
		{"notify.callbackUrl", quoted("https://prod-1.logic.azure.com/workflows/a/run?api-version=1&sp=%2Frun&sig=" + planted), "notify.callbackUrl"},
		{"notify.callbackUrl", quoted("https://app.azurewebsites.net/api/x?code=" + planted), "notify.callbackUrl"},
		{"notify.callbackUrl", quoted("https://example.com/x?Ocp-Apim-Subscription-Key=" + planted), "notify.callbackUrl"},
		{"requestedBy", quoted("see https://example.com/x?a=1&token=" + planted), "requestedBy"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.value, func(t *testing.T) {
			t.Parallel()
			plain := with(t, sample, test.path, test.value)
			encoded := base64.StdEncoding.EncodeToString([]byte(plain))
			for name, body := range map[string]string{
				"plain":                   plain,
				"and wrong in other ways": strings.Replace(plain, `"version":1`, `"version":7`, 1),
				"CloudEvents in base64":   `{"specversion":"1.0","data_base64":"` + encoded + `"}`,
			} {
				got := problem(t, body, "")
				if got.Code != finding.RequestSecretInline || got.Field != test.field {
					t.Errorf("%s: got %+v, want a secret in %s", name, got, test.field)
				}
				wantNoSecret(t, got)
			}
		})
	}
}

func TestSecretOutranksOtherFaults(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"duplicate before": `{"a":1,"a":2,"password":"` + planted + `"}`,
		"not JSON after":   `{"password":"` + planted + `",,}`,
		"cut off":          `{"password":"` + planted + `","x":`,
		"trailing data":    `{"password":"` + planted + `"} {}`,
		"in the envelope":  `{"specversion":"0.1","password":"` + planted + `"}`,
		"overwritten":      `{"requestedBy":"password=` + planted + `","requestedBy":"me"}`,
		"a list":           `["password=` + planted + `"]`,
	} {
		got := problem(t, body, "")
		if got.Code != finding.RequestSecretInline {
			t.Errorf("%s: got %+v, want a secret", name, got)
		}
		wantNoSecret(t, got)
	}
}

func TestNoSecret(t *testing.T) {
	t.Parallel()
	for path, value := range map[string]string{
		"requestedBy":        `"pipeline:orders@contoso.com for https://dev.example.com:8443/a?mail=a@b"`,
		"notify.callbackUrl": `"https://example.com/secrets/x?mail=a:b@c"`,
		"notify":             `{"callbackUrl":"https://example.com/code=1/x?design=1&zipcode=2&sig="}`,
		"source.user":        `"migrator@contoso.com"`,
		"source.host":        `"postgres://migrator@db.example.com:5432/orders"`,
		"source.databases":   `["passwords","secret","pwd"]`,
		"source.credential":  `{"setting":"ORDERS_PASSWORD"}`,
	} {
		decode(t, with(t, sample, path, value), "")
	}
}

func wantNoSecret(t *testing.T, got *request.Problem) {
	t.Helper()
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw)+got.Error(), planted) {
		t.Errorf("the secret is in %s", raw)
	}
}
