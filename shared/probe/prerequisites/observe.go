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

// Ask returns an answer to each question that was put to one connection, in their order. The questions leave with the
// login, so it only reads.
type Ask func(ctx context.Context) []Answer

// Observe reads every answer to questions, which are Questions(t). It returns facts as far as there are any, and why the
// others are not there.
func Observe(ctx context.Context, ask Ask, t Target, questions []Question) Observation {
	begun := time.Now()
	o := read(t, questions, ask(ctx))
	o.ElapsedMs = float64(time.Since(begun).Microseconds()) / 1000
	return o
}
