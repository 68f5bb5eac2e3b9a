package credential

import (
	"fmt"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// NewIdentity gives the managed identity where App Service offers one, else whatever login DefaultAzureCredential
// finds, for work at a desk. AZURE_CLIENT_ID picks a user-assigned identity. It makes no call.
func NewIdentity(getenv func(string) string, client azcore.ClientOptions) (azcore.TokenCredential, error) {
	client = watched(client)
	if getenv("IDENTITY_ENDPOINT") == "" {
		identity, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: client})
		if err != nil {
			return nil, fmt.Errorf("set up default Azure credential: %w", err)
		}
		return identity, nil
	}
	// The default credential would try the environment and workload identity first, and report their failures.
	options := azidentity.ManagedIdentityCredentialOptions{ClientOptions: client}
	if id := getenv("AZURE_CLIENT_ID"); id != "" {
		options.ID = azidentity.ClientID(id)
	}
	identity, err := azidentity.NewManagedIdentityCredential(&options)
	if err != nil {
		return nil, fmt.Errorf("set up managed identity: %w", err)
	}
	return identity, nil
}

// watched fills in what the caller left open: short tries, since a check has 30 s for everything, and the policy that
// remembers failures.
func watched(client azcore.ClientOptions) azcore.ClientOptions {
	if client.Retry.MaxRetries == 0 {
		client.Retry.MaxRetries = 1
	}
	if client.Retry.RetryDelay == 0 {
		client.Retry.RetryDelay = 250 * time.Millisecond
	}
	if client.Retry.TryTimeout == 0 {
		client.Retry.TryTimeout = 8 * time.Second
	}
	client.PerRetryPolicies = append(slices.Clone(client.PerRetryPolicies), witness{})
	return client
}
