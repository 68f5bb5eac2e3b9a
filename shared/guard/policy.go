// Package guard decides what may be dialled and holds the one dialer that everybody uses. A prober inside a virtual
// network that is driven by queue and webhook is a port scanner unless it is fenced in: the fence stands at the literal
// address that is dialled, not at a name that somebody else's DNS answers for. It resolves nothing and reads no setting.
package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Policy says which addresses and ports may be dialled. It never changes after Parse and may be shared. The zero value
// refuses everything.
type Policy struct {
	prefixes []netip.Prefix
	hosts    []string // exact names, lower case, no final dot
	suffixes []string // ".example.com" of an entry "*.example.com"
	ports    []portRange
}

type portRange struct{ first, last int }

// CheckPort returns a *Refusal for a port outside ALLOWED_PORTS.
func (p Policy) CheckPort(port int) error {
	for _, allowed := range p.ports {
		if allowed.first <= port && port <= allowed.last {
			return nil
		}
	}
	return &Refusal{Port: port, Reason: "the port is not in ALLOWED_PORTS"}
}

// Check returns a *Refusal unless addr may be dialled. Host is the name whose resolution gave addr, or the literal
// itself: pass a custom address field here, not the host that it stands in for, or a listed name would vouch for it.
func (p Policy) Check(host string, addr netip.Addr) error {
	if !addr.IsValid() {
		return &Refusal{Host: host, Reason: "there is no address"}
	}
	// A prefix never contains an address with a zone or a mapped IPv4 address, so both are stripped first: what
	// counts is where the packet goes.
	bare := addr.Unmap().WithZone("")
	if special, name, found := specialRange(bare); found {
		if p.names(special, bare) {
			return nil
		}
		return &Refusal{Host: host, Address: addr, Reason: name + " is refused unless an entry of ALLOWED_TARGETS names it"}
	}
	if p.contains(bare) || p.matches(host) {
		return nil
	}
	return &Refusal{Host: host, Address: addr, Reason: "neither the name nor the address is in ALLOWED_TARGETS"}
}

// CheckName returns a *Refusal unless the name itself is listed, so that it may be given to somebody else to resolve.
func (p Policy) CheckName(host string) error {
	if p.matches(host) {
		return nil
	}
	return &Refusal{Host: host, Reason: "the name is not in ALLOWED_TARGETS"}
}

func (p Policy) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(p.prefixes, func(allowed netip.Prefix) bool { return allowed.Contains(addr) })
}

// names tells whether an entry that lies wholly inside the special range holds the address: 0.0.0.0/0 opens the
// internet, but nobody who writes it has the metadata service in mind.
func (p Policy) names(special netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(p.prefixes, func(allowed netip.Prefix) bool {
		return allowed.Bits() >= special.Bits() && special.Contains(allowed.Addr()) && allowed.Contains(addr)
	})
}

func (p Policy) matches(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if slices.Contains(p.hosts, name) {
		return true
	}
	return slices.ContainsFunc(p.suffixes, func(suffix string) bool {
		return len(name) > len(suffix) && strings.HasSuffix(name, suffix)
	})
}

// Refusal says what was not allowed and why. Address and Port are zero where they were not the question.
type Refusal struct {
	Host    string
	Address netip.Addr
	Port    int
	Reason  string
}

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("refused %s: %s", r.subject(), r.Reason)
}

// RefusedByPolicy is the reason, for packages that recognise a refusal without importing this one.
func (r *Refusal) RefusedByPolicy() string { return r.Reason }

func (r *Refusal) subject() string {
	address := r.Host
	if r.Address.IsValid() {
		address = r.Address.String()
	}
	switch {
	case r.Port == 0:
		return fmt.Sprintf("%q", address)
	case address == "":
		return fmt.Sprintf("port %d", r.Port)
	default:
		return fmt.Sprintf("%q port %d", address, r.Port)
	}
}
