// Package markdown writes what a ticket says of a report as Markdown (CommonMark with GitHub's tables). It judges
// nothing; text from the network is escaped so that it can neither format, link, mention nor embed anything.
package markdown

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
	"github.com/pgpreflight/pgpreflight/shared/report/ticket"
)

// Short is three lines: verdict, who must act, link. An empty link leaves the third out.
func Short(r report.Report, link string) string {
	// Two spaces would be a line break too, but editors cut them off.
	w := &writer{apart: "\\\n"}
	ticket.Short(w, r, link)
	return strings.TrimSuffix(w.b.String(), "\\\n") + "\n"
}

// Long is everything on the report.
func Long(r report.Report, link string) string {
	w := &writer{apart: "\n\n"}
	ticket.Long(w, r, link)
	return strings.TrimRight(w.b.String(), "\n") + "\n"
}

// Plain is one paragraph of text that means nothing but itself.
func Plain(text string) string {
	return line([]ticket.Span{{Kind: ticket.Plain, Text: digest.Clean(text)}}) + "\n"
}

// writer implements ticket.Writer.
type writer struct {
	b strings.Builder
	// apart ends a paragraph.
	apart  string
	inList bool
}

func (w *writer) Len() int { return w.b.Len() }

func (w *writer) write(parts ...string) {
	for _, part := range parts {
		w.b.WriteString(part)
	}
}

// endList separates a list from what follows.
func (w *writer) endList() {
	if w.inList {
		w.write("\n")
	}
	w.inList = false
}

func (w *writer) Heading(text string) {
	w.endList()
	w.write("### ", escape(text), "\n\n")
}

func (w *writer) Paragraph(spans ...ticket.Span) {
	w.endList()
	w.write(line(spans), w.apart)
}

func (w *writer) Item(depth int, spans ...ticket.Span) {
	w.inList = true
	w.write(strings.Repeat("  ", depth), "- ", line(spans), "\n")
}

func (w *writer) Table(header []string, rows [][]ticket.Span) {
	w.endList()
	w.write("|")
	for _, name := range header {
		w.write(" ", escape(name), " |")
	}
	w.write("\n|", strings.Repeat(" --- |", len(header)), "\n")
	for _, row := range rows {
		w.write("|")
		for _, cell := range row {
			// A table ends a cell at every bar, within code too, unless a backslash stands before it.
			w.write(" ", barred(span(cell)), " |")
		}
		w.write("\n")
	}
	w.write("\n")
}

// barred escapes the bars that escape has left, which are those within code.
func barred(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if text[i] == '|' && (i == 0 || text[i-1] != '\\') {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func (w *writer) Code(lines []string) {
	w.endList()
	text := strings.Join(lines, "\n")
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	w.write(fence, "\n", text, "\n", fence, "\n\n")
}

func line(spans []ticket.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(span(s))
	}
	// A line may begin with markup of its own only through a span's kind.
	text := b.String()
	if len(spans) > 0 && spans[0].Kind == ticket.Plain {
		return escapeStart(text)
	}
	return text
}

func span(s ticket.Span) string {
	switch {
	case s.Text == "":
		return ""
	case s.Kind == ticket.Mono:
		return code(s.Text)
	case s.Kind == ticket.Link:
		return "<" + s.Text + ">"
	case s.Kind == ticket.Strong && strings.TrimSpace(s.Text) != "":
		// Asterisks next to a space would be asterisks.
		return "**" + escape(strings.TrimSpace(s.Text)) + "**"
	}
	return escape(s.Text)
}

// code is inline code. It has no escapes: a longer run of backticks ends it instead.
func code(text string) string {
	ticks := strings.Repeat("`", longestRun(text, '`')+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

func longestRun(text string, of byte) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != of {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// joiner is invisible and breaks no word; between the letters of an address or a mention it keeps a renderer, which
// looks for them after the escapes are gone, from making a link of it.
const joiner = "\u2060"

// escape makes text mean nothing but itself. What is harmless within words stays readable: people read the source too.
func escape(text string) string {
	var b strings.Builder
	before := ' '
	for i, r := range text {
		after, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		within := isWord(before) && isWord(after)
		switch {
		case strings.ContainsRune("\\`*[]<>|~$&", r), r == '_' && !within:
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '@' && !isWord(before), r == '#' && unicode.IsDigit(after), r == ':' && strings.HasPrefix(text[i:], "://"),
			r == '.' && strings.HasSuffix(strings.ToLower(text[:i]), "www"):
			b.WriteRune(r)
			b.WriteString(joiner)
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

// escapeStart keeps the beginning of a line from being a heading, a list, a quotation or a rule.
func escapeStart(text string) string {
	trimmed := strings.TrimLeft(text, " ")
	if trimmed == "" {
		return trimmed
	}
	if strings.ContainsRune("#+-=", rune(trimmed[0])) {
		return "\\" + trimmed
	}
	digits := len(trimmed) - len(strings.TrimLeft(trimmed, "0123456789"))
	rest := trimmed[digits:]
	if digits > 0 && (strings.HasPrefix(rest, ". ") || strings.HasPrefix(rest, ") ")) {
		return trimmed[:digits] + "\\" + rest
	}
	return trimmed
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
