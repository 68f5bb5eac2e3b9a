package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// timeSpanPattern is the invariant .NET form [d.]hh:mm:ss[.fffffff].
var timeSpanPattern = regexp.MustCompile(`^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(\.\d{1,7})?$`)

// timeSpan parses a .NET TimeSpan. Empty gives the fallback; "-1" gives zero, which callers take as unlimited.
func timeSpan(text string, fallback time.Duration) (time.Duration, error) {
	switch text {
	case "":
		return fallback, nil
	case "-1":
		return 0, nil
	}
	parts := timeSpanPattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%q is not a time span hh:mm:ss", text)
	}
	days, hours, minutes := number(parts[1]), number(parts[2]), number(parts[3])
	if hours > 23 || minutes > 59 || number(parts[4]) > 59 {
		return 0, fmt.Errorf("%q is not a time span hh:mm:ss", text)
	}
	seconds, err := time.ParseDuration(parts[4] + parts[5] + "s")
	if err != nil {
		return 0, fmt.Errorf("%q is not a time span hh:mm:ss", text)
	}
	total := time.Duration(days*24+hours)*time.Hour + time.Duration(minutes)*time.Minute + seconds
	if total == 0 {
		return 0, fmt.Errorf("%q is no time at all", text)
	}
	return total, nil
}

// number reads digits that the pattern has already vouched for; no digits are 0.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
