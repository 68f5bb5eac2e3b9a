package prerequisites

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	asked := map[string]Question{}
	for _, side := range []Side{SideSource, SideTarget} {
		for _, q := range Questions(Target{Side: side, Mode: request.Online}) {
			asked[q.ID] = q
		}
	}
	needed, ruled := map[string]bool{}, map[finding.Code]bool{}
	for _, r := range Rules() {
		ruled[r.Code] = true
		if (r.own == nil) == (r.compare == nil) || (r.Validation == "") != (r.State == "") || len(r.Needs) == 0 {
			t.Errorf("%s: %+v", r.Code, r)
		}
		for _, id := range r.Needs {
			needed[id] = true
			if _, there := asked[id]; !there {
				t.Errorf("%s needs %s, which nobody asks", r.Code, id)
			}
		}
	}
	for id := range asked {
		if !needed[id] {
			t.Errorf("%s is asked for nothing", id)
		}
	}
	for _, code := range finding.Codes() {
		if strings.HasPrefix(string(code), "PRE_") && code != finding.PreNotChecked && !ruled[code] {
			t.Errorf("no rule gives %s", code)
		}
	}
}

// A question is one statement that reads, and says how much it may bring.
func TestQuestionsAreSingleReads(t *testing.T) {
	t.Parallel()
	hostile := []string{"orders", `x'); drop table t; --`, `back\slash'`, "Ünï"}
	for _, side := range []Side{SideSource, SideTarget} {
		for _, q := range Questions(Target{Side: side, Mode: request.Online, Databases: hostile}) {
			if strings.Contains(q.SQL, ";") || strings.Contains(q.SQL, `\`) || strings.Contains(q.SQL, "--") {
				t.Errorf("%s: %s", q.ID, q.SQL)
			}
			if !strings.HasPrefix(q.SQL, "select ") && !strings.HasPrefix(q.SQL, "with ") {
				t.Errorf("%s begins %.20s", q.ID, q.SQL)
			}
			if len(q.SQL) > 2048 {
				t.Errorf("%s is %d bytes long", q.ID, len(q.SQL))
			}
		}
	}
	for _, q := range Questions(Target{Side: SideSource, Mode: request.Online, DatabaseOnly: true}) {
		if q.Scope != PerDatabase {
			t.Errorf("%s is asked on every connection", q.ID)
		}
	}
	if got := literals(nil); got != "null" {
		t.Error(got)
	}
	if got := literals(make([]string, 500)); strings.Count(got, "''") != maxDatabases {
		t.Error(len(got))
	}
}

func TestTextIsFitForALog(t *testing.T) {
	t.Parallel()
	source := healthySource()
	source["casts"] = []string{`{"count":1,"first":["evil\u001b[2J\u202e` + strings.Repeat("x", 5000) + `"]}`}
	o := source.observation(SideSource, request.Online)
	name := string(o.Databases[0].Casts.First[0])
	if len(name) > maxText || strings.ContainsAny(name, "\x1b\u202e") || !strings.HasPrefix(name, `evil\u001b[2J\u202e`) {
		t.Errorf("%q", name)
	}
}

// Whatever a server answers, nothing panics, and what is kept is bounded.
func FuzzReadAndJudge(f *testing.F) {
	for _, r := range []recorded{healthySource(), healthyTarget()} {
		for question, rows := range r {
			f.Add(question, strings.Join(rows, "\n"))
		}
	}
	f.Add("tables", `{"kind":"notOwned","count":-1}`)
	f.Add("roles", "null")
	f.Add("available", `{"n":null,"v":null}`)
	f.Fuzz(func(t *testing.T, question, rows string) {
		source, target := healthySource(), healthyTarget()
		source[question], target[question] = strings.Split(rows, "\n"), strings.Split(rows, "\n")
		e := Expect{Mode: request.Online, Databases: []string{"orders"}, TargetStorageBytes: 1}
		found, _ := said(source.observation(SideSource, e.Mode), target.observation(SideTarget, e.Mode), e)
		for _, one := range found {
			if !slices.Contains(finding.Codes(), one.Code) {
				t.Errorf("code %q", one.Code)
			}
		}
	})
}
