// Package management reads from Azure's management plane what package azure judges: the servers of a migration, their
// virtual networks, security groups, routes, private endpoints and private DNS zones. It is the only package that knows
// Azure's management SDK. It only reads, follows the ids that it finds and lists nothing beyond the resource groups at
// hand; what it could not read is in the configuration as trouble, never an error.
package management

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

const (
	// maxCalls bounds the requests of one reading, tries that are repeated included. A migration between two peered
	// networks with private endpoints takes some forty.
	maxCalls = 160
	// maxPages bounds one list: a central zone may be linked to a thousand networks, a hundred to a page.
	maxPages = 20
	// atOnce bounds the requests of one reading that are under way, allAtOnce those of all readings of the process: the
	// management plane throttles by caller, and a batch of checks is one caller.
	atOnce    = 6
	allAtOnce = 24
	// maxEndpoints bounds the private endpoints that are followed from one server.
	maxEndpoints = 8
	// maxPeers bounds the peered networks that are looked at for a gateway.
	maxPeers = 4
)

// Options are the parts of a Reader. Only Credential is required.
type Options struct {
	// Credential is asked for a token at the start of a reading, and not before.
	Credential azcore.TokenCredential
	// Cloud is the public one where it is zero.
	Cloud cloud.Configuration
	// Transport carries the requests; nil means the SDK's own.
	Transport policy.Transporter
	// Retry is for tests; zero values mean the package's own.
	Retry policy.RetryOptions
}

// Reader reads configurations. It is safe for use by many goroutines.
type Reader struct {
	options Options
	slots   chan struct{}
}

// New makes a Reader and does nothing else: no call, no client.
func New(o Options) *Reader {
	if len(o.Cloud.Services) == 0 {
		o.Cloud = cloud.AzurePublic
	}
	return &Reader{options: o, slots: make(chan struct{}, allAtOnce)}
}

// Read reads until everything is read or the context ends. What was not read by then is in the configuration's
// troubles.
func (r *Reader) Read(ctx context.Context, q azure.Question) azure.Configuration {
	started := time.Now()
	w := newWalk(ctx, endpointZone(r.options.Cloud))
	w.shared = r.slots
	clients, err := r.clients(ctx, w)
	if err != nil {
		w.refuse(q, azure.Trouble{Kind: azure.NoIdentity, Detail: whyNoToken(ctx, err)})
	} else {
		w.clients = clients
		w.begin(q)
		w.running.Wait()
		w.lookAround(q)
		w.running.Wait()
	}
	out := w.configuration(q)
	out.Calls = int(w.calls.Load())
	out.ElapsedMs = float64(time.Since(started).Round(10*time.Microsecond)) / float64(time.Millisecond)
	return out
}

// clients makes what all requests of a reading share: one token, and policies that keep it to reading.
func (r *Reader) clients(ctx context.Context, w *walk) (*clients, error) {
	manager := r.options.Cloud.Services[cloud.ResourceManager]
	token, err := r.options.Credential.GetToken(ctx, policy.TokenRequestOptions{
		Scopes: []string{manager.Audience + "/.default"}})
	if err != nil {
		return nil, fmt.Errorf("get token for the management plane: %w", err)
	}
	options := policy.ClientOptions{
		Cloud: r.options.Cloud, Transport: r.options.Transport, Retry: retry(r.options.Retry),
		Telemetry:        policy.TelemetryOptions{ApplicationID: "pgpreflight"},
		PerRetryPolicies: []policy.Policy{guard{endpoint: manager.Endpoint, calls: &w.calls}},
	}
	return &clients{
		credential: held{TokenCredential: r.options.Credential, token: token},
		// The SDK would otherwise register a resource provider that a subscription lacks, which is a write.
		options: &arm.ClientOptions{ClientOptions: options, DisableRPRegistration: true},
	}, nil
}

// held gives the token that the reading started with, so that its clients ask for none of their own. A challenge
// (continuous access evaluation) is passed on.
type held struct {
	azcore.TokenCredential
	token azcore.AccessToken
}

// GetToken implements azcore.TokenCredential.
func (h held) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if o.Claims != "" {
		return h.TokenCredential.GetToken(ctx, o)
	}
	return h.token, nil
}
