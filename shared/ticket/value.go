package ticket

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// maxText is how much of a description is read.
const maxText = 256 << 10

// valueOf gives the text of a field: a text, a number, an option ({"value": …}), a reference ({"display_value": …,
// "link": …}), a document, or the first of a list. Empty where it has none.
func valueOf(raw json.RawMessage) string {
	var text string
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0:
		return ""
	case raw[0] == '"':
		_ = json.Unmarshal(raw, &text)
		return text
	case raw[0] == '{':
		return optionOf(raw)
	case raw[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 || bytes.HasPrefix(bytes.TrimSpace(list[0]), []byte("[")) {
			return ""
		}
		return valueOf(list[0])
	case raw[0] == '-', raw[0] >= '0' && raw[0] <= '9':
		return string(raw)
	}
	return ""
}

// optionOf reads an object. ServiceNow's value goes before its display_value, in which a number has its thousands
// apart; not for a reference, whose value is a sys_id.
func optionOf(raw json.RawMessage) string {
	if text, is := document(raw); is {
		return text
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return ""
	}
	names := []string{"value", "display_value", "displayValue", "name", "key"}
	if members["link"] != nil {
		names = []string{"display_value", "displayValue", "value"}
	}
	for _, name := range names {
		member := bytes.TrimSpace(members[name])
		if text := ""; len(member) > 0 && member[0] != '{' && member[0] != '[' {
			if text = valueOf(member); text != "" {
				return text
			}
		}
	}
	return ""
}

// written is a field that people write text into, with a document's or a page's markup turned into lines.
func written(raw json.RawMessage) string { return plain(cut(valueOf(raw))) }

// cut bounds what is looked at.
func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "\uFFFD")
}

// thousands is 5432 as ServiceNow shows it, and as Jira's number fields send it.
var (
	thousands = lazyregexp.New(`^(\d{1,2})[,.\x{a0}\x{202f}'’](\d{3})$`)
	whole     = lazyregexp.New(`^(\d{1,5})\.0+$`)
)

// number takes the thousands' separator, or an empty fraction, out of a port.
func number(name Name, text string) string {
	if name != SourcePort && name != TargetPort {
		return text
	}
	return whole.ReplaceAllString(thousands.ReplaceAllString(text, "$1$2"), "$1")
}
