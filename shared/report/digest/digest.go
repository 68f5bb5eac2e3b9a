// Package digest gives the short words that every writer of a report shares: what a layer showed, who must act first
// and what to type, and text from the network made harmless. It escapes for no format; each writer does that itself.
package digest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Duration writes milliseconds for people: 0.4 ms, 32 ms, 5.0 s.
func Duration(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// Clean makes text from the network harmless on one line: what a terminal would obey or what turns the direction of
// reading becomes U+FFFD, line breaks and tabs become spaces.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return harmless(r)
	}, text)
}

// Lines is Clean for text whose line breaks matter: commands, and SQL to paste.
func Lines(text string) []string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\r\n", "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Clean(line)
	}
	return lines
}

// Harmless is Clean for a whole document: its line breaks and tabs stay.
func Harmless(document []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return harmless(r)
	}, document)
}

// harmless keeps the joiners of Persian and Indic scripts, which are format characters too: servers have messages in
// every language.
func harmless(r rune) rune {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	if r == zeroWidthNonJoiner || r == zeroWidthJoiner {
		return r
	}
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || isNonCharacter(r) {
		return unicode.ReplacementChar
	}
	return r
}

// isNonCharacter knows U+FFFE and its kin, which XML 1.0 forbids or advises against.
func isNonCharacter(r rune) bool { return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef }

// LegName names a leg among those of its report: the same endpoint can be looked at from two places.
func LegName(l report.Leg) string {
	if l.From == "" || l.From == "function" {
		return Clean(l.Name)
	}
	return Clean(l.Name + " from " + l.From)
}

// Outcome says what a layer showed, or why it showed nothing.
func Outcome(l report.Layer) string {
	switch {
	case l.BlockedBy != "":
		return Clean("not run: blocked by " + string(l.BlockedBy))
	case l.Status == finding.StatusSkipped && l.Reason != "":
		return Clean("not run: " + l.Reason)
	case l.Status == finding.StatusInconclusive && l.Reason != "":
		return Clean(l.Reason)
	}
	return Evidence(l)
}

// Of gives the findings on one layer of a leg, without those that are only information.
func Of(r report.Report, leg report.Leg, layer finding.Layer) []report.Finding {
	var out []report.Finding
	for _, f := range r.Findings {
		onLeg := f.Leg == leg.Name && (f.From == "server") == (leg.From == "server")
		if onLeg && f.Layer == layer && f.Severity != finding.Info {
			out = append(out, f)
		}
	}
	return out
}

// Codes are the codes of findings, each once, with spaces between.
func Codes(found []report.Finding) string {
	var codes []string
	for _, f := range found {
		if code := Clean(string(f.Code)); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return strings.Join(codes, " ")
}

// Where is the place of a finding, such as "source connect".
func Where(f report.Finding) string {
	leg := LegName(report.Leg{Name: f.Leg, From: f.From})
	return strings.TrimSpace(leg + " " + Clean(string(f.Layer)))
}

// First is the finding that a reader must know of first: the one that the others follow from, else the gravest. It is
// false where there is none that anybody must act on.
func First(r report.Report) (report.Finding, bool) {
	if b := r.FirstBroken; b != nil {
		for _, f := range r.Findings {
			if f.Code == b.Code && f.Leg == b.Leg && f.From == b.From && f.Layer == b.Layer {
				return f, true
			}
		}
	}
	for _, severity := range []finding.Severity{finding.Failed, finding.Warned} {
		for _, f := range r.Findings {
			if f.Severity == severity {
				return f, true
			}
		}
	}
	return report.Finding{}, false
}

// Others names the owners who must act on a failure too, beside the owner given; each once.
func Others(r report.Report, first report.Owner) []string {
	var names []string
	for _, f := range r.Findings {
		name := Clean(f.Owner.Name())
		if f.Severity == finding.Failed && f.Owner != first && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
