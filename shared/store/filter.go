package store

import "strings"

// Azurite answers a malformed filter with no rows instead of an error, so the text is made here alone and tested as text.

// equals is an OData comparison with a string value.
func equals(column, value string) string { return column + " eq " + quote(value) }

// from is an OData comparison: value and everything after it, by code units.
func from(column, value string) string { return column + " ge " + quote(value) }

// after is an OData comparison: everything behind value, by code units.
func after(column, value string) string { return column + " gt " + quote(value) }

// below is an OData comparison: everything before value, by code units.
func below(column, value string) string { return column + " lt " + quote(value) }

// both joins conditions; empty ones are left out.
func both(conditions ...string) string {
	var kept []string
	for _, c := range conditions {
		if c != "" {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, " and ")
}

// given is a comparison with a value that was asked for, and no condition where none was.
func given(column, value string) string {
	if value == "" {
		return ""
	}
	return equals(column, value)
}

// quote makes an OData string literal: a quote within is doubled.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
