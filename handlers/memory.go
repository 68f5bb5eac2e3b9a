package main

import "runtime/debug"

// gcPercent lets the heap grow to three times what is live before it is collected. A handler holds some 10 MB of live
// data in an instance of at least 512 MB; collecting half as often saves about a twentieth of a check's processor time.
const gcPercent = 200

// spaciously sets the collector, unless GOGC does.
func spaciously(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
