// Package chaos sends two thousand requests, by every way in, while the handler is killed, the tables and the queue are
// stopped and started, connections are cut and messages come twice. At the end every request must have exactly one
// report. What happens is drawn from a seed: CHAOS_SEED repeats the plan of a run (not its timing), CHAOS_REQUESTS
// changes its size. The log of host and handler is .local/chaos.log. Nothing of it is linked into the handler.
package chaos
