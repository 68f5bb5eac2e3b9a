package login

import (
	"context"
	"time"
)

// Answers returns the answers to Target.Flight, one for each query and in their order. They came with the login's, so
// reading them waits only for the server's own work. Session.PG comes after.
func (s *Session) Answers(ctx context.Context) []Answer {
	if !s.read {
		s.read = true
		s.answers = s.collect(ctx, s.sent)
	}
	return s.answers
}

// Ask puts questions in one flight of their own, with the same guard as Target.Flight. The connection must be idle.
func (s *Session) Ask(ctx context.Context, queries []Query) []Answer {
	s.Answers(ctx)
	return s.ask(ctx, flight{queries: queries, bare: s.sent.bare})
}

func (s *Session) ask(ctx context.Context, f flight) []Answer {
	if !s.gone() {
		s.put(ctx, f)
	}
	return s.collect(ctx, f)
}

// put sends a flight. Reading meets whatever makes writing fail.
func (s *Session) put(ctx context.Context, f flight) {
	release := s.bound(ctx)
	defer release()
	encoded, err := encode(f.messages())
	if err != nil {
		s.lose(Answer{End: EndError})
		return
	}
	_, _ = s.wire.Write(encoded)
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
	out := s.gather(ctx, f)
	release()
	for i := range out {
		out[i].Name = f.queries[i].Name
	}
	// Only questions that came together can be fewer than were asked.
	if left := f.queries[len(out):]; len(left) > 0 {
		out = append(out, s.ask(ctx, flight{queries: left, apart: true})...)
	}
	return out
}

// gather reads what is on its way: the answers, and those to the guard around them.
func (s *Session) gather(ctx context.Context, f flight) []Answer {
	if f.bare {
		return s.one(ctx, f.queries)
	}
	guard := s.next(ctx, false)
	var out []Answer
	switch {
	case f.apart:
		out = s.one(ctx, f.queries)
	default:
		out = s.together(ctx, len(f.queries))
	}
	if guard.Error != nil {
		out = s.refused(out, *guard.Error, len(f.queries))
	}
	s.next(ctx, false)
	if !s.gone() && s.state != 'I' {
		s.lose(Answer{Violation: ViolationUnexpected})
	}
	return out
}

// refused puts the refusal of the guard in the place of what followed from it.
func (s *Session) refused(out []Answer, why ServerError, asked int) []Answer {
	for i := range out {
		if out[i].Error != nil {
			out[i].Error = &why
		}
	}
	for len(out) < asked {
		out = append(out, Answer{Error: &why})
	}
	return out
}

// one reads the answers of questions that are messages of their own.
func (s *Session) one(ctx context.Context, queries []Query) []Answer {
	out := make([]Answer, 0, len(queries))
	for range queries {
		out = append(out, s.next(ctx, true))
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
