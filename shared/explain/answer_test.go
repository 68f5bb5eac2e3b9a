package explain

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

func catalogue(t testing.TB) *catalog.Catalog {
	t.Helper()
	words, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// holes are what a sentence looks like where a value was missing.
var holes = regexp.MustCompile(`<no value>|<nil>|\{\{|  | \(\)| \.( |$)|[ =]''( |;|$)|""| , |: \.|\b0 ms|\b0 s\b| 0\.0|until \.|` +
	`on \.$|^\.|\[\]`)

func TestAnswersHaveNoHoles(t *testing.T) {
	t.Parallel()
	words := catalogue(t)
	for _, p := range corpus(t) {
		answer, err := Explain(p.text).Answer(words)
		if err != nil {
			t.Fatalf("%s, %s: %v", p.id, p.from, err)
		}
		if answer.Findings == nil || answer.Ask == nil || answer.Recognised && len(answer.Findings)+len(answer.Ask) == 0 {
			t.Errorf("%s, %s: %+v", p.id, p.from, answer)
		}
		for _, f := range answer.Findings {
			for _, text := range texts(f) {
				if found := holes.FindString(text); found != "" {
					t.Errorf("%s, %s: %s: %q in %q", p.id, p.from, f.Code, found, text)
				}
			}
		}
	}
}

func texts(f report.Finding) []string {
	out := []string{f.Title, f.Detail}
	for _, c := range f.Causes {
		out = append(out, c.Text, c.Confirm)
	}
	for _, r := range f.Remedy {
		out = append(out, r.Text, r.Command)
	}
	return out
}

// Where the text does not decide, no cause is chosen, and no remedy of one of them is given.
func TestOneOfNamesAll(t *testing.T) {
	t.Parallel()
	answer, err := Explain("psql: error: timeout expired").Answer(catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	f := answer.Findings[0]
	if !strings.HasPrefix(f.Title, "One of: ") || len(f.Causes) != 4 || len(f.Remedy) != 1 || len(answer.Ask) == 0 {
		t.Errorf("%+v", f)
	}
}

func TestNamesOfTheTextStandInCommands(t *testing.T) {
	t.Parallel()
	answer, err := Explain(`psql: error: connection to server at "orders.postgres.database.azure.com" (20.1.2.3), ` +
		`port 5432 failed: FATAL:  no pg_hba.conf entry for host "203.0.113.7", user "migrator", database "orders", SSL encryption`).
		Answer(catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, r := range answer.Findings[0].Remedy {
		commands = append(commands, r.Command)
	}
	want := "az postgres flexible-server firewall-rule create -g RESOURCE_GROUP -n orders -r migration " +
		"--start-ip-address 203.0.113.7"
	if !strings.Contains(strings.Join(commands, "\n"), want) {
		t.Errorf("commands %q", commands)
	}
}

// A code that the catalogue has no words for is answered all the same.
func TestCodeWithoutWords(t *testing.T) {
	t.Parallel()
	f := finding.Finding{Code: "PRE_NOT_THOUGHT_OF", Layer: finding.Prerequisites,
		Args: finding.Args{"message": "the text"}}
	answer, err := Result{Findings: []finding.Finding{f}, Recognised: true}.Answer(catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	got := answer.Findings[0]
	if got.Code != f.Code || got.Title == "" || got.Detail != "the text" || got.Severity != finding.Failed ||
		got.Args == nil {
		t.Errorf("%+v", got)
	}
}

// Every question and every row with words of its own is used by a text of the corpus.
func TestEveryQuestionIsAsked(t *testing.T) {
	t.Parallel()
	asked, words := map[string]bool{}, catalogue(t)
	for _, p := range corpus(t) {
		for _, name := range Explain(p.text).Ask {
			asked[name] = true
		}
	}
	for _, name := range []string{askEndpoint, askWholeText, askInnerText, askSQLState, askDNSAnswer, askIntegration,
		askTCPOrSilence, askStage, askFirstBytes, askIdle, askCertificate, askPassword, askReachability, askFirstAttempt,
		askToken, askDate, askServerLog, askSupport, askCutover, askPasswordAt} {
		if !asked[name] {
			t.Errorf("nothing asks %s", name)
		}
		if _, err := words.Ask(name, facts(finding.Finding{})); err != nil {
			t.Error(err)
		}
	}
}
