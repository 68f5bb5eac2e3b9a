// Package schedule decides when: which route is due and when its check starts, when a message in trouble comes again,
// who of those that wait for a slot goes first, and which finished check changes what was said about a route. It is
// pure: it is given the time, and stores, sends and probes nothing.
package schedule
