package ticket

import (
	"html"
	"strings"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// maxLine is longer than any label with a host name.
const maxLine = 4 << 10

// What is markup, of wiki pages, Markdown and HTML alike: the same description goes through several of them before it
// comes here.
var (
	lineBreak = lazyregexp.New(`(?i)<br\s*/?>|</(p|div|li|tr|h[1-6]|pre|blockquote)\s*>`)
	cellBreak = lazyregexp.New(`(?i)</(td|th)\s*>`)
	tag       = lazyregexp.New(`(?i)</?(p|div|span|li|ul|ol|tr|td|th|table|tbody|thead|b|i|u|em|strong|code|pre|` +
		`font|a|h[1-6]|blockquote|html|body)(\s[^<>]*)?>`)
	macro    = lazyregexp.New(`\{(color|noformat|code|quote|panel|anchor)(:[^{}]*)?\}`)
	wikiLink = lazyregexp.New(`\[([^\[\]|]+)(\|[^\[\]]*)?\](\([^()\s]*\))?`)
	checkbox = lazyregexp.New(`\[[ xX]?\](\s|$)`)
	escape   = lazyregexp.New(`\\([-_*{}\[\]()#+.!|~^])`)
)

// lead is what may stand before a label: bullets, quotes, numbers of a list, headings, marks of bold and code.
const lead = `(?i)^[^\pL\pN]*(?:\d{1,3}[.)][^\pL\pN]+|(?:h[1-6]|bq)\.[^\pL\pN]*)?`

const labels = `((?:source|target)[\s\x{a0}_-]*(?:host|port)|route|mode|depth)`

var (
	pair  = lazyregexp.New(lead + labels + `[^\pL\pN:=：|]{0,8}[:=：](.*)$`)
	alone = lazyregexp.New(lead + labels + `[^\pL\pN]*$`)
)

// plain turns a page's markup into lines.
func plain(text string) string {
	if !strings.Contains(text, "<") && !strings.Contains(text, "&") {
		return text
	}
	text = cellBreak.ReplaceAllString(lineBreak.ReplaceAllString(text, "\n"), "|")
	return html.UnescapeString(tag.ReplaceAllString(text, ""))
}

// Lines finds the labels with their values in a description: "source host: db.example.com", in any case and any order,
// within bullets, quotes, bold print and cells of a table. The error is a *request.Problem: two lines that say
// different things.
func Lines(text string) (Values, error) {
	values := Values{}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n").Replace(text)
	for line := range strings.Lines(text) {
		if len(line) > maxLine {
			continue
		}
		for _, said := range readLine(line) {
			before, again := values[said.name]
			if again && !strings.EqualFold(before.Text, said.text) {
				return nil, invalid(said.name.label(), "is there twice, with different values")
			}
			values[said.name] = Value{Text: said.text, From: said.name.label()}
		}
	}
	return values, nil
}

type saying struct {
	name Name
	text string
}

// readLine reads a line, or the row of a table, in which a value stands in the cell after its label.
func readLine(line string) []saying {
	line = checkbox.ReplaceAllString(macro.ReplaceAllString(strings.TrimRight(line, "\n"), ""), "")
	cells := strings.Split(escape.ReplaceAllString(wikiLink.ReplaceAllString(line, "$1"), "$1"), "|")
	var said []saying
	var waiting Name
	for _, cell := range cells {
		name, value := waiting, cell
		if found := pair.FindStringSubmatch(cell); found != nil {
			name, value = nameOf(found[1]), found[2]
		} else if found := alone.FindStringSubmatch(cell); found != nil {
			waiting = nameOf(found[1])
			continue
		}
		if value = clean(value); name == "" || value == "" {
			waiting = name
			continue
		}
		said, waiting = append(said, saying{name, number(name, value)}), ""
	}
	return said
}

// nameOf finds the name of a label.
func nameOf(label string) Name {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, label)
	for _, name := range Names() {
		if strings.EqualFold(string(name), letters) {
			return name
		}
	}
	return ""
}

// clean takes the marks of bold, code, quotes and lists off a value, and what is invisible at its ends. What is
// invisible within it stays, and is refused later: a name must not be changed into another one.
func clean(value string) string {
	value = strings.Trim(value, " \t\n\u00a0*_`\"'“”‘’«»|~+,;{}\u200b\u200e\u200f\u2060\ufeff\u00ad")
	if rest, ok := strings.CutPrefix(value, "<"); ok {
		value = strings.TrimSuffix(rest, ">")
	}
	if strings.Trim(value, "-–—?. ") == "" {
		return "" // Nothing was filled in.
	}
	return value
}
