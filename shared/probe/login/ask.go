package login

import (
	"context"
	"time"
)

// Answers returns the answers to Target.Flight, one for each query and in their order. They came with the login's, so
// reading them waits only for the server's own work. PG is not to be used before.
func (s *Session) Answers(ctx context.Context) []Answer {
	if !s.read {
		s.read = true
		s.answers = s.collect(ctx, s.sent)
	}
	return s.answers
}

// Ask puts questions in one flight of their own, with the same guard as Target.Flight. PG must be idle.
func (s *Session) Ask(ctx context.Context, queries []Query) []Answer {
	s.Answers(ctx)
	f := flight{queries: queries, bare: s.sent.bare}
	if !s.gone() {
		s.put(ctx, f)
	}
	return s.collect(ctx, f)
}

// put sends a flight. Reading meets whatever makes writing fail.
func (s *Session) put(ctx context.Context, f flight) {
	release := s.bound(ctx)
	defer release()
	var bytes []byte
	for _, m := range f.messages() {
		encoded, err := m.Encode(bytes)
		if err != nil {
			s.lose(Answer{End: EndError})
			return
		}
		bytes = encoded
	}
	_, _ = s.wire.Write(bytes)
}

// bound puts the connection under ctx; the returned function ends that.
func (s *Session) bound(ctx context.Context) func() bool {
	if deadline, ok := ctx.Deadline(); ok {
		_ = s.wire.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.wire.SetDeadline(time.Unix(1, 0)) })
	return func() bool {
		stopped := stop()
		_ = s.wire.SetDeadline(time.Time{})
		return stopped
	}
}

// collect reads the answers to a flight. What ends the connection is the fate of all that follow.
func (s *Session) collect(ctx context.Context, f flight) []Answer {
	if len(f.queries) == 0 {
		return nil
	}
	release := s.bound(ctx)
	defer release()
	var guard Answer
	if !f.bare {
		guard = s.next(ctx, false)
	}
	out := make([]Answer, 0, len(f.queries))
	for _, q := range f.queries {
		answer := s.next(ctx, true)
		if guard.Error != nil && answer.Error != nil {
			answer.Error = guard.Error
		}
		answer.Name = q.Name
		out = append(out, answer)
	}
	if !f.bare {
		s.next(ctx, false)
	}
	if !s.gone() && s.state != 'I' {
		s.lose(Answer{Violation: ViolationUnexpected})
	}
	return out
}

// next reads the answer to one message. One with a question brings rows or an error; anything less is no answer.
func (s *Session) next(ctx context.Context, question bool) Answer {
	var r answerReader
	for !s.gone() {
		m, err := s.wire.next()
		if err != nil {
			return s.failed(ctx, r, err)
		}
		state, broken := r.take(m)
		if state != 0 && question && !r.whole() {
			broken = ViolationRowMismatch
		}
		switch {
		case broken != "":
			s.lose(Answer{Violation: broken})
		case state != 0:
			s.state = state
			return r.answer
		}
	}
	return s.lost
}

// failed ends the session for a reading error. A FATAL error came before the end: it is the answer.
func (s *Session) failed(ctx context.Context, r answerReader, err error) Answer {
	ending := conversation{ctx: ctx}
	ending.ended(err)
	s.lose(Answer{End: ending.o.End, Violation: ending.o.Violation})
	if r.answer.Error != nil {
		return Answer{Error: r.answer.Error}
	}
	return s.lost
}

// lose gives the connection up, and keeps why.
func (s *Session) lose(why Answer) {
	s.lost = why
	s.wire.drop()
}

func (s *Session) gone() bool { return s.lost.End != "" || s.lost.Violation != "" }
