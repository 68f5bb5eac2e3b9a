// Package store keeps reports, their followers and the state of unfinished checks in Table storage, in the flat columns
// of the contract. It knows rows, keys and limits of tables; it judges nothing, sends nothing and knows no HTTP shapes.
package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// The tables, as the contract names them.
const (
	tableChecks  = "Checks"
	tableHistory = "History"
	tableRecent  = "Recent"
	tableWaves   = "Waves"
	tableRoutes  = "Routes"
)

// Time limits. A whole call is bounded even where the caller's context is not; one try is bounded so that a connection
// that went silent leaves time for another.
const (
	callWithin = 20 * time.Second
	tryWithin  = 6 * time.Second
	pingWithin = 5 * time.Second
)

// Config says where the tables are: a connection string, or an endpoint and a credential.
type Config struct {
	ConnectionString secret.String
	// Endpoint is the address of the table service, such as https://ACCOUNT.table.core.windows.net.
	Endpoint string
	// Credential gives tokens for Endpoint. It is asked at the first call, never by Open.
	Credential azcore.TokenCredential
	// Transport carries the calls; nil means a client of our own, whose limits fit the table service.
	Transport policy.Transporter
	// Prefix goes before every table name, so that several installations can share an account. Letters and digits.
	Prefix string
}

// Store is safe for concurrent use.
type Store struct {
	service *aztables.ServiceClient
	prefix  string
	now     func() time.Time
	scrub   func(string) string
}

// Open checks the configuration. Nothing is dialled: a missing table service shows at the first call, and a missing
// table is made then.
func Open(c Config) (*Store, error) {
	service, err := client(c)
	if err != nil {
		return nil, err
	}
	if err := checkPrefix(c.Prefix); err != nil {
		return nil, err
	}
	return &Store{
		service: service,
		prefix:  c.Prefix,
		now:     time.Now,
		scrub:   scrubber(c.ConnectionString),
	}, nil
}

func client(c Config) (*aztables.ServiceClient, error) {
	if !c.ConnectionString.Empty() {
		service, err := aztables.NewServiceClientFromConnectionString(c.ConnectionString.Reveal(), options(c))
		if err != nil {
			// The cause is left out: what a broken connection string is quoted for may be its key.
			return nil, errors.New("open tables: the connection string needs AccountName and AccountKey or " +
				"SharedAccessSignature as NAME=VALUE pairs, with the key in base64")
		}
		return service, nil
	}
	if c.Endpoint == "" || c.Credential == nil {
		return nil, errors.New("open tables: a connection string, or an endpoint and a credential, is needed")
	}
	service, err := aztables.NewServiceClient(c.Endpoint, c.Credential, options(c))
	if err != nil {
		return nil, fmt.Errorf("open tables: %w", err)
	}
	return service, nil
}

// options retry twice and quickly. The SDK's own three retries with up to a minute between them would outlive the
// handler's request; the queue brings a failed message again anyway.
func options(c Config) *aztables.ClientOptions {
	carry := c.Transport
	if carry == nil {
		carry = &http.Client{Transport: transport()}
	}
	return &aztables.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport:       carry,
		PerCallPolicies: []policy.Policy{make(turnstile, callsAtOnce)},
		Retry: policy.RetryOptions{
			MaxRetries:    2,
			RetryDelay:    200 * time.Millisecond,
			MaxRetryDelay: 2 * time.Second,
			TryTimeout:    tryWithin,
		},
		Telemetry: policy.TelemetryOptions{ApplicationID: "pgpreflight"},
	}}
}

// EnsureTables makes every table that is missing. Nobody needs to wait for it: a write to a missing table makes it too.
func (s *Store) EnsureTables(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, table := range []string{tableChecks, tableHistory, tableRecent, tableWaves, tableRoutes} {
		group.Go(func() error { return s.create(ctx, table) })
	}
	return group.Wait()
}

// Ping asks the table service one cheap question, without retries. A table that is not there yet is no trouble.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	_, err := s.page(ctx, query{op: "ping", table: tableRecent, columns: "PartitionKey", top: 1})
	return err
}
