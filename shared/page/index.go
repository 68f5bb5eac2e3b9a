package page

import (
	"net/url"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// IndexInput is what the page of the newest checks is made of.
type IndexInput struct {
	Checks []CheckLine
	Filter IndexFilter
	// Continue is where the next page begins; empty at the end.
	Continue string
	// Later tells that this is not the first page.
	Later bool
	// Wrong is a field of the filter that cannot be used; there are no checks then.
	Wrong *WrongField
	Now   time.Time
}

// IndexFilter is what was asked for, as it was written.
type IndexFilter struct{ Route, Wave, Verdict, Limit string }

// WrongField says which field is at fault, and what a value of it must be.
type WrongField struct{ Field, Detail string }

// Index writes the page of the newest checks.
func (p Pages) Index(in IndexInput) (Page, error) {
	title := "Checks"
	for _, part := range []string{in.Filter.Route, in.Filter.Wave, in.Filter.Verdict} {
		if part != "" {
			title += " · " + digest.Clean(part)
		}
	}
	return p.write("index", view{Title: title, Tone: Idle, Wide: true, Forms: true, Body: indexOfChecks(in)})
}

type indexView struct {
	Fields             []field
	Verdicts           []choice
	Filtered, Later    bool
	Wrong              string
	Tallies            []tally
	Checks             []lineView
	Next, First, Clear string
	Routes             string
}

// field is a text field of a form.
type field struct{ Name, Label, Value, Wrong string }

// choice is one of a list to choose from.
type choice struct {
	Value, Word string
	Chosen      bool
}

func indexOfChecks(in IndexInput) indexView {
	v := indexView{Filtered: in.Filter.any(), Later: in.Later, Checks: linesOfChecks(in.Checks, in.Now), Clear: checksAddress,
		Routes: routesAddress}
	v.Fields = []field{{Name: "route", Label: "Route", Value: in.Filter.Route}, {Name: "wave", Label: "Wave", Value: in.Filter.Wave}}
	if in.Wrong != nil {
		v.Wrong = digest.Clean("The filter " + in.Wrong.Field + " " + in.Wrong.Detail + ".")
		for i := range v.Fields {
			if v.Fields[i].Name == in.Wrong.Field {
				v.Fields[i].Wrong = digest.Clean(capital(in.Wrong.Detail) + ".")
			}
		}
	}
	for i := range v.Fields {
		v.Fields[i].Value = digest.Clean(v.Fields[i].Value)
	}
	v.Verdicts = []choice{{"", "all", in.Filter.Verdict == ""}}
	for _, verdict := range verdicts() {
		v.Verdicts = append(v.Verdicts, choice{string(verdict), verdict.Name(), in.Filter.Verdict == string(verdict)})
	}
	var all []report.Verdict
	for _, c := range in.Checks {
		all = append(all, c.Verdict)
	}
	v.Tallies = tallies(all, func(verdict report.Verdict) string {
		f := in.Filter
		f.Verdict = string(verdict)
		return f.address("")
	})
	if in.Continue != "" {
		v.Next = in.Filter.address(in.Continue)
	}
	if in.Later {
		v.First = in.Filter.address("")
	}
	return v
}

func (f IndexFilter) any() bool { return f.Route != "" || f.Wave != "" || f.Verdict != "" }

// address is the list with this filter from a position on.
func (f IndexFilter) address(position string) string {
	query := url.Values{}
	for name, value := range map[string]string{"route": f.Route, "wave": f.Wave, "verdict": f.Verdict, "limit": f.Limit,
		"continue": position} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return strings.TrimSuffix(checksAddress+"?"+query.Encode(), "?")
}
