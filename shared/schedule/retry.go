package schedule

import "time"

// Delay is how long a message waits that came into our own trouble for the attempt-th time, counted from 1; false when
// it had its hours. The delays are 30 s, 1, 2, 5 and 10 minutes, then half an hour twelve times: six hours and 18.5
// minutes in all. A regional outage of storage is usually mended within that.
func Delay(attempt int) (time.Duration, bool) {
	growing := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	const last, lastTimes = 30 * time.Minute, 12
	switch {
	case attempt < 1:
		return growing[0], true
	case attempt <= len(growing):
		return growing[attempt-1], true
	case attempt <= len(growing)+lastTimes:
		return last, true
	}
	return 0, false
}
