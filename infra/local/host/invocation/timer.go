package invocation

import "time"

// Schedule is the status that the schedule monitor keeps between two runs. A zero Last means that there was no run yet.
type Schedule struct {
	Last        time.Time
	Next        time.Time
	LastUpdated time.Time
}

// Timer builds the body for a timerTrigger. Status is nil where the monitor is off (facts section 2.3).
func Timer(binding string, status *Schedule, pastDue bool, system System) ([]byte, error) {
	var shown any
	if status != nil {
		shown = &object{[]member{
			{"Last", offset(status.Last)},
			{"Next", offset(status.Next)},
			{"LastUpdated", offset(status.LastUpdated)},
		}}
	}
	data := &object{[]member{
		{"Schedule", &object{[]member{{"AdjustForDST", true}}}},
		{"ScheduleStatus", shown},
		{"IsPastDue", pastDue},
	}}
	metadata := &object{}
	addSystem(metadata, system)
	return body(binding, data, metadata)
}

// offset prints a time inside an object; other than in Metadata the fraction stays.
func offset(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999+00:00") }
