package request

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// OwnSetting tells whether an app setting belongs to pgpreflight, the Functions host or App Service. A request must not
// name one: a login would send its value to the server that the request names.
func OwnSetting(setting string) bool {
	upper := strings.ToUpper(setting)
	// App Service repeats every setting under APPSETTING_ and keeps connection strings under …CONNSTR_.
	prefixes := []string{"CHECKQUEUE", "RESULTTABLES", "AZUREWEBJOBS", "WEBSITE_", "FUNCTIONS_", "IDENTITY_", "MSI_",
		"APPLICATIONINSIGHTS_", "APPINSIGHTS_", "APPSETTING_", "AZURE_CLIENT_",
		"AZURE_FEDERATED_", "CONTAINER_", "OTEL_"}
	names := []string{"REPORT_LINK_KEY", "CALLBACK_SECRET", "CHECK_QUEUE", "READINESS_SCHEDULE", "ALLOWED_TARGETS",
		"ALLOWED_PORTS", "ALLOWED_CALLBACKS", "RESOLVERS", "PUBLIC_BASE_URL", "MAX_CONCURRENT_CHECKS", "MAX_SOCKETS",
		"MAX_REQUESTS_PER_MINUTE", "TICKET_SECRETS", "TICKET_FIELDS", "TICKET_APIS",
		"AZURE_CLOUD", "AZURE_PASSWORD", "AZURE_TENANT_ID", "AZURE_USERNAME"}
	return slices.Contains(names, upper) || strings.Contains(upper, "CONNSTR_") ||
		slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(upper, prefix) })
}

// VaultSecret is a Key Vault secret identifier, taken apart. Version is empty for the newest.
type VaultSecret struct{ VaultURL, Name, Version string }

var (
	vaultHost = lazyregexp.New(`^[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]\.` +
		`(?i:vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|vault\.microsoftazure\.de)$`)
	vaultPath = lazyregexp.New(`^/secrets/([A-Za-z0-9-]{1,127})(?:/([A-Za-z0-9]{1,64}))?/?$`)
)

// ParseVaultSecret reads https://<vault>.<suffix>/secrets/<name>[/<version>]. The suffixes are those of the public and
// the sovereign clouds, so that a token for Key Vault is never shown to another host.
func ParseVaultSecret(text string) (VaultSecret, bool) {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || address.User != nil || !vaultHost.MatchString(address.Host) {
		return VaultSecret{}, false
	}
	if address.RawQuery != "" || address.ForceQuery || address.Fragment != "" || address.RawPath != "" {
		return VaultSecret{}, false
	}
	parts := vaultPath.FindStringSubmatch(address.Path)
	if parts == nil {
		return VaultSecret{}, false
	}
	return VaultSecret{VaultURL: "https://" + strings.ToLower(address.Host), Name: parts[1], Version: parts[2]}, true
}
