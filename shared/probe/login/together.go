package login

import "context"

// together reads the answers to questions that came in one message. They are fewer than asked where one failed: the
// others were left out by the server, and have to be asked again.
func (s *Session) together(ctx context.Context, asked int) []Answer {
	out := make([]Answer, 0, asked)
	var r answerReader
	for !s.gone() {
		m, err := s.wire.next()
		if err != nil {
			return s.rest(append(out, s.failed(ctx, r, err)), asked)
		}
		state, broken := r.take(m)
		if broken == "" {
			broken = outOfTurn(r, state, asked-len(out))
		}
		switch {
		case broken != "":
			s.lose(Answer{Violation: broken})
		case state != 0:
			s.state = state
			return s.counted(out, r.answer)
		case r.completed:
			out, r = append(out, r.answer), answerReader{}
		}
	}
	return s.rest(out, asked)
}

// outOfTurn refuses a message's end before all were answered, and answers beyond those that are left.
func outOfTurn(r answerReader, state byte, left int) Violation {
	started := r.answer.Columns != nil
	if state != 0 && r.answer.Error == nil && (left > 0 || started) || left == 0 && started {
		return ViolationRowMismatch
	}
	return ""
}

// counted adds the error that ended the message, where it can be told whose it is.
func (s *Session) counted(out []Answer, last Answer) []Answer {
	if last.Error == nil || s.ofMessage(len(out), *last.Error) {
		return out
	}
	return append(out, last)
}

// perStatement is the version since which statement_timeout counts for each statement of a message, not for all.
const perStatement = 130000

// ofMessage says that an error may be that of the whole message: it is read as a whole before its first statement runs,
// and old servers count the time of all its statements.
func (s *Session) ofMessage(answered int, e ServerError) bool {
	return answered == 0 || e.SQLState == "57014" && s.version < perStatement
}

// rest gives every question that is left the reason why nothing more can be read.
func (s *Session) rest(out []Answer, asked int) []Answer {
	for len(out) < asked {
		out = append(out, s.lost)
	}
	return out
}
