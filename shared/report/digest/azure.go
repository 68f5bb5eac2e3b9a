package digest

import (
	"fmt"
	"strings"
)

// configured is what was held against Azure's configuration: how many checks came out right, which came out wrong, and
// how many could not be decided.
func configured(raw []byte) string {
	o := read[struct {
		Checks []struct{ About, State, Resource, Rule string }
	}](raw)
	var right, open int
	var wrong []string
	for _, c := range o.Checks {
		switch {
		case c.About == "same_network", c.About == "vantage":
			// That something stands elsewhere, or is made differently, is neither right nor wrong.
		case c.State == "right":
			right++
		case c.State == "wrong":
			wrong = append(wrong, strings.TrimRight(strings.ReplaceAll(c.About, "_", " ")+" "+named(c.Resource, c.Rule), " "))
		default:
			open++
		}
	}
	var parts []string
	if right > 0 {
		parts = append(parts, fmt.Sprintf("%d right", right))
	}
	if len(wrong) > 0 {
		parts = append(parts, "wrong: "+strings.Join(once(wrong), ", "))
	}
	if open > 0 {
		parts = append(parts, fmt.Sprintf("%d not decided", open))
	}
	return strings.Join(parts, "; ")
}

func named(resource, rule string) string {
	name := resource[strings.LastIndex(resource, "/")+1:]
	if rule != "" {
		name += "/" + rule
	}
	return name
}

func once(texts []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, text := range texts {
		if !seen[text] {
			out, seen[text] = append(out, text), true
		}
	}
	return out
}
