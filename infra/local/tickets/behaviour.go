package tickets

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Behaviour is how a part fails once.
type Behaviour struct {
	// Status is answered without doing what was asked; 0 leaves the answer as it would be.
	Status int
	// RetryAfter is the header, in seconds or as a date.
	RetryAfter string
	// Location makes the answer a redirect.
	Location string
	// Hang gives no answer at all.
	Hang bool
	// Cut ends the connection within the answer's body.
	Cut bool
	// Done does what was asked before it fails: the caller cannot know.
	Done bool
	// Writes makes only calls that change something fail; the others are served.
	Writes bool
}

// Unauthorized does not know who asks.
func Unauthorized() Behaviour { return Behaviour{Status: http.StatusUnauthorized} }

// Forbidden does not let whoever asks.
func Forbidden() Behaviour { return Behaviour{Status: http.StatusForbidden} }

// NotFound has no such ticket or address.
func NotFound() Behaviour { return Behaviour{Status: http.StatusNotFound} }

// Gone wants no more of it.
func Gone() Behaviour { return Behaviour{Status: http.StatusGone} }

// TooMany asks to be left alone for so many seconds.
func TooMany(seconds int) Behaviour { return busy(http.StatusTooManyRequests, seconds) }

// Unavailable is away for so many seconds.
func Unavailable(seconds int) Behaviour { return busy(http.StatusServiceUnavailable, seconds) }

// Broken fails by itself.
func Broken() Behaviour { return Behaviour{Status: http.StatusInternalServerError} }

// Silent gives no answer.
func Silent() Behaviour { return Behaviour{Hang: true} }

// HalfAnswer breaks off within its answer.
func HalfAnswer() Behaviour { return Behaviour{Cut: true} }

// Redirect sends the caller elsewhere.
func Redirect(location string) Behaviour {
	return Behaviour{Status: http.StatusFound, Location: location}
}

func busy(status, seconds int) Behaviour {
	return Behaviour{Status: status, RetryAfter: strconv.Itoa(seconds)}
}

// ButDone is the same failure, of a call that was carried out.
func (b Behaviour) ButDone() Behaviour {
	b.Done, b.Writes = true, true
	return b
}

// FailNext makes the next n calls of a part fail. What was planned before comes first.
func (s *Standin) FailNext(p Part, n int, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.faults[p] = append(s.faults[p], b)
	}
}

// Recover forgets the failures that were planned.
func (s *Standin) Recover(p Part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, p)
}

// next takes the failure that is planned for a call.
func (s *Standin) next(p Part, r *http.Request) (Behaviour, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[p]++
	planned := s.faults[p]
	if len(planned) == 0 || planned[0].Writes && r.Method == http.MethodGet {
		return Behaviour{}, false
	}
	s.faults[p] = planned[1:]
	return planned[0], true
}

// behaving serves a call, or fails as planned.
func (s *Standin) behaving(p Part, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, failing := s.next(p, r)
		if !failing {
			serve(w, r)
			return
		}
		right := httptest.NewRecorder()
		if b.Done || p == Callback {
			serve(right, r.WithContext(context.WithValue(r.Context(), failingKey{}, b)))
		}
		_, _ = io.Copy(io.Discard, r.Body) // Only then does the server see that a caller went away.
		s.fail(w, r, b, right)
	}
}

// failingKey is under which a receiver finds how its call will fail.
type failingKey struct{}

func (s *Standin) fail(w http.ResponseWriter, r *http.Request, b Behaviour, right *httptest.ResponseRecorder) {
	switch {
	case b.Hang:
		s.hang(r)
		panic(http.ErrAbortHandler)
	case b.Cut:
		cut(w, right)
		return
	}
	if b.RetryAfter != "" {
		w.Header().Set("Retry-After", b.RetryAfter)
	}
	if b.Location != "" {
		w.Header().Set("Location", b.Location)
	}
	answer(w, b.Status, map[string]any{"errorMessages": []string{"failure on purpose"}, "status": "failure"})
}

// cut promises a longer body than it sends.
func cut(w http.ResponseWriter, right *httptest.ResponseRecorder) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	code := right.Code
	if code == http.StatusNoContent {
		code = http.StatusOK // The other has no body that could be cut.
	}
	writer := bufio.NewWriter(buffered)
	_, _ = writer.WriteString("HTTP/1.1 " + strconv.Itoa(code) + " OK\r\nContent-Type: application/json\r\n" +
		"Content-Length: 4096\r\n\r\n{\"half\":")
	_ = writer.Flush()
	_ = buffered.Flush()
}

// hang keeps a caller until it goes, or the stand-in is closed.
func (s *Standin) hang(r *http.Request) {
	ctx := r.Context()
	if s.options.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.options.Wait)
		defer cancel()
	}
	select {
	case <-ctx.Done():
	case <-s.running.Done():
	}
}
