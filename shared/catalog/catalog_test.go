package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

func load(t *testing.T) *Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryCodeHasWords(t *testing.T) {
	c := load(t)
	for _, code := range finding.Codes() {
		if _, ok := c.Entry(code); !ok {
			t.Errorf("%s has no words", code)
		}
	}
	for _, code := range c.Codes() {
		if !slices.Contains(finding.Codes(), code) {
			t.Errorf("%s has words but is no code", code)
		}
	}
}

func TestCodesAreUnique(t *testing.T) {
	seen := map[finding.Code]bool{}
	for _, code := range finding.Codes() {
		if seen[code] {
			t.Errorf("%s stands twice", code)
		}
		seen[code] = true
	}
}

func TestEntriesAreComplete(t *testing.T) {
	owners := []report.Owner{report.Requester, report.SourceDBA, report.TargetDBA, report.SourceNetwork,
		report.AzureNetwork, report.DNSAdmin, report.IdentityAdmin, report.Operator}
	severities := []finding.Severity{finding.Failed, finding.Warned, finding.Info}
	c := load(t)
	for _, code := range c.Codes() {
		e, _ := c.Entry(code)
		for name, missing := range map[string]bool{
			"title": e.Title == "", "headline": e.Headline == "", "detail": e.Detail == "",
			"owner":    !slices.Contains(owners, e.Owner),
			"severity": !slices.Contains(severities, e.Severity),
			"advisory": e.Advisory != "" && !slices.Contains(severities, e.Advisory),
			"docs":     e.Docs != "" && !strings.HasPrefix(e.Docs, "https://"),
			"remedy":   e.Severity == finding.Failed && len(e.Remedy) == 0 && code != finding.ServerError,
		} {
			if missing {
				t.Errorf("%s: %s is missing or wrong", code, name)
			}
		}
		for leg, owner := range e.Owners {
			if !slices.Contains(owners, owner) || !slices.Contains([]string{"source", "target", "runtime"}, leg) {
				t.Errorf("%s: owner %q of leg %q", code, owner, leg)
			}
		}
		for _, cause := range e.Causes {
			if !slices.Contains([]string{"certain", "likely", "possible", "unlikely"}, cause.Likelihood) {
				t.Errorf("%s: cause %q is %q", code, cause.Text, cause.Likelihood)
			}
		}
	}
}

// every combination that a when can ask for
func situations() []Facts {
	var out []Facts
	for _, kind := range []string{"", "on_premises", "amazon_rds", "google_cloud_sql", "azure_vm", "azure_single_server"} {
		for _, host := range []string{"", "azure", "rds", "address"} {
			for _, leg := range []string{"source", "target"} {
				out = append(out, Facts{"leg": leg, "kind": kind, "hostKind": host, "host": "db.example", "port": 5432,
					"endpoint": "db.example:5432", "access": "private", "user": "migrator", "database": "orders"})
			}
		}
	}
	return out
}

func TestEveryTextCanBeFilledIn(t *testing.T) {
	c := load(t)
	for _, code := range c.Codes() {
		e, _ := c.Entry(code)
		full := finding.Args{}
		for _, name := range e.Args {
			full[name] = "seen"
		}
		for _, name := range []string{"addresses", "chain", "servers", "names", "works", "fails", "outcomes", "answers", "methods", "extendedErrors", "unusable", "oneOf", "signs", "first", "owners", "inactive", "why", "rules"} {
			if _, ok := full[name]; ok {
				full[name] = []string{"one", "two"}
			}
		}
		for _, args := range []finding.Args{nil, full} {
			for _, facts := range append(situations(), Facts{}) {
				checkWords(t, c, finding.Finding{Code: code, Layer: finding.Connect, Leg: "source", Args: args}, facts)
			}
		}
	}
}

func checkWords(t *testing.T, c *Catalog, f finding.Finding, facts Facts) {
	t.Helper()
	worded, err := c.Word(f, facts)
	if err != nil {
		t.Fatal(err)
	}
	headline, err := c.Headline(f, facts)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{worded.Title, worded.Detail, headline}
	for _, cause := range worded.Causes {
		texts = append(texts, cause.Text, cause.Confirm)
	}
	for _, r := range worded.Remedy {
		texts = append(texts, r.Text, r.Command)
	}
	for _, text := range texts {
		if strings.Contains(text, "<no value>") || strings.Contains(text, "<nil>") || strings.Contains(text, "{{") {
			t.Errorf("%s: %q", f.Code, text)
		}
	}
}

func TestUnknownNameInATextIsAnError(t *testing.T) {
	w := (&Catalog{}).writer(map[string]any{"host": "db"})
	if got := w.text("{{.hots}}"); w.err == nil {
		t.Errorf("filled in as %q", got)
	}
}

func TestShellValuesAreQuoted(t *testing.T) {
	for hostile, want := range map[string]string{
		"plain.example":       "echo plain.example",
		"":                    "echo ''",
		"a b":                 "echo 'a b'",
		"$(reboot)":           "echo '$(reboot)'",
		"it's; rm -rf / #":    `echo 'it'\''s; rm -rf / #'`,
		"line\nbreak":         "echo 'line\nbreak'",
		"migrator@server/pg1": "echo migrator@server/pg1",
	} {
		w := (&Catalog{}).writer(map[string]any{"v": hostile})
		if got := w.shell("echo {{.v}}"); got != want || w.err != nil {
			t.Errorf("%q became %q (%v), want %q", hostile, got, w.err, want)
		}
	}
}

func TestSQLValuesMustBeQuoted(t *testing.T) {
	w := (&Catalog{}).writer(map[string]any{"user": `o"brien`, "name": "o'brien"})
	want := `ALTER ROLE "o""brien" PASSWORD 'o''brien';`
	if got := w.sql(`ALTER ROLE {{.user | ident}} PASSWORD {{literal .name}};`); got != want || w.err != nil {
		t.Errorf("got %q, %v", got, w.err)
	}
	if w.sql(`ALTER ROLE {{.user}};`); w.err == nil {
		t.Error("an unquoted value in SQL was accepted")
	}
}

func TestCausesFollowTheSituation(t *testing.T) {
	c := load(t)
	f := finding.Finding{Code: finding.TCPTimeout, Layer: finding.Connect, Leg: "source", Args: finding.Args{"elapsedMs": 5000.0}}
	rds, err := c.Word(f, Facts{"kind": "amazon_rds", "hostKind": "rds", "access": "private", "port": 5432, "vantage": "10.1.2.4"})
	if err != nil {
		t.Fatal(err)
	}
	if len(rds.Causes) == 0 || !strings.Contains(rds.Causes[0].Text, "security group") {
		t.Errorf("first cause for RDS: %+v", rds.Causes)
	}
	if !strings.Contains(rds.Remedy[0].Command, "--cidr 10.1.2.4/32") {
		t.Errorf("first remedy for RDS: %+v", rds.Remedy[0])
	}
	endpoint, err := c.Word(f, Facts{"kind": "", "hostKind": "azure", "access": "private_endpoint", "port": 5432})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(endpoint.Causes[0].Text, "not approved") {
		t.Errorf("first cause for a private endpoint: %+v", endpoint.Causes)
	}
}

func TestAdvisoryIsMilder(t *testing.T) {
	c := load(t)
	f := finding.Finding{Code: finding.TLSUntrusted}
	if got := c.SeverityOf(f); got != finding.Failed {
		t.Errorf("demanded: %s", got)
	}
	f.Advisory = true
	if got := c.SeverityOf(f); got != finding.Warned {
		t.Errorf("advisory: %s", got)
	}
}
