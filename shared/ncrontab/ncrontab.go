// Package ncrontab parses six-field NCRONTAB expressions (second, minute, hour, day, month, day of week) as the
// NCrontab library of the Azure Functions host reads them, and computes occurrences in UTC. It knows no time zones and
// no five-field form.
package ncrontab

import (
	"fmt"
	"strconv"
	"strings"
)

// Schedule is a parsed expression. The zero value never occurs.
type Schedule struct {
	text                                              string
	seconds, minutes, hours, days, months, daysOfWeek set
}

// set has bit n set where the value n is allowed.
type set uint64

func (s set) has(n int) bool { return s&(1<<n) != 0 }

type field struct {
	name     string
	min, max int
	names    []string
}

// NCrontab differs from cron in two ways that matter: a day of the week is 0 to 6 (7 is refused), and where both a day
// of the month and a day of the week are given, both must match.
func fields() []field {
	return []field{
		{"second", 0, 59, nil},
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day", 1, 31, nil},
		{"month", 1, 12, []string{"january", "february", "march", "april", "may", "june", "july", "august", "september",
			"october", "november", "december"}},
		{"day of week", 0, 6, []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}},
	}
}

// Parse parses an expression such as "0 */5 * * * *".
func Parse(text string) (Schedule, error) {
	parts := strings.Fields(text)
	if len(parts) != 6 {
		return Schedule{}, fmt.Errorf("schedule %q has %d fields, must have 6 (second minute hour day month day-of-week)",
			text, len(parts))
	}
	sets := make([]set, len(parts))
	for i, f := range fields() {
		for _, item := range strings.Split(parts[i], ",") {
			allowed, err := f.parse(item)
			if err != nil {
				return Schedule{}, fmt.Errorf("schedule %q: %s %q: %w", text, f.name, parts[i], err)
			}
			sets[i] |= allowed
		}
	}
	return Schedule{text, sets[0], sets[1], sets[2], sets[3], sets[4], sets[5]}, nil
}

// parse reads one item of a list: *, n or n-m, each with an optional /step.
func (f field) parse(item string) (set, error) {
	item, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, fmt.Errorf("step %q is not a positive number", stepText)
		}
	}
	low, high, err := f.bounds(item, stepped)
	if err != nil {
		return 0, err
	}
	var allowed set
	for n := low; n <= high; n += step {
		allowed |= 1 << n
	}
	return allowed, nil
}

func (f field) bounds(item string, stepped bool) (int, int, error) {
	if item == "*" {
		return f.min, f.max, nil
	}
	first, last, isRange := strings.Cut(item, "-")
	low, err := f.value(first)
	if err != nil {
		return 0, 0, err
	}
	if !isRange {
		// n/step runs from n to the end of the field; a lone n is just n.
		if stepped {
			return low, f.max, nil
		}
		return low, low, nil
	}
	high, err := f.value(last)
	if err != nil {
		return 0, 0, err
	}
	// NCrontab swaps a reversed range instead of wrapping around.
	return min(low, high), max(low, high), nil
}

// value reads a number, or a name or the beginning of one.
func (f field) value(text string) (int, error) {
	if text != "" && (text[0] < '0' || text[0] > '9') {
		for i, name := range f.names {
			if strings.HasPrefix(name, strings.ToLower(text)) {
				return f.min + i, nil
			}
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is not between %d and %d", text, f.min, f.max)
	}
	return n, nil
}

// String is the expression.
func (s Schedule) String() string { return s.text }
