package request

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// resource checks the shape of an id. The segments after the provider are type and name in turn.
var resource = lazyregexp.New(`(?i)^/subscriptions/[0-9a-z-]{1,64}/resourceGroups/[\pL\pN._()-]{1,90}` +
	`/providers/[a-z0-9.]{1,128}(/[a-z0-9]{1,64}/[a-z0-9._()-]{1,128}){1,4}$`)

// The types of resources that may be named, without the names in between.
const (
	flexibleServer = "Microsoft.DBforPostgreSQL/flexibleServers"
	subnet         = "Microsoft.Network/virtualNetworks/subnets"
)

// sourceTypes are what a source may be named by: itself where it runs on Azure, or else the end of the way to it that
// lies in Azure.
func sourceTypes() []string {
	return []string{flexibleServer, "Microsoft.DBforPostgreSQL/servers", "Microsoft.Compute/virtualMachines",
		"Microsoft.Network/networkInterfaces", "Microsoft.Network/privateEndpoints", "Microsoft.Network/virtualNetworks",
		subnet}
}

// beResource checks the shape closely: the id is put into the path of a call to the management plane.
func beResource(types ...string) rule {
	return func(text string) string {
		walksUp := strings.Contains(text+"/", "/./") || strings.Contains(text+"/", "/../")
		if walksUp || !resource.MatchString(text) {
			return "be an Azure resource id: /subscriptions/…/resourceGroups/…/providers/<namespace>/<type>/<name>"
		}
		for _, allowed := range types {
			if strings.EqualFold(resourceType(text), allowed) {
				return ""
			}
		}
		return "be the id of a resource of type " + strings.Join(types, ", ")
	}
}

// resourceType is the namespace and the types of an id that has passed the check of its shape.
func resourceType(id string) string {
	segments := strings.Split(id, "/")[6:]
	out := segments[0]
	for i := 1; i < len(segments); i += 2 {
		out += "/" + segments[i]
	}
	return out
}
