// Package soak runs many checks in one process, side by side: healthy servers, broken ones and hostile peers, all on
// loopback. Every verdict must be the kind's, and memory, goroutines and file descriptors must stay where they were.
// `make soak` runs 100,000 checks; a test run 1,500. SOAK_CHECKS changes the number. Nothing of it is linked into the
// handler.
package soak
