package catalog

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Facts are the request's own names that words and commands are filled with, by the names of FactNames.
type Facts map[string]any

// FactNames lists every fact that a text may use besides the finding's args.
//
//	leg             source, target or runtime
//	host, port      of the endpoint, as given; endpoint is both, address the custom address
//	user, database  of the login; databases all of them
//	tlsMode         as asked
//	kind, access    of the endpoint, declared or inferred; hostKind the form of its name, such as flexible_server
//	vantage         our own address, where it is known
//	server          first label of the host name, or the name in the resource id
//	resourceGroup   from the resource id, else RESOURCE_GROUP
//	sourceHost, sourcePort, targetHost, targetPort
//	targetServer, targetResourceGroup
//	requestId       id of the check
func FactNames() []string {
	return []string{"leg", "host", "port", "endpoint", "address", "user", "database", "databases", "tlsMode", "kind",
		"access", "hostKind", "vantage", "server", "resourceGroup", "sourceHost", "sourcePort", "targetHost",
		"targetPort", "targetServer", "targetResourceGroup", "requestId"}
}

// NoFacts has every fact, empty, to be filled with those that are known.
func NoFacts() Facts {
	names := FactNames()
	facts := make(Facts, len(names))
	for _, name := range names {
		facts[name] = ""
	}
	return facts
}

// Word puts a finding into words. A text that cannot be filled in is an error: tests keep that from happening.
func (c *Catalog) Word(f finding.Finding, facts Facts) (report.Finding, error) {
	e, ok := c.entries[f.Code]
	if !ok {
		return report.Finding{}, fmt.Errorf("word finding: no words for code %q", f.Code)
	}
	w := c.writer(e.values(f, facts))
	out := report.Finding{
		Code: f.Code, Severity: c.SeverityOf(f), Leg: f.Leg, From: f.From, Layer: f.Layer,
		Title: w.text(e.Title), Detail: w.text(e.Detail),
		Owner: e.owner(f.Leg), ServiceCode: e.Service, Docs: e.Docs, Args: f.Args,
	}
	for _, likelihood := range []string{"certain", "likely", "possible", "unlikely"} {
		for _, cause := range e.Causes {
			if cause.Likelihood == likelihood && cause.When.matches(w.values) {
				out.Causes = append(out.Causes, report.Cause{
					Text: w.text(cause.Text), Likelihood: likelihood, Confirm: w.fill(cause.Confirm, forConfirm)})
			}
		}
	}
	for _, r := range e.Remedy {
		if r.When.matches(w.values) {
			out.Remedy = append(out.Remedy, report.Remedy{Text: w.text(r.Text), Command: w.shell(r.Command) + w.sql(r.SQL)})
		}
	}
	if w.err != nil {
		return report.Finding{}, fmt.Errorf("word finding %s: %w", f.Code, w.err)
	}
	return out, nil
}

// Headline is the one true sentence about a finding.
func (c *Catalog) Headline(f finding.Finding, facts Facts) (string, error) {
	e, ok := c.entries[f.Code]
	if !ok {
		return "", fmt.Errorf("write headline: no words for code %q", f.Code)
	}
	w := c.writer(e.values(f, facts))
	text := w.text(e.Headline)
	if w.err != nil {
		return "", fmt.Errorf("write headline of %s: %w", f.Code, w.err)
	}
	return text, nil
}

// values joins facts and args. Every name that the texts may use is there, so that a missing one is empty, not an error.
func (e Entry) values(f finding.Finding, facts Facts) map[string]any {
	known := complete(facts)
	values := make(map[string]any, len(known)+len(e.Args)+len(f.Args))
	maps.Copy(values, known)
	for _, name := range e.Args {
		if _, known := values[name]; !known {
			values[name] = nil
		}
	}
	for name, value := range f.Args {
		values[name] = value
	}
	if f.Leg != "" {
		values["leg"] = f.Leg
	}
	return values
}

func (e Entry) owner(leg string) report.Owner {
	if owner, ok := e.Owners[leg]; ok {
		return owner
	}
	return e.Owner
}

// writer fills templates and keeps the first error.
type writer struct {
	templates *templates
	values    map[string]any
	err       error
}

func (c *Catalog) writer(values map[string]any) writer {
	return writer{templates: &c.templates, values: values}
}

func (w *writer) text(source string) string  { return w.fill(source, plain) }
func (w *writer) shell(source string) string { return w.fill(source, forShell) }
func (w *writer) sql(source string) string   { return w.fill(source, forSQL) }

func (w *writer) fill(source string, kind language) string {
	if source == "" || w.err != nil {
		return ""
	}
	if !strings.Contains(source, "{{") {
		return strings.TrimSpace(source)
	}
	t, err := w.templates.get(source, kind)
	if err != nil {
		w.err = err
		return ""
	}
	var b strings.Builder
	if err := t.Execute(&b, w.values); err != nil {
		w.err = fmt.Errorf("fill %q: %w", source, err)
		return ""
	}
	return strings.TrimSpace(b.String())
}
