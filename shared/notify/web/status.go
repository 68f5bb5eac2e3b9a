package web

import (
	"errors"
	"fmt"
)

// StatusError is a whole answer that does not say yes.
type StatusError struct {
	Status int
	// RetryAfter is the header as it came; empty where there is none.
	RetryAfter string
}

// Error implements error.
func (e *StatusError) Error() string {
	if e.Status >= 300 && e.Status < 400 {
		return fmt.Sprintf("it answered %d; redirects are not followed", e.Status)
	}
	return fmt.Sprintf("it answered %d", e.Status)
}

// Accept turns an answer outside of 2xx into a *StatusError.
func Accept(a Answer, err error) (Answer, error) {
	if err == nil && (a.Status < 200 || a.Status > 299) {
		return a, &StatusError{Status: a.Status, RetryAfter: a.Header.Get("Retry-After")}
	}
	return a, err
}

// Unsure tells whether a request that failed so may have had its effect all the same. An answer of 4xx says that it had
// none; one of 5xx says nothing.
func Unsure(err error) bool {
	if failure, ok := errors.AsType[*FailedError](err); ok {
		return failure.Sent
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status >= 500
	}
	_, refused := errors.AsType[*RefusedError](err)
	return err != nil && !refused
}
