package invocation

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// promote copies the top-level properties of a JSON text into Metadata, over what the host had put there (facts section
// 2.1). This is why Metadata cannot be trusted unless the binding is binary.
func promote(metadata *object, text string) {
	for _, m := range topLevel(text) {
		if value := promoted(m.value.(json.RawMessage)); value != nil {
			metadata.set(m.name, value)
		}
	}
}

// topLevel splits a JSON object into raw members; anything else gives none.
func topLevel(text string) []member {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || !json.Valid([]byte(text)) {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil
		}
		members = append(members, member{name.(string), value})
	}
	return members
}

// promoted gives the value for Metadata: objects as they are, scalars as strings, arrays and null not at all.
func promoted(raw json.RawMessage) any {
	switch raw[0] {
	case '{':
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return nil
		}
		return json.RawMessage(compact.Bytes())
	case '[', 'n':
		return nil
	case 't':
		return "True"
	case 'f':
		return "False"
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil
		}
		return americanDate(text)
	default:
		return string(raw)
	}
}

var isoDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,7})?(Z|[+-]\d{2}:\d{2})?$`)

// americanDate rewrites an ISO date as the invariant culture of .NET prints it, in UTC; other text stays.
func americanDate(text string) string {
	if !isoDate.MatchString(text) {
		return text
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if parsed, err := time.Parse(layout, text); err == nil {
			return parsed.UTC().Format("01/02/2006 15:04:05")
		}
	}
	return text
}
