package settings

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Connection is how a service is reached: by a connection string, or by its address with the managed identity.
type Connection struct {
	// Setting is the name that the bindings use, such as CheckQueue.
	Setting string
	// ConnectionString wins over Address where both are set, as it does in the host.
	ConnectionString secret.String
	// Address is the namespace's host name or the table service's endpoint.
	Address string
	// ClientID chooses a user-assigned identity; empty means the system-assigned one.
	ClientID string
	suffix   string
}

// Missing tells that neither form is set.
func (c Connection) Missing() bool { return c.ConnectionString.Empty() && c.Address == "" }

// Names are the settings of which one must be there, as a phrase.
func (c Connection) Names() string { return c.Setting + " or " + c.Setting + "__" + c.suffix }

// secrets are the connection string and the keys within it. They are not kept: fmt prints what is in unexported fields.
func (c Connection) secrets() []secret.String {
	secrets := []secret.String{c.ConnectionString}
	parts, _ := split(c.ConnectionString.Reveal())
	for _, key := range []string{"sharedaccesskey", "accountkey", "sharedaccesssignature"} {
		if parts[key] != "" {
			secrets = append(secrets, secret.New(parts[key]))
		}
	}
	return secrets
}

func (r *reader) connection(name, suffix string, checkString func(pairs) string,
	checkAddress func(string) string) Connection {
	c := Connection{Setting: name, suffix: suffix, ClientID: r.get(name + "__clientId")}
	c.Address = r.text(name+"__"+suffix, "", checkAddress)
	value := r.get(name)
	if value == "" {
		return c
	}
	parts, ok := split(value)
	if !ok {
		r.fail(name, "is not a connection string of NAME=VALUE pairs, each name once, with semicolons between them")
		return c
	}
	if trouble := checkString(parts); trouble != "" {
		r.fail(name, "%s", trouble)
	}
	if parts.truthy(developmentStorage) {
		value = azurite(parts[developmentProxy])
	}
	c.ConnectionString = secret.New(value)
	return c
}

// pairs is a connection string, by name in lower case.
type pairs map[string]string

// split refuses a name that comes twice, in any case: the SDKs differ in which one they take.
func split(value string) (pairs, bool) {
	parts := pairs{}
	for part := range strings.SplitSeq(value, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, rest, ok := strings.Cut(part, "=")
		if !ok {
			return nil, false
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if _, twice := parts[key]; twice {
			return nil, false
		}
		parts[key] = strings.TrimSpace(rest)
	}
	return parts, len(parts) > 0
}

// truthy reads a flag as the SDKs do, who take 1 and t for true as well.
func (p pairs) truthy(name string) bool {
	on, err := strconv.ParseBool(p[name])
	return err == nil && on
}

func checkServiceBus(p pairs) string {
	endpoint, err := url.Parse(p["endpoint"])
	switch {
	case p["endpoint"] == "" || err != nil || endpoint.Hostname() == "":
		return "has no Endpoint=sb://HOST/"
	case endpoint.Scheme != "sb" && endpoint.Scheme != "amqps" && endpoint.Scheme != "https":
		return "has an Endpoint that is not sb://HOST/"
	case p.truthy("usedevelopmentemulator") && !isLoopback(endpoint.Hostname()):
		// The flag turns TLS off in every client library: the key's token would travel in the clear.
		return "has UseDevelopmentEmulator=true with an Endpoint that is not a loopback address"
	case p["sharedaccesssignature"] == "" && (p["sharedaccesskeyname"] == "" || p["sharedaccesskey"] == ""):
		return "has neither SharedAccessKeyName and SharedAccessKey nor SharedAccessSignature"
	}
	return ""
}

func checkNamespace(value string) string {
	if !isHostName(value) || !strings.Contains(value, ".") {
		return "is not the host name of a namespace, such as NAME.servicebus.windows.net"
	}
	return ""
}

// checkTables refuses what only a storage emulator needs, unless it stands on this machine: plain http shows the
// account's data, and devstoreaccount1 has a key that everybody knows.
func checkTables(p pairs) string {
	if p.truthy(developmentStorage) {
		if proxy := p[developmentProxy]; proxy != "" && !isLoopback(hostOf(proxy)) {
			return "has UseDevelopmentStorage=true with a proxy that is not a loopback address"
		}
		return ""
	}
	endpoint := p["tableendpoint"]
	switch {
	case endpoint == "" && p["accountname"] == "":
		return "has neither AccountName nor TableEndpoint"
	case p["accountkey"] == "" && p["sharedaccesssignature"] == "":
		return "has neither AccountKey nor SharedAccessSignature"
	case endpoint != "" && hostOf(endpoint) == "":
		return "has a TableEndpoint that is not https://HOST/"
	case isLoopback(hostOf(endpoint)):
		return ""
	case p["accountname"] == developmentAccount:
		return "has the development storage account with a host that is not a loopback address"
	case isPlain(endpoint) || endpoint == "" && strings.EqualFold(p["defaultendpointsprotocol"], "http"):
		return "uses http with a host that is not a loopback address"
	}
	return ""
}

// The names and the key of the storage emulator, which Microsoft documents for everybody.
const (
	developmentStorage = "usedevelopmentstorage"
	developmentProxy   = "developmentstorageproxyuri"
	developmentAccount = "devstoreaccount1"
	developmentKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// azurite writes UseDevelopmentStorage=true in full: Go's table client does not know the short form.
func azurite(proxy string) string {
	host := hostOf(proxy)
	if host == "" {
		host = "127.0.0.1"
	}
	return "DefaultEndpointsProtocol=http;AccountName=" + developmentAccount + ";AccountKey=" + developmentKey +
		";TableEndpoint=http://" + net.JoinHostPort(host, "10002") + "/" + developmentAccount + ";"
}

func hostOf(address string) string {
	at, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return at.Hostname()
}

func isPlain(address string) bool {
	at, err := url.Parse(address)
	return address != "" && (err != nil || !strings.EqualFold(at.Scheme, "https"))
}

func checkServiceURI(value string) string {
	at, err := url.Parse(value)
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "https" && at.Scheme != "http":
		return "is not the address of a table service, such as https://ACCOUNT.table.core.windows.net"
	case at.User != nil || at.RawQuery != "":
		return "has more than scheme, host and path"
	case at.Scheme == "http" && !isLoopback(at.Hostname()):
		return "uses http with a host that is not a loopback address"
	}
	return ""
}

// isLoopback knows addresses and the one name that RFC 6761 reserves for them; it asks no resolver.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
