package catalog

import (
	"bytes"
	_ "embed" // for the words of the scenario table
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

//go:embed scenario.yaml
var scenarioYAML []byte

// scenarioWords are the words of the scenario table, under the numbers and keys of package scenario.
type scenarioWords struct {
	Rows    map[int]string        `yaml:"rows"`
	Notes   map[string]string     `yaml:"notes"`
	Answers map[string]string     `yaml:"answers"`
	Steps   map[string][]stepWord `yaml:"steps"`
}

// stepWord is one step in one situation.
type stepWord struct {
	When    When         `yaml:"when"`
	Text    string       `yaml:"text"`
	Owner   report.Owner `yaml:"owner"`
	Command string       `yaml:"command"`
}

func loadScenarioWords() (scenarioWords, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(scenarioYAML))
	decoder.KnownFields(true)
	var s scenarioWords
	if err := decoder.Decode(&s); err != nil {
		return scenarioWords{}, fmt.Errorf("read scenario words: %w", err)
	}
	return s, nil
}

// Row is the title of a row of the scenario table.
func (c *Catalog) Row(number int) (string, error) {
	title, ok := c.scenario.Rows[number]
	if !ok {
		return "", fmt.Errorf("title scenario: no words for row %d", number)
	}
	return title, nil
}

// Answer says what DNS ought to answer.
func (c *Catalog) Answer(key string) (string, error) {
	text, ok := c.scenario.Answers[key]
	if !ok {
		return "", fmt.Errorf("word answer: no words for %q", key)
	}
	return text, nil
}

// Note says why a placement is judged by a row, which is the fact "row".
func (c *Catalog) Note(key string, facts Facts) (string, error) {
	source, ok := c.scenario.Notes[key]
	if !ok {
		return "", fmt.Errorf("word note: no words for %q", key)
	}
	w := c.writer(complete(facts))
	text := w.text(source)
	return text, w.err
}

// Step puts a networking step into words. Besides the facts of FactNames, "runtimeRow" tells that a runtime server is
// what connects.
func (c *Catalog) Step(key string, facts Facts) (report.Step, error) {
	values := complete(facts)
	for _, word := range c.scenario.Steps[key] {
		if !word.When.matches(values) {
			continue
		}
		w := c.writer(values)
		step := report.Step{Key: key, Text: w.text(word.Text), Owner: word.Owner, Command: w.shell(word.Command)}
		return step, w.err
	}
	return report.Step{}, fmt.Errorf("word step: no words for %q", key)
}

// complete adds the facts that are not known, empty.
func complete(facts Facts) Facts {
	for _, name := range FactNames() {
		if _, known := facts[name]; !known {
			values := NoFacts()
			maps.Copy(values, facts)
			return values
		}
	}
	return facts
}
