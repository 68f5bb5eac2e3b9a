package store

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

const (
	keyState   = "state"
	keyReport  = "report"
	keyTicket  = "ticket"
	keyFinding = "finding-%03d"
)

// keyUnits is the longest key: 1 KiB of UTF-16.
const keyUnits = 512

// dayLayout is the PartitionKey of Recent.
const dayLayout = time.DateOnly

// firstDay is the earliest PartitionKey of Recent; check refuses reports from before it.
const firstDay = "1970-01-01"

// checkKeys refuses keys that the service would refuse, or answer with a misleading 500 (a slash). The quote is the
// SDK's: it doubles it in the body but not in the address, so that the row would never be found again.
func checkKeys(keys ...string) error {
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	return nil
}

func checkKey(key string) error {
	if key == "" {
		return errors.New("a table key is empty")
	}
	if units(key) > keyUnits {
		return fmt.Errorf("a table key of %d characters: %d are allowed", units(key), keyUnits)
	}
	if i := strings.IndexFunc(key, forbidden); i >= 0 {
		return fmt.Errorf("the table key %q has a character that keys may not have, at byte %d", key, i)
	}
	return nil
}

func forbidden(r rune) bool {
	control := r < 0x20 || (r >= 0x7f && r <= 0x9f)
	return control || strings.ContainsRune(`/\#?'`, r) || r == '\uFFFD'
}

func validKey(key string) bool { return checkKey(key) == nil }

// checkPrefix keeps table names within letters, digits and 63 characters, a letter first.
func checkPrefix(prefix string) error {
	if !regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]{0,49})?$`).MatchString(prefix) {
		return errors.New("open tables: a prefix of table names is up to 50 letters and digits, a letter first")
	}
	return nil
}

// newestFirst is a row key by which later checks sort first: .NET's DateTime.MaxValue.Ticks minus the time's ticks of
// 100 ns, in 19 digits. This is the pattern of Azure's table design guide ("log tail"), so its tools can read it back.
func newestFirst(started time.Time, id string) string {
	const ticksOf1970, maxTicks = 621_355_968_000_000_000, 3_155_378_975_999_999_999
	ticks := started.Unix()*10_000_000 + int64(started.Nanosecond()/100) + ticksOf1970
	return fmt.Sprintf("%019d-%s", int64(maxTicks)-ticks, id)
}

func day(t time.Time) string { return t.UTC().Format(dayLayout) }

// milliseconds rounds to whole ones: a float64 of 1.0 would come back as an integer and change the column's type.
func milliseconds(ms float64) int32 {
	switch {
	case math.IsNaN(ms) || ms <= 0:
		return 0
	case ms >= math.MaxInt32:
		return math.MaxInt32
	}
	return int32(math.Round(ms))
}
