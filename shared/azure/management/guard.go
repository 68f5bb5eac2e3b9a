package management

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// refusal is a request that this package does not let out. The SDK does not repeat it.
type refusal struct{ error }

// NonRetriable tells the SDK's retry policy to give up.
func (refusal) NonRetriable() {}

// Unwrap gives the reason.
func (r refusal) Unwrap() error { return r.error }

// What is not let out.
var (
	errOverLimit = errors.New("the cap on calls is reached")
	errElsewhere = errors.New("the address is not the management plane's")
	errNotARead  = errors.New("the request is no read")
)

// guard is the last policy before the wire. The address of a list's next page comes out of an answer, and the token
// goes to no other host; whatever the SDK does by itself, nothing but GET leaves.
type guard struct {
	endpoint string
	calls    *atomic.Int64
}

// Do implements policy.Policy.
func (g guard) Do(r *policy.Request) (*http.Response, error) {
	if r.Raw().Method != http.MethodGet {
		return nil, refusal{errNotARead}
	}
	allowed, err := url.Parse(g.endpoint)
	if err != nil || r.Raw().URL.Host != allowed.Host || r.Raw().URL.Scheme != allowed.Scheme {
		return nil, refusal{errElsewhere}
	}
	if g.calls.Add(1) > maxCalls {
		g.calls.Add(-1)
		return nil, refusal{errOverLimit}
	}
	return r.Next()
}

// retry fills in what the caller left open. A throttled request is repeated when its Retry-After says so, if that lies
// within the reading's time; otherwise waiting helps nobody.
func retry(o policy.RetryOptions) policy.RetryOptions {
	if o.MaxRetries == 0 {
		o.MaxRetries = 3
	}
	if o.RetryDelay == 0 {
		o.RetryDelay = 400 * time.Millisecond
	}
	if o.MaxRetryDelay == 0 {
		o.MaxRetryDelay = 30 * time.Second
	}
	if o.TryTimeout == 0 {
		o.TryTimeout = 10 * time.Second
	}
	o.ShouldRetry = worthRepeating
	return o
}

func worthRepeating(answer *http.Response, err error) bool {
	if err != nil || answer == nil {
		return true
	}
	passing := []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	if !slices.Contains(passing, answer.StatusCode) {
		return false
	}
	if answer.Request == nil {
		return true
	}
	end, bounded := answer.Request.Context().Deadline()
	return !bounded || wait(answer.Header) < time.Until(end)
}

// wait is what Retry-After asks for: RFC 9110, section 10.2.3, in seconds, as the management plane sends it.
func wait(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
