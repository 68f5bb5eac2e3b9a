package store

import (
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// callsAtOnce bounds the calls that are under way together. Hundreds of checks end in the same second, and a table
// service that is asked everything at once answers nothing in time; what then is tried again makes it worse.
const callsAtOnce = 32

// turnstile lets so many calls through at once. It stands before the retries, so that a try's own limit does not run
// while it waits for its turn.
type turnstile chan struct{}

// Do implements policy.Policy.
func (t turnstile) Do(r *policy.Request) (*http.Response, error) {
	ctx := r.Raw().Context()
	select {
	case t <- struct{}{}:
		defer func() { <-t }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return r.Next()
}

// transport keeps a connection for each call that may be under way; the usual ten would be opened anew all the time.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = callsAtOnce
	return t
}
