package ncrontab

import "time"

// Next returns the first occurrence after a time, in UTC; zero where there is none within eight years, the longest wait
// for a 29 February.
func (s Schedule) Next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Second).Add(time.Second)
	for end := t.AddDate(8, 1, 0); t.Before(end); {
		year, month, day := t.Date()
		switch {
		case !s.months.has(int(month)):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.days.has(day) || !s.daysOfWeek.has(int(t.Weekday())):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !s.hours.has(t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !s.minutes.has(t.Minute()):
			t = t.Truncate(time.Minute).Add(time.Minute)
		case !s.seconds.has(t.Second()):
			t = t.Add(time.Second)
		default:
			return t
		}
	}
	return time.Time{}
}

// OftenerThanAMinute tells whether two of the next occurrences are less than a minute apart. The timer extension
// switches the schedule monitor off for such schedules (facts section 2.3).
func (s Schedule) OftenerThanAMinute(from time.Time) bool {
	previous := s.Next(from)
	for range 5 {
		next := s.Next(previous)
		if !next.IsZero() && next.Sub(previous) < time.Minute {
			return true
		}
		previous = next
	}
	return false
}
