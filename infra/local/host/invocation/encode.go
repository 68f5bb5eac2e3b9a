package invocation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// System is what every invocation carries in Metadata.sys.
type System struct {
	// Function is the function's name.
	Function string
	Now      time.Time
	// ID is a random GUID; the real host draws it apart from the invocation id.
	ID string
}

// dateTime and dateTimeOffset are the two time types of .NET, which go over the wire in two forms.
type (
	dateTime       time.Time
	dateTimeOffset time.Time
)

// MarshalJSON implements json.Marshaler: the fraction is dropped, and there is no zone (facts section 2.1).
func (d dateTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(d).UTC().Format("2006-01-02T15:04:05"))
}

// MarshalJSON implements json.Marshaler: the fraction is dropped.
func (d dateTimeOffset) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(d).UTC().Format("2006-01-02T15:04:05+00:00"))
}

// metadataValue applies the encoding rule of facts section 2.1: objects and times go as they are, everything else goes
// as JSON text inside a JSON string.
func metadataValue(value any) (any, error) {
	switch value.(type) {
	case dateTime, dateTimeOffset, *object, json.RawMessage:
		return value, nil
	}
	text, err := encode(value)
	if err != nil {
		return nil, err
	}
	return string(text), nil
}

// body puts an invocation together. Metadata loses its nulls and every key that ends in "trigger".
func body(binding string, data any, metadata *object) ([]byte, error) {
	written := &object{}
	for _, m := range metadata.members {
		if m.value == nil || strings.HasSuffix(strings.ToLower(m.name), "trigger") {
			continue
		}
		value, err := metadataValue(m.value)
		if err != nil {
			return nil, fmt.Errorf("encode metadata %q: %w", m.name, err)
		}
		written.members = append(written.members, member{m.name, value})
	}
	text, err := encode(&object{[]member{{"Data", &object{[]member{{binding, data}}}}, {"Metadata", written}}})
	if err != nil {
		return nil, fmt.Errorf("encode invocation: %w", err)
	}
	return text, nil
}

// addSystem adds sys, or $sys where the binding data has a sys of its own.
func addSystem(metadata *object, s System) {
	name := "sys"
	if metadata.has(name) {
		name = "$sys"
	}
	metadata.set(name, &object{[]member{
		{"MethodName", s.Function},
		{"UtcNow", s.Now.UTC().Format("2006-01-02T15:04:05.9999999Z")},
		{"RandGuid", s.ID},
	}})
}

// optional turns an empty text into null, which Metadata leaves out.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}
