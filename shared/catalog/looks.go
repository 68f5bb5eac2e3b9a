package catalog

import "strings"

// Looks is what a configuration shows about a symptom that it does not explain.
type Looks struct {
	// Right and Open are the names of checks: those that came out right, and those that could not be decided.
	Right, Open []string
	Facts       Facts
}

// LooksRight says that the configuration looks right, what of it could not be decided, and on which side the cause then
// stands. The second text is what to do, for a finding that has nothing else left.
func (c *Catalog) LooksRight(l Looks) (detail, remedy string, err error) {
	facts := complete(l.Facts)
	facts["right"], facts["open"], facts["unseen"] = c.checks(l.Right), c.checks(l.Open), ""
	w := c.writer(facts)
	for _, s := range c.sentences.Looks.Unseen {
		if s.When.matches(facts) && within(s.Layers, facts["layer"]) {
			facts["unseen"] = w.text(s.Text)
			break
		}
	}
	detail, remedy = w.text(c.sentences.Looks.Text), w.text(c.sentences.Looks.Remedy)
	return detail, remedy, w.err
}

func within(allowed []string, layer any) bool {
	for _, one := range allowed {
		if one == layer {
			return true
		}
	}
	return len(allowed) == 0
}

// checks are the words for some checks; one without words is named by its key.
func (c *Catalog) checks(keys []string) []string {
	var out []string
	for _, key := range keys {
		if text, known := c.sentences.Looks.Checks[key]; known {
			out = append(out, text)
			continue
		}
		out = append(out, strings.ReplaceAll(key, "_", " "))
	}
	return out
}
