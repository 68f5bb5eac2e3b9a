package ticket

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const key = "It's a Secret to Everybody"

func mac(text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

// The example of Atlassian's own document.
func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	d := delivery(Jira, []byte("Hello World!"), "X-Hub-Signature",
		"sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")
	if err := d.Verify(secret.New(key)); err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	m := hmac.New(sha1.New, []byte(key))
	m.Write([]byte("{}"))
	stamped := func(stamp string) []string {
		return []string{"X-Timestamp", stamp, "X-Signature-256", "sha256=" + mac(stamp+".{}")}
	}
	for _, c := range []struct {
		name    string
		system  System
		headers []string
		holds   bool
	}{
		{"jira", Jira, []string{"X-Hub-Signature", "sha256=" + mac("{}")}, true},
		{"jira, upper case", Jira, []string{"X-Hub-Signature", "sha256=" + strings.ToUpper(mac("{}"))}, true},
		{"jira, another body", Jira, []string{"X-Hub-Signature", "sha256=" + mac("{} ")}, false},
		{"jira, without method", Jira, []string{"X-Hub-Signature", mac("{}")}, false},
		{"jira, sha1", Jira, []string{"X-Hub-Signature", "sha1=" + hex.EncodeToString(m.Sum(nil))}, false},
		{"jira, cut", Jira, []string{"X-Hub-Signature", "sha256=" + mac("{}")[:32]}, false},
		{"jira, empty", Jira, []string{"X-Hub-Signature", "sha256="}, false},
		{"jira, twice", Jira, []string{"X-Hub-Signature", "sha256=" + mac("{}"), "X-Hub-Signature", "x"}, false},
		{"jira, none", Jira, nil, false},
		{"jira by another system's", Jira, []string{"Authorization", "Bearer " + key}, false},
		{"servicenow", ServiceNow, []string{"Authorization", "Bearer " + key}, true},
		{"servicenow, lower case", ServiceNow, []string{"Authorization", "bearer " + key}, true},
		{"servicenow, basic", ServiceNow, []string{"Authorization", basic("anybody:" + key)}, true},
		{"servicenow, token as user", ServiceNow, []string{"Authorization", basic(key + ":")}, false},
		{"servicenow, no base64", ServiceNow, []string{"Authorization", "Basic " + key}, false},
		{"servicenow, another token", ServiceNow, []string{"Authorization", "Bearer " + key + "x"}, false},
		{"servicenow, empty", ServiceNow, []string{"Authorization", "Bearer "}, false},
		{"servicenow, another scheme", ServiceNow, []string{"Authorization", "Digest " + key}, false},
		{"generic", Generic, stamped("1795330800"), true},
		{"generic, five minutes old", Generic, stamped("1795330500"), true},
		{"generic, older", Generic, stamped("1795330499"), false},
		{"generic, five minutes ahead", Generic, stamped("1795331100"), true},
		{"generic, further ahead", Generic, stamped("1795331101"), false},
		{"generic, far away", Generic, stamped("-9223372036854775808"), false},
		{"generic, no time", Generic, stamped("now"), false},
		{"generic, stamp not signed", Generic, []string{"X-Timestamp", "1795330800", "X-Signature-256", "sha256=" +
			mac("{}")}, false},
		{"generic, another stamp signed", Generic, append([]string{"X-Timestamp", "1795330801"},
			stamped("1795330800")[2:]...), false},
		{"unknown", "redmine", []string{"Authorization", "Bearer " + key}, false},
	} {
		d := delivery(c.system, []byte("{}"), c.headers...)
		if got := d.Verify(secret.New(key)) == nil; got != c.holds || c.holds && !d.Offered() {
			t.Errorf("%s: %v", c.name, got)
		}
		if d.Verify(secret.New("")) == nil || d.Verify(secret.String{}) == nil || d.Verify(secret.New("another")) == nil {
			t.Errorf("%s holds for another secret", c.name)
		}
	}
	if delivery("redmine", nil, "", "x").Offered() || delivery(Jira, nil, "Authorization", "x").Offered() {
		t.Error("a proof that is none is taken for one")
	}
}

// An empty token is none, also where the secret is empty.
func TestNoSecretNoProof(t *testing.T) {
	t.Parallel()
	if delivery(ServiceNow, nil, "Authorization", "Bearer ").Verify(secret.New("")) == nil {
		t.Error("nothing proves something")
	}
}
