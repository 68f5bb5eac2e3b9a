package prerequisites

import (
	"errors"
	"slices"
	"testing"
)

// TestRowsAreReadAtOnce: rows are joined to be read, and a row that is not one value must not move what stands in others.
func TestRowsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows []string
		want []Text
		err  bool
		one  bool // the error is that of a row that holds more or less than a value
	}{
		"none":                    {rows: nil, want: []Text{}},
		"each its own":            {rows: []string{`"a"`, `"b,\"c"`}, want: []Text{"a", `b,"c`}},
		"two values in a row":     {rows: []string{`"a","b"`, `"c"`}, err: true, one: true},
		"a value over two rows":   {rows: []string{`["a"`, `"b"]`}, err: true},
		"NULL":                    {rows: []string{`"a"`, ``}, err: true},
		"no JSON":                 {rows: []string{`"a"`, `<html>`}, err: true},
		"another kind of a value": {rows: []string{`"a"`, `{}`}, err: true},
	} {
		got, err := values[Text](test.rows)
		if (err != nil) != test.err || errors.Is(err, errOneValue) != test.one || err == nil && (got == nil || !slices.Equal(got, test.want)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
