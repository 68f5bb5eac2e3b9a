// Package web sends HTTP requests to hosts that an operator allowed, and to nobody else: what counts is the address
// that is dialled, not what a name stood for when somebody looked. It follows no redirect and uses no proxy. It knows
// no report; whether an answer is the right one is its caller's question.
package web

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/guard"
)

// Hosts are host names, addresses and suffixes (".example.com") in lower case; empty allows nobody.
type Hosts []string

// RefusedError means that something may not be asked. Its text is for the operator and holds no secret.
type RefusedError struct{ Reason string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Reason }

// CheckURL gives a *RefusedError unless an address may be asked as far as its text tells: https, or http to a loopback
// address, and a host that is allowed.
func (h Hosts) CheckURL(address string) error {
	at, err := url.Parse(address)
	if err != nil || at.Hostname() == "" {
		return &RefusedError{"the address cannot be read"}
	}
	host := at.Hostname()
	literal, err := netip.ParseAddr(host)
	onLoopback := err == nil && literal.Unmap().IsLoopback()
	if at.Scheme != "https" && (at.Scheme != "http" || !onLoopback) {
		return &RefusedError{"the address is not https"}
	}
	if !h.named(host) && !h.below(host) {
		return &RefusedError{fmt.Sprintf("no entry allows the host %q", host)}
	}
	if err == nil {
		return h.checkAddress(host, literal)
	}
	return nil
}

// checkAddress decides on an address that is about to be dialled for a host that CheckURL let pass. A suffix speaks for
// public addresses only: whoever may make names below it could point one of them into the network. A host that is
// named in full may be private. Loopback is for those who name the address itself, and what answers on link-local and
// metadata addresses is nobody's receiver.
func (h Hosts) checkAddress(host string, addr netip.Addr) error {
	bare := addr.Unmap().WithZone("")
	if bare.IsLoopback() {
		if literal, err := netip.ParseAddr(host); err == nil && literal.Unmap() == bare && h.named(host) {
			return nil
		}
		return &RefusedError{fmt.Sprintf("%s is a loopback address and not allowed as such", bare)}
	}
	if special(bare) {
		return &RefusedError{fmt.Sprintf("%s is an address that nobody may be told at", bare)}
	}
	if private(bare) && !h.named(host) {
		return &RefusedError{fmt.Sprintf("%s is a private address, and no entry names the host %q in full", bare, host)}
	}
	return nil
}

// named tells whether an entry is the host itself.
func (h Hosts) named(host string) bool {
	name := plain(host)
	if addr, err := netip.ParseAddr(name); err == nil {
		return slices.ContainsFunc(h, func(entry string) bool {
			allowed, err := netip.ParseAddr(entry)
			return err == nil && allowed.Unmap() == addr.Unmap()
		})
	}
	return slices.Contains(h, name)
}

// below tells whether an entry is a suffix of the host. An address is below nothing.
func (h Hosts) below(host string) bool {
	name := plain(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	return slices.ContainsFunc(h, func(entry string) bool {
		return strings.HasPrefix(entry, ".") && len(name) > len(entry) && strings.HasSuffix(name, entry)
	})
}

func plain(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// special asks the guard, which knows the addresses of metadata services, link-local and multicast ranges, and IPv6
// addresses that a translator turns into one of them: an entry for everything does not open those.
func special(addr netip.Addr) bool {
	everything, err := guard.Parse("0.0.0.0/0,::/0", "")
	return err != nil || everything.Check("", addr) != nil
}

// private are addresses within somebody's network, or that lead into one by a translator (RFC 6052, RFC 3056).
func private(addr netip.Addr) bool {
	if addr.IsPrivate() {
		return true
	}
	return slices.ContainsFunc([]netip.Prefix{
		netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2002::/16"),
	}, func(p netip.Prefix) bool { return p.Contains(addr) })
}
