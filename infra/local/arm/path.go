package arm

import "strings"

// path is the path of a resource, a collection or an action.
type path string

func (a path) key() string { return strings.ToLower(string(a)) }

func (a path) segments() []string { return strings.Split(strings.Trim(string(a), "/"), "/") }

func (a path) name() string { return string(a)[strings.LastIndex(string(a), "/")+1:] }

// resourceType is the type after the last provider in lower case; of a resource group and above, the path's words.
func (a path) resourceType() string {
	segments := strings.Split(strings.Trim(a.key(), "/"), "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i] != "providers" || i+1 >= len(segments) {
			continue
		}
		words := segments[i+1 : i+2]
		for j := i + 2; j < len(segments); j += 2 {
			words = append(words[:len(words):len(words)], segments[j])
		}
		return strings.Join(words, "/")
	}
	if len(segments) == 4 && segments[2] == "resourcegroups" {
		return "resourcegroup"
	}
	return ""
}

// isCollection tells a list of resources from a resource: after the provider, types and names come in pairs.
func (a path) isCollection() bool {
	segments := a.segments()
	for i := len(segments) - 1; i >= 0; i-- {
		if strings.EqualFold(segments[i], "providers") {
			return (len(segments)-i-2)%2 == 1
		}
	}
	return false
}

// parent is the resource that this one is a child or an extension of; empty where there is none but the resource group.
func (a path) parent() path {
	key := a.key()
	last := strings.LastIndex(key, "/providers/")
	if last < 0 {
		return ""
	}
	words := strings.Split(strings.Trim(key[last+len("/providers/"):], "/"), "/")
	switch {
	case len(words) > 3 && len(words)%2 == 0:
		// a part without a name of its own, such as components/NAME/currentbillingfeatures
		return a[:strings.LastIndex(string(a), "/")]
	case len(words) > 3:
		return a[:strings.LastIndex(string(a[:strings.LastIndex(string(a), "/")]), "/")]
	case strings.Contains(key[:last], "/resourcegroups/") || last == 0:
		return a[:last]
	}
	return ""
}

// alwaysThere are resources that nobody makes: services of a storage account, rule sets, secrets (they belong to the
// data plane), and what a subscription has.
func (a path) alwaysThere() bool {
	key := a.key()
	if strings.HasSuffix(key, "services/default") {
		return true
	}
	for _, part := range []string{"/providers/microsoft.authorization/roledefinitions/", "/networkrulesets/",
		"/providers/microsoft.keyvault/locations/"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return strings.Contains(key, "/providers/microsoft.keyvault/vaults/") && strings.Contains(key, "/secrets/")
}
