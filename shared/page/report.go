package page

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// ReportInput is what the page of a report is made of.
type ReportInput struct {
	Report report.Report
	// Previous is the check of the same route before this one; nil where there is none, or where it is not known.
	Previous *report.Report
	// Link is the address by which others can read the report; empty leaves it out.
	Link string
	// Trail leads to the pages above this one, for readers who may open them.
	Trail []Link
}

// Report writes the page of a finished check.
func (p Pages) Report(in ReportInput) (Page, error) {
	r := in.Report
	tone := ToneOfVerdict(r.Verdict)
	title := capital(r.Verdict.Name()) + ": "
	if r.Route != "" {
		title += r.Route
	} else {
		title += r.ID
	}
	return p.write("report", view{Title: title, Tone: tone, Trail: in.Trail, Body: reportOf(in)})
}

// reportView is the body of the page, in the order of reading.
type reportView struct {
	Verdict, Headline string
	Tone              Tone
	First             *firstView
	About             []fact
	Legs              []legView
	Changes           *changesView
	Sections          []sectionView
	Scenario          *scenarioView
	Limits            []string
	Next              string
	Vantage           []fact
	Forms             []form
	Link              string
	Request           string
}

// firstView is who must act first, and how: what a reader must know within ten seconds.
type firstView struct {
	Owner, Text, Anchor string
	Command             commandText
	// Must is false for what is only to be known.
	Must   bool
	Others []string
}

// fact is a name with its value. Time holds the value for machines where it is one.
type fact struct{ Name, Value, Time string }

// form is another form of the same report.
type form struct{ Name, Address string }

func reportOf(in ReportInput) reportView {
	r := in.Report
	groups := groupsOf(r)
	index := indexOf(groups)
	v := reportView{
		Verdict: capital(r.Verdict.Name()), Tone: ToneOfVerdict(r.Verdict), Headline: r.Headline,
		First: firstOf(r, groups), About: aboutOf(r), Changes: changesOf(r, in.Previous), Sections: sectionsOf(groups),
		Scenario: scenarioOf(r.Scenario, index), Limits: r.Vantage.CannotProve, Next: nextOf(r),
		Vantage: vantageOf(r), Link: webAddress(in.Link), Request: indented(r.Request),
	}
	v.Forms = formsOf(v.Link)
	for i, leg := range r.Legs {
		v.Legs = append(v.Legs, legOf(r, leg, i+1, index))
	}
	return v
}

func firstOf(r report.Report, groups []groupView) *firstView {
	first, found := digest.First(r)
	if !found {
		return nil
	}
	out := &firstView{Owner: capital(first.Owner.Name()), Must: first.Severity != finding.Warned, Text: first.Title,
		Others: digest.Others(r, first.Owner)}
	if len(first.Remedy) > 0 {
		out.Text, out.Command = first.Remedy[0].Text, commandOf(first.Remedy[0].Command)
	}
	for _, g := range groups {
		if g.is(first) {
			out.Anchor = g.Anchor
		}
	}
	return out
}

func aboutOf(r report.Report) []fact {
	facts := []fact{{Name: "Check", Value: r.ID}, {Name: "Route", Value: r.Route}, {Name: "Wave", Value: r.Wave},
		moment("Started", r.StartedAt), {Name: "Took", Value: digest.Duration(r.ElapsedMs)},
		{Name: "Seen from", Value: r.Vantage.Address}}
	return present(facts)
}

func vantageOf(r report.Report) []fact {
	return present([]fact{{Name: "Function app", Value: r.Vantage.FunctionApp}, {Name: "Region", Value: r.Vantage.Region},
		{Name: "Subnet", Value: r.Vantage.Subnet}, {Name: "Address", Value: r.Vantage.Address},
		{Name: "DNS servers", Value: strings.Join(r.Vantage.Resolvers, ", ")}, moment("Started", r.StartedAt),
		moment("Finished", r.FinishedAt)})
}

func present(facts []fact) []fact {
	var out []fact
	for _, f := range facts {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// moment is in UTC: those who read a report together sit in several time zones.
func moment(name string, t time.Time) fact {
	if t.IsZero() {
		return fact{}
	}
	t = t.UTC()
	return fact{Name: name, Value: t.Format("2006-01-02 15:04:05") + " UTC", Time: t.Format(time.RFC3339Nano)}
}

// nextOf says what comes after reading.
func nextOf(r report.Report) string {
	switch r.Verdict {
	case report.Ready, report.ReadyWithWarnings:
		return "Check again shortly before the migration: networks and certificates change. The request is below."
	case report.NotReady:
		return "When those who must act have acted, run the same request again. It is below; the report then says here what " +
			"has changed since, where the request names a route."
	case report.Unsupported:
		return "Nothing was probed, since this placement is not supported. Choose one that is, and check again."
	case report.Rejected:
		return "Correct the field that is named above, and send the request again."
	}
	return "This says nothing about the servers. Run the same request again; if it stays inconclusive, ask the " +
		report.Operator.Name() + "."
}

// formsOf are the other forms behind the same link.
func formsOf(link string) []form {
	if link == "" {
		return nil
	}
	join := "?"
	if strings.Contains(link, "?") {
		join = "&"
	}
	return []form{{"Markdown, for a ticket", link + join + "format=md"}, {"JSON", link + join + "format=json"},
		{"JUnit, for a pipeline", link + join + "format=junit"}}
}

// webAddress is an https or http address without anything that could end it early; anything else is no address.
func webAddress(text string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#=&%+,"
	isWeb := strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
	if !isWeb || strings.Trim(text, unreserved) != "" {
		return ""
	}
	return text
}

// shownMost bounds one piece of evidence on the page; the JSON form has the whole.
const shownMost = 48 << 10

// indented is JSON as people read it, without the escapes that JSON within HTML would need.
func indented(value any) string {
	raw, err := json.Marshal(value)
	if err != nil || string(raw) == "null" || string(raw) == "{}" {
		return ""
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(decoded); err != nil {
		return ""
	}
	text := strings.TrimRight(out.String(), "\n")
	if len(text) > shownMost {
		text = strings.ToValidUTF8(text[:shownMost], "") + "\n… cut here; the JSON form of the report has the whole."
	}
	return text
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
