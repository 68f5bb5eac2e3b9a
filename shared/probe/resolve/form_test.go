package resolve

import (
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	label63, label64 := strings.Repeat("a", 63), strings.Repeat("a", 64)
	for _, c := range []struct {
		given      string
		form       Form
		suggestion string
	}{
		{"db.example.com", FormName, ""},
		{"db.example.com.", FormName, ""},
		{"localhost", FormName, ""},
		{"pg_primary.corp", FormName, ""},
		{"xn--bcher-kva.example", FormName, ""},
		{"1.db.example.com", FormName, ""},
		{label63 + ".example", FormName, ""},
		{"10.0.0.4", FormAddress, ""},
		{"::1", FormAddress, ""},
		{"fe80::1%eth0", FormAddress, ""},
		{"", FormEmpty, ""},
		{" \t", FormEmpty, ""},
		{"db.example.com ", FormSpace, "db.example.com"},
		{"\u00a010.0.0.4\n", FormSpace, "10.0.0.4"},
		{"db example", FormSpace, ""},
		{"postgres://db.example.com/orders", FormURL, "db.example.com"},
		{"postgresql://u:pw@db.example.com:5432/orders?sslmode=require", FormURL, "db.example.com"},
		{"https://[2001:db8::1]:5432/", FormURL, "2001:db8::1"},
		{"postgres://u:p@ss@db.example.com/orders", FormURL, ""},
		{"postgres://u:p?ss@db.example.com/orders", FormURL, ""},
		{"postgres://db.example.com/orders?password=geh@heim", FormURL, ""},
		{"db.example.com/orders", FormURL, "db.example.com"},
		{"db.example.com:5432/orders", FormURL, "db.example.com"},
		{"host=db.example.com user=u password=secret", FormConnectionString, "db.example.com"},
		{"Server=db.example.com;Port=5432;Password=secret", FormConnectionString, "db.example.com"},
		{"user=u password=secret", FormConnectionString, ""},
		{"migrator@db.example.com", FormUserAtHost, "db.example.com"},
		{"a@b@db.example.com", FormUserAtHost, ""},
		{"db.example.com:5432", FormHostPort, "db.example.com"},
		{"10.0.0.4:5432", FormHostPort, "10.0.0.4"},
		{"[2001:db8::1]:5432", FormHostPort, "2001:db8::1"},
		{"[2001:db8::1]", FormBrackets, "2001:db8::1"},
		{"[2001:db8::1", FormCharacter, ""},
		{"my-project:europe-west1:orders", FormInstance, ""},
		{"example.com:my-project:us-central1:orders", FormInstance, ""},
		{"/cloudsql/my-project:europe-west1:orders", FormInstance, ""},
		{"/var/run/postgresql", FormSocket, ""},
		{"a.example.com, b.example.com", FormList, "a.example.com"},
		{"10.0.0.0/24", FormRange, ""},
		{"10.0.0.4/32", FormRange, "10.0.0.4"},
		{"10.0.0.256", FormBadAddress, ""},
		{"10.0.4", FormBadAddress, ""},
		{"fe80:::1", FormBadAddress, ""},
		{"bücher.example", FormNotASCII, ""},
		{"db\u200b.example", FormNotASCII, ""},
		{"db..example", FormEmptyLabel, ""},
		{".example", FormEmptyLabel, ""},
		{".", FormEmptyLabel, ""},
		{"db.example..", FormEmptyLabel, ""},
		{label64 + ".example", FormLabelTooLong, ""},
		{strings.Repeat("abcdefg.", 40) + "example", FormNameTooLong, ""},
		{"*.example.com", FormCharacter, ""},
		{`SERVER\INSTANCE`, FormCharacter, ""},
		{"db:primary", FormCharacter, ""},
		{"db.example.com:99999", FormCharacter, ""},
		{"a:-:b", FormCharacter, ""},
		{"::::", FormBadAddress, ""},
	} {
		form, suggestion := classify(c.given)
		if form != c.form || suggestion != c.suggestion {
			t.Errorf("classify(%q) = %s, %q; want %s, %q", c.given, form, suggestion, c.form, c.suggestion)
		}
	}
}

func TestSecretsInTheHostFieldAreNotShown(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"postgres://u:geheim@db.example.com/orders", "postgres://u:ge@heim@db.example.com", "u:geheim@db.example.com",
		"host=db.example.com password=geheim", "jdbc:postgresql://db.example.com/o?user=u&password=geheim",
		"postgres://u:ge?heim@db.example.com", "postgres://u:ge/heim@db.example.com", "postgres://u:ge#heim@x",
		" postgres://u:geheim@db.example.com", "Server=db;Password=geheim", "u:geheim@",
	} {
		o := describe(given)
		if strings.Contains(o.Name+o.Suggestion, "heim") || o.Form == FormName {
			t.Errorf("describe(%q) = %s %q, suggestion %q", given, o.Form, o.Name, o.Suggestion)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got := printable("a\x1b[31m\r\nb\xff", 10); got != "a?[31m??b?" {
		t.Errorf("printable = %q", got)
	}
	if got := printable("äöü", 2); got != "äö" {
		t.Errorf("printable = %q", got)
	}
}

func FuzzClassify(f *testing.F) {
	for _, seed := range []string{"db.example.com", "[::1]:5432", "a:b-1:c", "postgres://u@h:1/d", "host=x", "1.2.3.4/8"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		o := describe(given)
		if form, _ := classify(o.Suggestion); o.Suggestion != "" && form != FormName && form != FormAddress {
			t.Errorf("describe(%q) suggests %q, a %s", given, o.Suggestion, form)
		}
	})
}
