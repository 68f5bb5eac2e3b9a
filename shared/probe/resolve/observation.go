// Package resolve asks DNS servers for the addresses of a host name and judges what they say.
//
// It is a DNS client of its own because the resolvers of Go and of the C library hide the evidence: a missing name and
// an empty answer read the same there, SERVFAIL and REFUSED too, and which of several servers said so is not told.
//
// It reads no hosts file and appends no search domain: the answer is to hold for the migration service's servers, which
// have neither of this machine's. It follows no CNAME by asking again, as a stub resolver does not, keeps no cache, and
// never retries over a server's definite answer. What the addresses may be used for is not judged here.
package resolve

import (
	"net/netip"
	"slices"
)

// Observation is everything that was seen of one name.
type Observation struct {
	// Name is the host as given, without what may be a secret where it is not a host name.
	Name string `json:"name"`
	Form Form   `json:"form"`
	// Suggestion is the host that an unsupported form seems to mean; empty where that is not clear.
	Suggestion string   `json:"suggestion,omitempty"`
	Servers    []Server `json:"servers,omitempty"`
	// AnsweredBy is the server whose addresses are in Addresses: the first in the order given that has any.
	AnsweredBy netip.AddrPort `json:"answeredBy,omitzero"`
	// Addresses are those that can be dialled, IPv4 first, at most 64.
	Addresses []netip.Addr `json:"addresses,omitempty"`
	// LimitMs is the time that the servers had to answer.
	LimitMs   float64 `json:"limitMs,omitempty"`
	ElapsedMs float64 `json:"elapsedMs"`
}

// Server is what one DNS server said.
type Server struct {
	Address netip.AddrPort `json:"address"`
	A       Answer         `json:"a"`
	AAAA    Answer         `json:"aaaa"`
}

// Answer is what one DNS server said to one question.
type Answer struct {
	Outcome Outcome `json:"outcome"`
	RCODE   string  `json:"rcode,omitempty"`
	// Chain are the CNAME records from the asked name on, at most 16. ChainLength counts all, ChainEnd is the last
	// name.
	Chain       []Link `json:"chain,omitempty"`
	ChainLength int    `json:"chainLength,omitempty"`
	ChainEnd    string `json:"chainEnd,omitempty"`
	Loop        bool   `json:"loop,omitempty"`
	// Addresses belong to the end of the chain, at most 64. RecordCount is what the answer announced, of every type.
	Addresses          []Record        `json:"addresses,omitempty"`
	RecordCount        int             `json:"recordCount,omitempty"`
	Authoritative      bool            `json:"authoritative,omitempty"`
	RecursionAvailable bool            `json:"recursionAvailable,omitempty"`
	ExtendedErrors     []ExtendedError `json:"extendedErrors,omitempty"`
	Transport          string          `json:"transport,omitempty"`
	// Tries counts the queries sent over UDP.
	Tries       int  `json:"tries,omitempty"`
	WithoutEDNS bool `json:"withoutEdns,omitempty"`
	// Truncated tells that UDP gave only a part, so that TCP was asked.
	Truncated bool `json:"truncated,omitempty"`
	// InvalidAnswers counts messages that were not believed: wrong id, other question, not DNS.
	InvalidAnswers int     `json:"invalidAnswers,omitempty"`
	Errno          int     `json:"errno,omitempty"`
	ElapsedMs      float64 `json:"elapsedMs"`
}

// Outcome says how a question to one server ended.
type Outcome string

// The outcomes. Answered includes every RCODE. NotAwaited and Cancelled say nothing about the server.
const (
	Answered    Outcome = "answered"
	TimedOut    Outcome = "timed_out"
	Unreachable Outcome = "unreachable"
	// OnlyTruncated means that UDP gave a part and TCP gave nothing.
	OnlyTruncated Outcome = "only_truncated"
	// NotAwaited means that another server's answer was enough.
	NotAwaited Outcome = "not_awaited"
	Cancelled  Outcome = "cancelled"
)

// Link is one CNAME record.
type Link struct {
	Name       string `json:"name"`
	Target     string `json:"target"`
	TTLSeconds uint32 `json:"ttlSeconds"`
}

// Record is one A or AAAA record.
type Record struct {
	Address    netip.Addr `json:"address"`
	TTLSeconds uint32     `json:"ttlSeconds"`
}

// ExtendedError is a server's own reason, RFC 8914.
type ExtendedError struct {
	Code int    `json:"code"`
	Text string `json:"text,omitempty"`
}

// Bounds of what is kept.
const (
	keptAddresses = 64
	keptLinks     = 16
	keptErrors    = 4
	keptText      = 200
	maxServers    = 4
)

// usable are the addresses of a server that can be dialled at all, IPv4 first. Whether they may be is not decided here.
func (s Server) usable() []netip.Addr {
	var four, six []netip.Addr
	for _, record := range slices.Concat(s.A.Addresses, s.AAAA.Addresses) {
		address := record.Address.Unmap()
		switch {
		case !dialable(address) || slices.Contains(four, address) || slices.Contains(six, address):
		case address.Is4():
			four = append(four, address)
		default:
			six = append(six, address)
		}
	}
	all := slices.Concat(four, six)
	return all[:min(len(all), keptAddresses)]
}

// dialable is false for what names no single host: 0.0.0.0 and :: (a common way to block a name), multicast, broadcast.
func dialable(address netip.Addr) bool {
	return address.IsValid() && !address.IsUnspecified() && !address.IsMulticast() &&
		address != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// choose picks the addresses to go on with: a server with IPv4 before one without, else the order given.
func choose(servers []Server) (netip.AddrPort, []netip.Addr) {
	var by netip.AddrPort
	var chosen []netip.Addr
	for _, server := range servers {
		addresses := server.usable()
		if len(addresses) > 0 && (len(chosen) == 0 || !chosen[0].Is4() && addresses[0].Is4()) {
			by, chosen = server.Address, addresses
		}
	}
	return by, chosen
}
