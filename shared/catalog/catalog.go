// Package catalog holds the words of every finding code: title, detail, severity, owner, causes, remedies, the code of
// the migration service and the page that documents it. The words are data, one YAML file per layer; this package reads
// them and fills them in. It decides nothing about what was seen.
package catalog

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

//go:embed words/*.yaml
var words embed.FS

// Entry is what the catalogue knows of one code. Texts are templates over the request's facts and the finding's args.
type Entry struct {
	// Args are the names of the finding's own values that the texts may use. One that was not seen is empty.
	Args []string `yaml:"args"`
	// Title says what was seen in a few words.
	Title string `yaml:"title"`
	// Headline is one true sentence with names in it: the first thing that a reader sees.
	Headline string `yaml:"headline"`
	// Detail says what it means and what it does not.
	Detail string `yaml:"detail"`
	// Severity is failed, warned or info; Advisory the milder one for a finding that hinders nothing that was asked.
	Severity finding.Severity `yaml:"severity"`
	Advisory finding.Severity `yaml:"advisory"`
	// Inconclusive marks our own trouble: the layer is then inconclusive, not failed.
	Inconclusive bool `yaml:"inconclusive"`
	// Owner is who must act; Owners overrides it by leg.
	Owner  report.Owner            `yaml:"owner"`
	Owners map[string]report.Owner `yaml:"owners"`
	// Service is the code that the migration service would show.
	Service string   `yaml:"service"`
	Docs    string   `yaml:"docs"`
	Causes  []Cause  `yaml:"causes"`
	Remedy  []Remedy `yaml:"remedy"`
}

// Cause is one explanation, most likely first within its likelihood.
type Cause struct {
	Text       string `yaml:"text"`
	Likelihood string `yaml:"likelihood"`
	Confirm    string `yaml:"confirm"`
	When       When   `yaml:"when"`
}

// Remedy is one thing to do. Command is for a shell and every value in it is quoted for the shell; SQL is for psql and
// every value in it must go through ident or literal.
type Remedy struct {
	Text    string `yaml:"text"`
	Command string `yaml:"command"`
	SQL     string `yaml:"sql"`
	When    When   `yaml:"when"`
}

// When limits a cause or a remedy to situations. An empty list matches everything; Is lists facts or args that must be
// true or not empty, Not those that must be false or empty.
type When struct {
	Kind   []string `yaml:"kind"`
	Access []string `yaml:"access"`
	Leg    []string `yaml:"leg"`
	Host   []string `yaml:"host"`
	Is     []string `yaml:"is"`
	Not    []string `yaml:"not"`
}

// Catalog is the set of entries. It is read-only after Load.
type Catalog struct {
	entries    map[finding.Code]Entry
	sentences  Sentences
	explaining explaining
	scenario   scenarioWords
	templates  templates
}

// Load reads the embedded words. It fails on an unknown key or a code that stands twice.
func Load() (*Catalog, error) {
	c := &Catalog{entries: make(map[finding.Code]Entry)}
	sentences, err := loadSentences()
	if err != nil {
		return nil, err
	}
	c.sentences = sentences
	if c.explaining, err = loadExplaining(); err != nil {
		return nil, err
	}
	if c.scenario, err = loadScenarioWords(); err != nil {
		return nil, err
	}
	files, err := fs.Glob(words, "words/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list words: %w", err)
	}
	for _, file := range files {
		if err := c.read(file); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	return c, nil
}

func (c *Catalog) read(file string) error {
	raw, err := words.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	var entries map[finding.Code]Entry
	if err := decoder.Decode(&entries); err != nil {
		return err
	}
	for code, entry := range entries {
		if _, twice := c.entries[code]; twice {
			return fmt.Errorf("code %s stands in two files", code)
		}
		c.entries[code] = entry
	}
	return nil
}

// Entry gives the entry of a code.
func (c *Catalog) Entry(code finding.Code) (Entry, bool) {
	e, ok := c.entries[code]
	return e, ok
}

// Codes lists the codes that have words, sorted.
func (c *Catalog) Codes() []finding.Code {
	codes := make([]finding.Code, 0, len(c.entries))
	for code := range c.entries {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b finding.Code) int { return strings.Compare(string(a), string(b)) })
	return codes
}

// SeverityOf is the weight of a finding.
func (c *Catalog) SeverityOf(f finding.Finding) finding.Severity {
	e := c.entries[f.Code]
	if f.Advisory && e.Advisory != "" {
		return e.Advisory
	}
	return e.Severity
}

// Inconclusive tells whether a finding is our own trouble and not the target's.
func (c *Catalog) Inconclusive(f finding.Finding) bool { return c.entries[f.Code].Inconclusive }

func (w When) matches(values map[string]any) bool {
	for _, rule := range []struct {
		allowed []string
		name    string
	}{{w.Kind, "kind"}, {w.Access, "access"}, {w.Leg, "leg"}, {w.Host, "hostKind"}} {
		value, _ := values[rule.name].(string)
		if len(rule.allowed) > 0 && !slices.Contains(rule.allowed, value) {
			return false
		}
	}
	for _, name := range w.Is {
		if empty(values[name]) {
			return false
		}
	}
	for _, name := range w.Not {
		if !empty(values[name]) {
			return false
		}
	}
	return true
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case int:
		return v == 0
	case int64:
		return v == 0
	case float64:
		return v == 0
	}
	return false
}
