// Package prerequisites says what to ask a logged-in PostgreSQL server so that the migration service finds no surprise,
// reads the answers into facts, and judges those by a table of rules. Its questions are single statements that read
// catalogues and settings; the session that puts them (package login's, in one flight inside one read-only transaction
// that is rolled back) is the caller's. It logs in nowhere, creates nothing and knows nothing of the management plane.
package prerequisites

import (
	"context"
	"time"
)

// Answer is what one question brought.
type Answer struct {
	// Rows hold the one column of each row; NULL is the empty string.
	Rows []string
	// Truncated says that there were more rows than these.
	Truncated bool
	// SQLState and Message are the server's refusal, where it refused.
	SQLState, Message string
	// Missing says why there is neither: the connection ended, or the peer broke the protocol.
	Missing string
}

// Ask puts questions to one connection and returns an answer to each, in their order. Where the questions went out with
// the login already, it only reads.
type Ask func(ctx context.Context, questions []Question) []Answer

// Observe asks everything and reads every answer. It returns facts as far as there are any, and why the others are not
// there.
func Observe(ctx context.Context, ask Ask, t Target) Observation {
	begun := time.Now()
	questions := Questions(t)
	o := read(t, questions, ask(ctx, questions))
	o.ElapsedMs = float64(time.Since(begun).Microseconds()) / 1000
	return o
}
