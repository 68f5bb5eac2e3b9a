package management

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Cloud is the configuration of a cloud by the name that the Azure CLI gives it; false where there is none of that name.
func Cloud(name string) (cloud.Configuration, bool) {
	known, ok := map[string]cloud.Configuration{"": cloud.AzurePublic, "AzureCloud": cloud.AzurePublic,
		"AzureUSGovernment": cloud.AzureGovernment, "AzureChinaCloud": cloud.AzureChina}[name]
	return known, ok
}

// endpointZone is the zone of private endpoints. Its suffix is that of the cloud's other names.
func endpointZone(c cloud.Configuration) string {
	_, suffix, _ := strings.Cut(c.Services[cloud.ResourceManager].Endpoint, "//management.")
	return "privatelink.postgres.database." + strings.TrimRight(suffix, "/")
}
