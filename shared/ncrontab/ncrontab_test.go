package ncrontab

import (
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	cases := []struct{ schedule, after, want string }{
		{"0 */5 * * * *", "2026-11-20T09:25:00Z", "2026-11-20T09:30:00Z"},
		{"0 */5 * * * *", "2026-11-20T09:24:59.999Z", "2026-11-20T09:25:00Z"},
		{"* * * * * *", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
		{"30 0 9-17 * * MON-FRI", "2026-11-20T17:00:30Z", "2026-11-23T09:00:30Z"},
		{"0 0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 12 31 * *", "2026-01-31T12:00:00Z", "2026-03-31T12:00:00Z"},
		{"0 0 0 13 * 5", "2026-11-20T00:00:00Z", "2027-08-13T00:00:00Z"}, // both days must match: a Friday the 13th
		{"0 10/20 * * * *", "2026-11-20T09:10:00Z", "2026-11-20T09:30:00Z"},
		{"0 10/20 * * * *", "2026-11-20T09:50:00Z", "2026-11-20T10:10:00Z"},
		{"0 0 22-20 * * *", "2026-11-20T22:00:00Z", "2026-11-21T20:00:00Z"}, // a reversed range is swapped
		{"0 0 0 1 jan,Jul *", "2026-02-01T00:00:00Z", "2026-07-01T00:00:00Z"},
		{"0 0 0 * * sunday", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z"},
		{"5-10/5,40 0 0 * * *", "2026-11-20T00:00:10Z", "2026-11-20T00:00:40Z"},
		{"0 0 12 * * *", "2026-11-20T13:30:00+02:00", "2026-11-20T12:00:00Z"},
	}
	for _, c := range cases {
		schedule, err := Parse(c.schedule)
		if err != nil {
			t.Fatal(err)
		}
		if got := schedule.Next(parse(t, c.after)); !got.Equal(parse(t, c.want)) {
			t.Errorf("%q after %s: got %s, want %s", c.schedule, c.after, got, c.want)
		}
	}
}

func TestNeverIsZero(t *testing.T) {
	t.Parallel()
	schedule, err := Parse("0 0 0 30 2 *")
	if err != nil {
		t.Fatal(err)
	}
	if got := schedule.Next(parse(t, "2026-01-01T00:00:00Z")); !got.IsZero() {
		t.Errorf("30 February occurs on %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"*/5 * * * *":      "5 fields",
		"":                 "0 fields",
		"60 * * * * *":     "second",
		"* -1 * * * *":     "minute",
		"* * 24 * * *":     "hour",
		"* * * 0 * *":      "day",
		"* * * * 13 *":     "month",
		"* * * * * 7":      "day of week",
		"*/0 * * * * *":    "step",
		"*/x * * * * *":    "step",
		"1,,2 * * * * *":   "second",
		"1- * * * * *":     "second",
		"* * * * * funday": "day of week",
		"mon * * * * *":    "second",
	}
	for text, reason := range cases {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, want an error that names %q", text, err, reason)
		}
	}
}

func TestOftenerThanAMinute(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{"*/30 * * * * *": true, "0,1 0 * * * *": true, "0 * * * * *": false, "0 0 0 30 2 *": false}
	for text, want := range cases {
		schedule, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := schedule.OftenerThanAMinute(parse(t, "2026-01-01T00:00:30Z")); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func parse(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
