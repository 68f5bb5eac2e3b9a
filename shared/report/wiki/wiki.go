// Package wiki writes what a ticket says of a report in Jira's wiki markup. It judges nothing; text from the network is
// escaped so that it can neither format, link, mention, embed nor start a macro.
package wiki

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
	"github.com/pgpreflight/pgpreflight/shared/report/ticket"
)

// Short is three lines: verdict, who must act, link. An empty link leaves the third out.
func Short(r report.Report, link string) string {
	w := &writer{apart: "\n"}
	ticket.Short(w, r, link)
	return w.b.String()
}

// Long is everything on the report.
func Long(r report.Report, link string) string {
	w := &writer{apart: "\n\n"}
	ticket.Long(w, r, link)
	return strings.TrimRight(w.b.String(), "\n") + "\n"
}

// Plain is one line of text that means nothing but itself.
func Plain(text string) string {
	return line([]ticket.Span{{Kind: ticket.Plain, Text: digest.Clean(text)}}) + "\n"
}

// writer implements ticket.Writer.
type writer struct {
	b      strings.Builder
	apart  string
	inList bool
}

func (w *writer) Len() int { return w.b.Len() }

func (w *writer) write(parts ...string) {
	for _, part := range parts {
		w.b.WriteString(part)
	}
}

func (w *writer) endList() {
	if w.inList {
		w.write("\n")
	}
	w.inList = false
}

func (w *writer) Heading(text string) {
	w.endList()
	w.write("h3. ", escape(text), "\n\n")
}

func (w *writer) Paragraph(spans ...ticket.Span) {
	w.endList()
	w.write(line(spans), w.apart)
}

func (w *writer) Item(depth int, spans ...ticket.Span) {
	w.inList = true
	w.write(strings.Repeat("*", depth+1), " ", line(spans), "\n")
}

func (w *writer) Table(header []string, rows [][]ticket.Span) {
	w.endList()
	w.write("||")
	for _, name := range header {
		w.write(escape(name), "||")
	}
	w.write("\n")
	for _, row := range rows {
		w.write("|")
		for _, cell := range row {
			text := span(cell)
			if text == "" {
				// An empty cell would make the bars a heading's.
				text = " "
			}
			w.write(text, "|")
		}
		w.write("\n")
	}
	w.write("\n")
}

// Code uses noformat, which knows no language and colours nothing. There is no escape within it, so text that holds its
// end has that broken by an invisible joiner.
func (w *writer) Code(lines []string) {
	w.endList()
	text := strings.Join(lines, "\n")
	macro := "noformat"
	if containsFold(text, "{noformat") {
		macro = "code"
	}
	if containsFold(text, "{"+macro) {
		text = strings.ReplaceAll(text, "{", "{"+joiner)
	}
	w.write("{", macro, "}\n", text, "\n{", macro, "}\n\n")
}

func containsFold(text, part string) bool { return strings.Contains(strings.ToLower(text), part) }

func line(spans []ticket.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(span(s))
	}
	text := b.String()
	if len(spans) > 0 && spans[0].Kind == ticket.Plain {
		return escapeStart(text)
	}
	return text
}

func span(s ticket.Span) string {
	switch {
	case strings.TrimSpace(s.Text) == "":
		return s.Text
	case s.Kind == ticket.Mono:
		return "{{" + escape(s.Text) + "}}"
	case s.Kind == ticket.Link:
		return "[" + s.Text + "]"
	case s.Kind == ticket.Strong:
		return "*" + escape(strings.TrimSpace(s.Text)) + "*"
	}
	return escape(s.Text)
}

// joiner is invisible; between the letters of an address it keeps Jira from making a link of it.
const joiner = "\u2060"

// escape makes text mean nothing but itself. Marks that only count at the edge of a word stay as they are within one.
func escape(text string) string {
	var b strings.Builder
	before := ' '
	for i, r := range text {
		after, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		within := isWord(before) && isWord(after)
		switch {
		case r == '\\':
			// Two backslashes are a line break, so a backslash cannot escape itself.
			b.WriteString("&#92;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("{}[]|!*^~", r), strings.ContainsRune("_-+?#", r) && !within,
			r == '@' && !isWord(before), r == '(' && startsEmoticon(text[i:]):
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == ':' && strings.HasPrefix(text[i:], "://"), r == '.' && strings.HasSuffix(strings.ToLower(text[:i]), "www"):
			b.WriteRune(r)
			b.WriteString(joiner)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// startsEmoticon knows Jira's pictures in brackets.
func startsEmoticon(text string) bool {
	inside, _, closed := strings.Cut(strings.TrimPrefix(text, "("), ")")
	return closed && slices.Contains([]string{"y", "n", "i", "x", "/", "!", "?", "+", "-", "*", "*r", "*g", "*b",
		"*y", "on", "off", "flag", "flagoff"}, inside)
}

// escapeStart keeps the beginning of a line from being a heading, a quotation or a list with numbers.
func escapeStart(text string) string {
	trimmed := strings.TrimLeft(text, " ")
	word, rest, found := strings.Cut(trimmed, ".")
	isHeading := len(word) == 2 && word[0] == 'h' && word[1] >= '1' && word[1] <= '6'
	if found && (isHeading || word == "bq") {
		return word + "&#46;" + rest
	}
	return trimmed
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
