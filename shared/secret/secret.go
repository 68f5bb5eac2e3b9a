// Package secret holds a value that never prints: not with fmt, not in JSON, not in a log.
package secret

import "log/slog"

const redacted = "[redacted]"

// String is a secret text. Only Reveal gives it out, so a search for Reveal finds every place that handles one.
type String struct {
	// A pointer, because fmt calls no methods on unexported fields: of a struct that holds a secret in one, it prints
	// what it finds, and of a pointer that is an address.
	value *string
}

// New wraps a secret.
func New(value string) String { return String{value: &value} }

// Reveal returns the secret itself.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty tells whether there is nothing to keep.
func (s String) Empty() bool { return s.Reveal() == "" }

// String implements fmt.Stringer.
func (s String) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v.
func (s String) GoString() string { return redacted }

// MarshalText implements encoding.TextMarshaler, for JSON.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }
