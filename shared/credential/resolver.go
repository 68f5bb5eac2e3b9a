// Package credential turns the reference in a request (an app setting, a Key Vault secret, the managed identity) into
// the secret itself, and extra roots into a pool. Nothing is fetched or built before it is asked for. Why a secret could
// not be had is told without the secret and without the text of an Azure library.
package credential

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// PostgreSQLScope is the audience of a token that a flexible server takes as a password, in the public cloud.
const PostgreSQLScope = "https://ossrdbms-aad.database.windows.net/.default"

// Options are the parts of a Resolver. Only Getenv is required.
type Options struct {
	// Getenv reads an app setting; "" is one that is not set. Pass os.Getenv.
	Getenv func(name string) string
	// Reserved are settings of our own beyond request.OwnSetting, such as the ones that TICKET_SECRETS names: a request
	// must not have them sent to a database.
	Reserved []string
	// Identity gives tokens; nil means NewIdentity, on first use.
	Identity azcore.TokenCredential
	// Scope of database tokens; "" means PostgreSQLScope. The sovereign clouds have their own.
	Scope string
	// Client is for Key Vault and for the identity that is built here.
	Client azcore.ClientOptions
}

// Resolver finds secrets. It may be used by several goroutines.
type Resolver struct {
	options  Options
	identity func() (azcore.TokenCredential, error)

	mu     sync.Mutex
	vaults map[string]*azsecrets.Client
	// roots are the pools read so far, by the text that they were read from.
	roots map[string]*x509.CertPool
}

// New makes a Resolver and does nothing else: no call, no credential, no client.
func New(options Options) *Resolver {
	if options.Scope == "" {
		options.Scope = PostgreSQLScope
	}
	return &Resolver{
		options:  options,
		vaults:   map[string]*azsecrets.Client{},
		roots:    map[string]*x509.CertPool{},
		identity: sync.OnceValues(func() (azcore.TokenCredential, error) { return identityOf(options) }),
	}
}

func identityOf(options Options) (azcore.TokenCredential, error) {
	if options.Identity != nil {
		return fresh{options.Identity}, nil
	}
	identity, err := NewIdentity(options.Getenv, options.Client)
	if err != nil {
		return nil, err
	}
	return fresh{identity}, nil
}

// Resolve fetches the secret that a credential points to. Every error is an *Unavailable.
func (r *Resolver) Resolve(ctx context.Context, c request.Credential) (secret.String, error) {
	switch {
	case c.Entra:
		token, err := r.Token(ctx)
		return token.Value, err
	case c.KeyVaultSecret != "":
		return r.fromVault(ctx, c.KeyVaultSecret)
	case c.Setting != "":
		value, err := r.setting(c.Setting)
		if err != nil {
			return secret.String{}, err
		}
		return usable("setting "+c.Setting, value)
	default:
		return secret.String{}, &Unavailable{Source: "credential", Why: "none is named"}
	}
}

// Token is an Entra token for a database and the end of its life, in UTC.
type Token struct {
	Value     secret.String
	ExpiresOn time.Time
}

// Token fetches a token of the managed identity. Every error is an *Unavailable.
func (r *Resolver) Token(ctx context.Context) (Token, error) {
	token, err := r.Identity().GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{r.options.Scope}})
	if err != nil {
		return Token{}, err
	}
	return Token{Value: secret.New(token.Token), ExpiresOn: token.ExpiresOn.UTC()}, nil
}

// Identity gives tokens of the managed identity for whatever audience is asked for. It makes no call before that; every
// error is an *Unavailable.
func (r *Resolver) Identity() azcore.TokenCredential { return explained{r} }

type explained struct{ resolver *Resolver }

// GetToken implements azcore.TokenCredential.
func (e explained) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	const source = "Entra token"
	identity, err := e.resolver.identity()
	if err != nil {
		return azcore.AccessToken{}, &Unavailable{Source: source, Why: e.resolver.noIdentity()}
	}
	ctx, seen := watch(ctx)
	token, err := identity.GetToken(ctx, o)
	if err != nil {
		return azcore.AccessToken{}, &Unavailable{Source: source, Why: e.resolver.explain(err, seen)}
	}
	return token, nil
}

func (r *Resolver) fromVault(ctx context.Context, address string) (secret.String, error) {
	source := "Key Vault secret " + address
	parsed, ok := request.ParseVaultSecret(address)
	if !ok {
		return secret.String{}, &Unavailable{Source: "Key Vault secret", Why: "its address is not one of a secret"}
	}
	client, err := r.vault(parsed.VaultURL)
	if err != nil {
		return secret.String{}, &Unavailable{Source: source,
			Why: r.noIdentity()}
	}
	ctx, seen := watch(ctx)
	response, err := client.GetSecret(ctx, parsed.Name, parsed.Version, nil)
	if err != nil {
		return secret.String{}, &Unavailable{Source: source, Why: r.explain(err, seen)}
	}
	if response.Value == nil {
		return secret.String{}, &Unavailable{Source: source, Why: "is empty"}
	}
	return usable(source, *response.Value)
}

func (r *Resolver) vault(address string) (*azsecrets.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if client, known := r.vaults[address]; known {
		return client, nil
	}
	identity, err := r.identity()
	if err != nil {
		return nil, err
	}
	client, err := azsecrets.NewClient(address, identity, &azsecrets.ClientOptions{ClientOptions: watched(r.options.Client)})
	if err != nil {
		return nil, fmt.Errorf("make Key Vault client: %w", err)
	}
	r.vaults[address] = client
	return client, nil
}

// setting reads an app setting that a request names.
func (r *Resolver) setting(name string) (string, error) {
	source := "setting " + name
	isName := func(reserved string) bool { return strings.EqualFold(reserved, name) }
	if request.OwnSetting(name) || slices.ContainsFunc(r.options.Reserved, isName) {
		return "", &Unavailable{Source: source, Why: "belongs to pgpreflight itself, a request cannot use it"}
	}
	value := r.options.Getenv(name)
	if value == "" {
		return "", &Unavailable{Source: source, Why: "is not set"}
	}
	// App Service hands over the reference itself where it cannot follow it.
	const reference = "@Microsoft.KeyVault("
	if text := strings.TrimSpace(value); len(text) >= len(reference) && strings.EqualFold(text[:len(reference)], reference) {
		return "", &Unavailable{Source: source,
			Why: "is a Key Vault reference that App Service could not resolve: see its status under environment variables"}
	}
	return value, nil
}

// usable refuses what cannot be a password. A line break at the end is the usual leftover of echo and of a file; sent
// along it would give a "password authentication failed" that nobody understands.
func usable(source, value string) (secret.String, error) {
	switch {
	case value == "":
		return secret.String{}, &Unavailable{Source: source, Why: "is empty"}
	case strings.ContainsAny(value, "\r\n\x00"):
		return secret.String{}, &Unavailable{Source: source, Why: "holds a line break or a zero byte: store the bare value"}
	}
	return secret.New(value), nil
}

// Unavailable says which secret could not be had and why. Neither text holds any part of the secret.
type Unavailable struct {
	// Source is "setting ORDERS_PW", "Key Vault secret https://…/secrets/x" or "Entra token".
	Source string
	Why    string
}

// Error implements error.
func (u *Unavailable) Error() string { return u.Source + ": " + u.Why }
