// Package queue sends messages to one Service Bus queue. It does not receive: the Functions host does that. It knows
// messages as bytes with an id, and nothing of what is in them.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Time limits. The client by itself waits for a broker that went silent as long as its caller's context lives.
const (
	sendWithin  = 15 * time.Second
	pingWithin  = 5 * time.Second
	closeWithin = 5 * time.Second
)

// ErrClosed means that the queue was closed by us.
var ErrClosed = errors.New("the queue is closed")

// Config says where the queue is: a connection string, or a namespace and a credential.
type Config struct {
	ConnectionString secret.String
	// Namespace is the full name, such as NAME.servicebus.windows.net.
	Namespace string
	// Credential gives tokens for Namespace. It is asked at the first call, never by Open.
	Credential azcore.TokenCredential
	// Queue is the queue's name.
	Queue string
}

// Queue is safe for concurrent use.
type Queue struct {
	name  string
	make  func() (*azservicebus.Client, error)
	scrub func(string) string

	// opening is the turn to open a link. The client's own first use is not safe for several at once: each would attach,
	// and all but the last link would be lost.
	opening chan struct{}
	mu      sync.Mutex
	current *link
	closed  bool
}

// Open checks the configuration. Nothing is dialled before the first call.
func Open(c Config) (*Queue, error) {
	if c.Queue == "" {
		return nil, errors.New("open queue: its name is missing")
	}
	build, err := builder(c)
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", c.Queue, err)
	}
	return &Queue{
		name:    c.Queue,
		make:    build,
		scrub:   scrubber(c.ConnectionString),
		opening: make(chan struct{}, 1),
	}, nil
}

// builder tries the configuration once; clients are cheap and do not dial.
func builder(c Config) (func() (*azservicebus.Client, error), error) {
	if c.ConnectionString.Empty() {
		build := func() (*azservicebus.Client, error) {
			return azservicebus.NewClient(c.Namespace, c.Credential, options())
		}
		if strings.Contains(c.Namespace, "://") {
			return nil, errors.New("the namespace is a name without a scheme, such as NAME.servicebus.windows.net")
		}
		_, err := build()
		return build, err
	}
	if err := checkConnection(c.ConnectionString); err != nil {
		return nil, err
	}
	build := func() (*azservicebus.Client, error) {
		return azservicebus.NewClientFromConnectionString(c.ConnectionString.Reveal(), options())
	}
	if _, err := build(); err != nil {
		// The cause is left out: what a broken connection string is quoted for may be its key.
		return nil, errors.New("the connection string needs Endpoint, SharedAccessKeyName and SharedAccessKey, or " +
			"Endpoint and SharedAccessSignature")
	}
	return build, nil
}

// options retry twice and soon. The client's own 4, 12 and 28 seconds between tries would outlive the handler's request.
func options() *azservicebus.ClientOptions {
	return &azservicebus.ClientOptions{
		ApplicationID: "pgpreflight",
		RetryOptions: azservicebus.RetryOptions{
			MaxRetries: 2, RetryDelay: 250 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
		},
	}
}

// Ping opens a link to the queue and closes it again: it shows that the namespace answers, that the credential may send
// and that the queue exists. It sends nothing.
func (q *Queue) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	return q.use(ctx, "ping", func(l *link) error { return l.probe(ctx, q.name) })
}

// Close ends the connection once the calls under way are over, and waits for that as long as ctx allows. Later calls get
// ErrClosed.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	open := q.current
	q.current, q.closed = nil, true
	q.mu.Unlock()
	if open == nil {
		return nil
	}
	select {
	case <-open.retire():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close queue %s: %w", q.name, ctx.Err())
	}
}

// use runs a call on an open link. A call that failed takes the link out of use, so that the next one begins afresh
// instead of on a connection whose state nobody knows.
func (q *Queue) use(ctx context.Context, op string, call func(*link) error) error {
	l, err := q.acquire(ctx)
	if err != nil {
		return q.fault(op, err)
	}
	defer l.users.Done()
	if err := call(l); err != nil {
		if breaks(err) {
			q.discard(l)
		}
		return q.fault(op, err)
	}
	return nil
}

// breaks tells whether the link is to blame. A message that is too large leaves it as it was, and so does a caller who
// went away.
func breaks(err error) bool {
	var large *TooLargeError
	return !errors.As(err, &large) && !errors.Is(err, context.Canceled)
}

// acquire gives the open link, or opens one. The caller must call users.Done.
func (q *Queue) acquire(ctx context.Context) (*link, error) {
	if l, err := q.held(); l != nil || err != nil {
		return l, err
	}
	select {
	case q.opening <- struct{}{}:
		defer func() { <-q.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l, err := q.held(); l != nil || err != nil {
		return l, err // Another one opened it while we waited.
	}
	l, err := openLink(ctx, q.make, q.name)
	if err != nil {
		return nil, err
	}
	return q.adopt(l)
}

func (q *Queue) held() (*link, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if q.current != nil {
		q.current.users.Add(1)
	}
	return q.current, nil
}

// adopt makes a new link the current one, unless the queue was closed meanwhile.
func (q *Queue) adopt(l *link) (*link, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		l.retire()
		return nil, ErrClosed
	}
	l.users.Add(1)
	q.current = l
	return l, nil
}

func (q *Queue) discard(l *link) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.current == l {
		q.current = nil
		l.retire()
	}
}
