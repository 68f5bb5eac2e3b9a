package catalog

import (
	"bytes"
	_ "embed" // for the words
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

//go:embed explain.yaml
var explainYAML []byte

// explaining are the words about pasted texts.
type explaining struct {
	Ask     map[string]string  `yaml:"ask"`
	OneOf   instead            `yaml:"oneOf"`
	NoWords instead            `yaml:"noWords"`
	Said    instead            `yaml:"said"`
	Instead map[string]instead `yaml:"instead"`
}

// instead takes the place of a code's own words; what is empty leaves them.
type instead struct {
	Title  string  `yaml:"title"`
	Detail string  `yaml:"detail"`
	Remedy actions `yaml:"remedy"`
}

// actions are remedies; a plain text is one without a command.
type actions []Remedy

// UnmarshalYAML implements yaml.Unmarshaler.
func (a *actions) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*a = actions{{Text: node.Value}}
		return nil
	}
	var list []Remedy
	if err := node.Decode(&list); err != nil {
		return err
	}
	*a = list
	return nil
}

func loadExplaining() (explaining, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(explainYAML))
	decoder.KnownFields(true)
	var e explaining
	if err := decoder.Decode(&e); err != nil {
		return explaining{}, fmt.Errorf("read words about texts: %w", err)
	}
	return e, nil
}

// Ask is one question about a pasted text, by its name.
func (c *Catalog) Ask(name string, facts Facts) (string, error) {
	source, ok := c.explaining.Ask[name]
	if !ok {
		return "", fmt.Errorf("write question: none is called %q", name)
	}
	w := c.writer(Entry{}.values(finding.Finding{}, facts))
	text := w.text(source)
	return text, w.err
}

// Explain puts a finding of a pasted text into words. It differs from Word in three ways: a code without words is
// answered all the same; where the arg oneOf lists codes, all of them are named and none is chosen; and some texts
// have words of their own.
func (c *Catalog) Explain(f finding.Finding, facts Facts) (report.Finding, error) {
	entry, known := c.entries[f.Code]
	for name := range f.Args {
		if !slices.Contains(entry.Args, name) {
			entry.Args = append(slices.Clip(entry.Args), name)
		}
	}
	out := report.Finding{Code: f.Code, Severity: finding.Failed, Leg: f.Leg, Layer: f.Layer, Owner: report.Requester,
		Args: f.Args}
	w := c.writer(entry.values(f, facts))
	w.values["code"] = string(f.Code)
	for _, name := range []string{"message", "detail", "hint", "parameter", "slot", "file", "method", "notBefore",
		"notAfter"} {
		if _, known := w.values[name]; !known {
			w.values[name] = nil
		}
	}
	if known {
		var err error
		if out, err = c.Word(f, facts); err != nil {
			return report.Finding{}, err
		}
	} else {
		c.explaining.NoWords.replace(&out, &w)
	}
	if known && f.Layer == finding.Prerequisites {
		c.explaining.Said.replace(&out, &w)
	}
	if titles := c.titles(f, facts); titles != nil {
		w.values["titles"] = strings.Join(titles, "; ")
		c.explaining.OneOf.replace(&out, &w)
		for _, title := range titles {
			out.Causes = append(out.Causes, report.Cause{Text: title, Likelihood: "possible"})
		}
	} else if words, ok := c.insteadOf(f.Args); ok {
		words.replace(&out, &w)
	}
	if w.err != nil {
		return report.Finding{}, fmt.Errorf("explain %s: %w", f.Code, w.err)
	}
	return out, nil
}

func (i instead) replace(out *report.Finding, w *writer) {
	if i.Title != "" {
		out.Title = w.text(i.Title)
	}
	if i.Detail != "" {
		out.Detail = w.text(i.Detail)
	}
	if i.Remedy == nil {
		return
	}
	out.Causes, out.Remedy = nil, nil
	for _, r := range i.Remedy {
		out.Remedy = append(out.Remedy, report.Remedy{Text: w.text(r.Text), Command: w.shell(r.Command) + w.sql(r.SQL)})
	}
}

// titles are those of the codes between which the text leaves open; nil where it leaves open none, or causes of one
// code, which that code's own words name.
func (c *Catalog) titles(f finding.Finding, facts Facts) []string {
	oneOf, _ := f.Args["oneOf"].([]string)
	var titles []string
	for _, name := range oneOf {
		entry, ok := c.entries[finding.Code(name)]
		if !ok && !slices.Contains(finding.Codes(), finding.Code(name)) {
			return nil
		}
		w := c.writer(entry.values(finding.Finding{}, facts))
		if title := w.text(entry.Title); title != "" {
			titles = append(titles, title)
		} else {
			titles = append(titles, name)
		}
	}
	return titles
}

func (c *Catalog) insteadOf(args finding.Args) (instead, bool) {
	id, _ := args["id"].(string)
	for _, name := range []string{"form", "reason"} {
		if kind, _ := args[name].(string); kind != "" {
			if words, ok := c.explaining.Instead[id+"/"+kind]; ok {
				return words, true
			}
		}
	}
	words, ok := c.explaining.Instead[id]
	return words, ok
}
