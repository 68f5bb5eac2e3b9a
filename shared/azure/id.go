package azure

import "strings"

// ID is a resource id in parts. What an id does not have is empty.
type ID struct {
	Subscription, ResourceGroup string
	// Kind is the full type in lower case, such as microsoft.network/virtualnetworks/subnets.
	Kind string
	// Name is the last name, Parent that of the resource it is in.
	Name, Parent string
}

// ParseID takes an id apart; it never fails, whatever it is given.
func ParseID(id string) ID {
	var out ID
	var kinds, names []string
	parts := strings.Split(strings.Trim(id, "/"), "/")
	for i := 0; i+1 < len(parts); i += 2 {
		key, value := strings.ToLower(parts[i]), parts[i+1]
		switch {
		case key == "subscriptions" && out.Subscription == "":
			out.Subscription = value
		case key == "resourcegroups" && out.ResourceGroup == "":
			out.ResourceGroup = value
		case key == "providers":
			kinds, names = []string{strings.ToLower(value)}, nil
		case kinds != nil:
			kinds, names = append(kinds, key), append(names, value)
		}
	}
	out.Kind = strings.Join(kinds, "/")
	if n := len(names); n > 0 {
		out.Name = names[n-1]
		if n > 1 {
			out.Parent = names[n-2]
		}
	}
	return out
}

// Same compares two resource ids. Azure gives the same id in different cases.
func Same(a, b string) bool {
	return strings.EqualFold(strings.Trim(a, "/"), strings.Trim(b, "/"))
}

// NetworkOf is the virtual network that a subnet's id lies in; empty for any other id.
func NetworkOf(subnetID string) string {
	at := strings.LastIndex(strings.ToLower(subnetID), "/subnets/")
	if at < 0 {
		return ""
	}
	return subnetID[:at]
}
