package catalog

import (
	"bytes"
	_ "embed" // for the sentences
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed sentences.yaml
var sentencesYAML []byte

// Sentences are the words that belong to no single finding.
type Sentences struct {
	Verdicts    map[string]string `yaml:"verdicts"`
	CannotProve []struct {
		Text string `yaml:"text"`
		When When   `yaml:"when"`
	} `yaml:"cannotProve"`
	Looks looks `yaml:"looks"`
}

// looks are the words for a configuration that looks right although a probe failed.
type looks struct {
	Text   string `yaml:"text"`
	Remedy string `yaml:"remedy"`
	// Checks names what was checked. Unseen names the side that nobody sees from here; the first that matches counts.
	Checks map[string]string `yaml:"checks"`
	Unseen []struct {
		Text   string   `yaml:"text"`
		Layers []string `yaml:"layers"`
		When   When     `yaml:"when"`
	} `yaml:"unseen"`
}

func loadSentences() (Sentences, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(sentencesYAML))
	decoder.KnownFields(true)
	var s Sentences
	if err := decoder.Decode(&s); err != nil {
		return Sentences{}, fmt.Errorf("read sentences: %w", err)
	}
	return s, nil
}

// Verdict is the headline of a verdict that no single finding decides.
func (c *Catalog) Verdict(name string, facts Facts) (string, error) {
	source, ok := c.sentences.Verdicts[name]
	if !ok {
		return "", fmt.Errorf("write headline: no sentence for verdict %q", name)
	}
	w := c.writer(facts)
	text := w.text(source)
	return text, w.err
}

// CannotProve says what a probe with these facts does not show.
func (c *Catalog) CannotProve(facts Facts) ([]string, error) {
	w := c.writer(facts)
	var out []string
	for _, s := range c.sentences.CannotProve {
		if s.When.matches(facts) {
			out = append(out, w.text(s.Text))
		}
	}
	return out, w.err
}
