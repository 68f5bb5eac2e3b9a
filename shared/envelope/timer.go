package envelope

import "time"

// Timer is the value of a timer trigger.
type Timer struct {
	// IsPastDue means that the call comes later than its slot.
	IsPastDue bool
	// Last and Next are the slot before and the slot that is due now; zero where the schedule is not monitored.
	Last, Next time.Time
}

// Timer reads a timer binding.
func (i Invocation) Timer(binding string) (Timer, error) {
	var wire struct {
		IsPastDue      bool
		ScheduleStatus *struct{ Last, Next string }
	}
	if err := i.Into(binding, &wire); err != nil {
		return Timer{}, err
	}
	timer := Timer{IsPastDue: wire.IsPastDue}
	if wire.ScheduleStatus != nil {
		timer.Last = slot(wire.ScheduleStatus.Last)
		timer.Next = slot(wire.ScheduleStatus.Next)
	}
	return timer, nil
}

// slot reads a time of the schedule. The very first call has .NET's smallest date, which is no slot at all.
func slot(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() <= 1 {
		return time.Time{}
	}
	return at.UTC()
}
