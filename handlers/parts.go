package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/pgpreflight/pgpreflight/handlers/checks"
	"github.com/pgpreflight/pgpreflight/handlers/health"
	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/shared/azure/management"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/check"
	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// resolvConf is where the platform names the DNS servers of the virtual network.
const resolvConf = "/etc/resolv.conf"

// parts are what the functions work with. An interface is nil, and not a nil pointer within it, where the settings it
// needs are missing; the functions then say so.
type parts struct {
	checker runcheck.Checker
	words   words
	store   tables
	queue   checks.Queue
	pings   health.Pings
	// notifier tells those who wait for a report; nil tells nobody.
	notifier outcome.Notifier
	// pages writes what people read in a browser.
	pages page.Pages
	// hooks are told what is done.
	hooks hooks
}

// open chooses the parts. It dials nothing and reads no large data: the words are read when the first report is written.
func open(s settings.Settings, p process) (parts, error) {
	words := sync.OnceValues(catalog.Load)
	resolvers := func() ([]netip.AddrPort, error) { return dnsServers(s) }
	cloud, known := management.Cloud(s.Cloud)
	if !known {
		return parts{}, fmt.Errorf("setting AZURE_CLOUD: %q is not the name of a cloud", s.Cloud)
	}
	credentials := credential.New(credential.Options{Getenv: p.getenv, Reserved: reserved(s),
		Client: azcore.ClientOptions{Cloud: cloud}})
	out := parts{
		checker: check.New(check.Parts{
			Resolvers: resolvers, Dialer: s.Allowed.Dialer, CheckPort: s.Allowed.CheckPort,
			CheckName:   s.Allowed.CheckName,
			Credentials: credentials,
			Azure:       management.New(management.Options{Credential: credentials.Identity(), Cloud: cloud}),
			Vantage:     vantage(s.Host), Words: words, Progress: p.progress, Now: p.now,
		}),
		words: words, pages: page.New(),
	}
	out.pings.Resolvers = func(context.Context) error {
		_, err := resolvers()
		return err
	}
	return out, out.connect(s, p)
}

// connect makes the clients of the queue and of the tables, where their settings are there.
func (out *parts) connect(s settings.Settings, p process) error {
	if !s.Tables.Missing() {
		tables, err := store.Open(store.Config{ConnectionString: s.Tables.ConnectionString, Endpoint: s.Tables.Address,
			Credential: identity(s.Tables, p)})
		if err != nil {
			return fmt.Errorf("setting %s: %w", s.Tables.Setting, err)
		}
		out.store, out.pings.Tables = tables, tables.Ping
	}
	if !s.Queue.Missing() {
		requests, err := queue.Open(queue.Config{ConnectionString: s.Queue.ConnectionString, Namespace: s.Queue.Address,
			Credential: identity(s.Queue, p), Queue: s.QueueName})
		if err != nil {
			return fmt.Errorf("setting %s: %w", s.Queue.Setting, err)
		}
		out.queue, out.pings.Queue = requests, requests.Ping
	}
	return nil
}

// dnsServers are those of the settings, else the instance's own, which follow the virtual network.
func dnsServers(s settings.Settings) ([]netip.AddrPort, error) {
	if len(s.Resolvers) > 0 {
		return s.Resolvers, nil
	}
	return resolve.SystemServers(resolvConf)
}

// reserved are the settings that hold ticketing systems' secrets and tokens: no request may have them sent to a database.
func reserved(s settings.Settings) []string {
	names := make([]string, 0, len(s.TicketSecrets)+len(s.TicketAPIs))
	for _, secret := range s.TicketSecrets {
		names = append(names, secret.Setting)
	}
	for _, api := range s.TicketAPIs {
		names = append(names, api.Setting)
	}
	slices.Sort(names)
	return names
}

func vantage(h settings.Host) report.Vantage {
	v := report.Vantage{FunctionApp: h.FunctionApp, Region: h.Region}
	if h.PrivateAddress.IsValid() {
		v.Address = h.PrivateAddress.String()
	}
	return v
}

// identity is the managed identity of a connection, made at the first call for a token; nil where a connection string
// is used. A connection's own client id goes before the app's.
func identity(c settings.Connection, p process) azcore.TokenCredential {
	if !c.ConnectionString.Empty() {
		return nil
	}
	getenv := func(name string) string {
		if name == "AZURE_CLIENT_ID" && c.ClientID != "" {
			return c.ClientID
		}
		return p.getenv(name)
	}
	return lazyIdentity(sync.OnceValues(func() (azcore.TokenCredential, error) {
		return credential.NewIdentity(getenv, azcore.ClientOptions{})
	}))
}

type lazyIdentity func() (azcore.TokenCredential, error)

func (l lazyIdentity) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	made, err := l()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return made.GetToken(ctx, o)
}
