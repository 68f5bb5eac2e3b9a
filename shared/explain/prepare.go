package explain

import (
	"encoding/json"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/logging"
)

// What one text may cost.
const (
	// MaxText is in bytes.
	MaxText  = 64 << 10
	maxLine  = 4 << 10
	maxLines = 1000
	// maxNesting is how often JSON is looked for inside strings of JSON.
	maxNesting = 4
)

// lines makes a text readable: bounded, without secrets, without control characters, escapes undone. It repeats no
// line, since stack traces and retries do.
func lines(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(cut(text, MaxText))
	text = logging.Redact(keepErrorCodes(text))
	var out []string
	seen := map[string]bool{}
	for _, line := range unwrapJSON(text, maxNesting) {
		line = cut(strings.TrimRight(visible(line), " "), maxLine)
		if line == "" || seen[line] {
			continue
		}
		if seen[line] = true; len(out) == maxLines {
			break
		}
		// Once more: what was encoded twice shows its secrets only now.
		out = append(out, logging.Redact(keepErrorCodes(line)))
	}
	return out
}

// maxEscaping is how often a text may have been escaped for HTML on its way.
const maxEscaping = 4

// withoutMarkup undoes what pages, mail programs and terminals put into a text.
func withoutMarkup(text string) string {
	for range maxEscaping {
		text = html.UnescapeString(text)
	}
	text = inlineTags.ReplaceAllString(blockTags.ReplaceAllString(text, "\n"), "")
	return reply.ReplaceAllString(ansi.ReplaceAllString(strings.TrimPrefix(text, "\ufeff"), ""), "")
}

// errorCodes are members named code, which the redactor takes for function keys unless they are told apart here:
// SQLSTATEs, the migration service's numbers, Azure's CamelCase and Node's upper case.
var errorCodes = lazyregexp.New(`((?i:code))(\\*"\s*:\s*\\*"(?:(?:[A-Z][a-z]+){1,8}|` +
	`[A-Z]{1,12}(?:_[A-Z0-9]{1,20}){0,6}|` +
	`CL\d{3}|\d{6}|[0-9A-Z]{5})\\*")`)

// keepErrorCodes names those members codes.
func keepErrorCodes(text string) string { return errorCodes.ReplaceAllString(text, "${1}s${2}") }

// unwrapJSON gives the lines of a text, with the strings of JSON values in place of the JSON, in their order.
func unwrapJSON(text string, nesting int) []string {
	if values, ok := jsonLines(text, nesting); ok {
		return values
	}
	// Only now: a quote or a line break out of markup would spoil the JSON around it.
	text = withoutMarkup(text)
	if values, ok := jsonLines(text, nesting); ok {
		return values
	}
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if values, ok := jsonLines(line, nesting); ok {
			out = append(out, values...)
			continue
		}
		if strings.Contains(line, `\`) {
			out = append(out, strings.Split(unescape(line), "\n")...)
			continue
		}
		out = append(out, fromCSV(line))
	}
	return out
}

func jsonLines(text string, nesting int) ([]string, bool) {
	text = strings.TrimSpace(text)
	if nesting == 0 || text == "" || !strings.ContainsRune(`{["`, rune(text[0])) || !json.Valid([]byte(text)) {
		return nil, false
	}
	return jsonValue(json.RawMessage(text), nesting), true
}

// jsonValue lists the strings of a value. An object that has a message and an SQLSTATE becomes the line that psql would
// write.
func jsonValue(raw json.RawMessage, nesting int) []string {
	raw = json.RawMessage(strings.TrimSpace(string(raw)))
	var out []string
	switch raw[0] {
	case '"':
		var text string
		if json.Unmarshal(raw, &text) == nil {
			return unwrapJSON(text, nesting-1)
		}
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) == nil {
			for _, item := range items {
				out = append(out, jsonValue(item, nesting)...)
			}
		}
	case '{':
		return jsonObject(raw, nesting)
	}
	return out
}

func jsonObject(raw json.RawMessage, nesting int) []string {
	members := members(raw)
	text := map[string]string{}
	for _, m := range members {
		var value string
		if json.Unmarshal(m.value, &value) == nil {
			text[strings.TrimSuffix(strings.ToLower(m.name), "s")] = value
		}
	}
	var out []string
	for _, m := range members {
		name := strings.TrimSuffix(strings.ToLower(m.name), "s")
		value, isText := text[name]
		switch {
		case isText && name == "message":
			state := first(text["code"], text["sqlstate"], text["state_code"], text["sqlstate_code"])
			out = append(out, unwrapJSON(signed(first(text["severity"], text["error_severity"]), state, value),
				nesting-1)...)
		case isText && isField(name):
			out = append(out, name+": "+strings.ReplaceAll(value, "\n", " "))
		default:
			out = append(out, jsonValue(m.value, nesting)...)
		}
	}
	return out
}

type member struct {
	name  string
	value json.RawMessage
}

// members reads an object's members in their order.
func members(raw json.RawMessage) []member {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	var out []member
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return out
		}
		m := member{}
		if m.name, _ = name.(string); decoder.Decode(&m.value) != nil {
			return out
		}
		out = append(out, m)
	}
	return out
}

// signed puts severity and SQLSTATE before a message, as psql does with VERBOSITY verbose.
func signed(severity, state, message string) string {
	if isState(state) {
		message = state + ": " + message
	}
	if severity != "" && severityOf(severity) != "" {
		message = severity + ":  " + message
	}
	return message
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

var escapes = lazyregexp.New(`\\+u[0-9A-Fa-f]{4}|\\+["'/]|\\+[nrt]`)

// unescape undoes what is left of escapes where a text is no whole JSON. A path of Windows loses a few letters by it.
func unescape(line string) string {
	return escapes.ReplaceAllStringFunc(line, func(escape string) string {
		body := strings.TrimLeft(escape, `\`)
		switch body[0] {
		case 'n', 'r':
			return "\n"
		case 't':
			return " "
		case 'u':
			if code, err := strconv.ParseUint(body[1:], 16, 32); err == nil {
				return string(rune(code))
			}
		}
		return body
	})
}

// csvLog is the part of a line of PostgreSQL's csvlog that counts.
var csvLog = lazyregexp.New(`,(FATAL|ERROR|PANIC),([0-9A-Z]{5}),"((?:[^"]|"")*)"`)

func fromCSV(line string) string {
	found := csvLog.FindStringSubmatch(line)
	if found == nil {
		return line
	}
	return found[1] + ":  " + found[2] + ": " + strings.ReplaceAll(found[3], `""`, `"`)
}

// visible drops what a terminal or a page would obey, and invisible characters that people use to hide things.
func visible(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case r == '\u00a0' || r == '\u2009' || r == '\u202f' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			return -1
		}
		return r
	}, line)
}

// blockTags and inlineTags are what a page or a ticket's editor puts around a text; <username@hostname> is no tag.
var (
	blockTags  = lazyregexp.New(`(?i)</?(?:p|br|div|pre|li|ul|ol|tr|td|table|h[1-6])(?:\s[^<>\n]*)?/?>`)
	inlineTags = lazyregexp.New(`(?i)</?(?:span|code|b|i|em|strong|a|font|samp|tt)(?:\s[^<>\n]*)?>`)
)

// reply is what a mail program puts before the lines that it quotes.
var reply = lazyregexp.New(`(?m)^[ \t]*(?:>[ \t]*)+`)

// ansi are a terminal's colours, with the escape character as it is or made visible.
var ansi = lazyregexp.New(`(?:\x1b|\\x1b|\\u001b)\[[0-9;]*m`)

// cut shortens to whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
