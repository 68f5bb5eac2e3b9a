package dnsserver

import (
	"net/netip"
	"time"
)

// Script is what the server says about one name. The zero value is an existing name without any record (NODATA).
type Script struct {
	// Addresses are the A and AAAA records.
	Addresses []netip.Addr
	// Alias makes the name a CNAME. The target is looked up in the same server, as a resolver would.
	Alias string
	// Many adds that many A records, 10.128.0.0 and up.
	Many int
	// TTL in seconds; 0 means 60.
	TTL uint32
	// Fault is what is done instead of, or to, the right answer.
	Fault Fault
	// Delay is slept before the answer.
	Delay time.Duration
	// Drop is how many queries of each type get no answer before the first that does.
	Drop int
	// Only limits Fault, Delay and Drop to "A" or "AAAA" queries; empty means both.
	Only string
	// ExtendedError is the text of an extended DNS error (RFC 8914), sent with code 0 to a client that speaks EDNS0.
	ExtendedError string
}

// Fault is a way to misbehave. The zero value is none.
type Fault string

// Faults that a DNS server shows by its RCODE or by an empty answer.
const (
	NXDomain  Fault = "nxdomain"
	ServFail  Fault = "servfail"
	Refused   Fault = "refused"
	NotImp    Fault = "notimp"
	FormErr   Fault = "formerr"
	EmptySOA  Fault = "no data, with SOA"
	EmptyBare Fault = "no data, without SOA"
)

// Faults of answers that must not be believed.
const (
	Silence   Fault = "silence"
	WrongID   Fault = "wrong id"
	WrongName Fault = "answer to another name"
	WrongType Fault = "answer to another type"
	// NotResponse sends the query back with addresses in it and the response bit off.
	NotResponse Fault = "query bit set"
	NoQuestion  Fault = "answer without question"
	Junk        Fault = "junk bytes"
	CutShort    Fault = "record cut in the middle"
	OtherPort   Fault = "answer from another port"
	// ForgedFirst sends a wrong id, another name and junk, each with a forged address, and then the right answer.
	ForgedFirst Fault = "forged answers before the right one"
	// Stray adds an address of a name that was not asked for to the right answer.
	Stray Fault = "address of another name in the answer"
	// Flood sends junk without end, until the next query or Close.
	Flood Fault = "junk without end"
)

// Faults of size and transport.
const (
	Truncated          Fault = "truncated over UDP"
	TruncatedTCPCloses Fault = "truncated over UDP, TCP closes"
	TruncatedTCPSilent Fault = "truncated over UDP, TCP silent"
	TruncatedTCPDrips  Fault = "truncated over UDP, TCP sends a byte at a time"
	// Oversized sends the whole answer in one datagram, whatever size the client offered.
	Oversized     Fault = "datagram larger than offered"
	FormErrOnEDNS Fault = "FORMERR to EDNS0"
	DropsEDNS     Fault = "no answer to EDNS0"
)

// Query is one question that reached the server.
type Query struct {
	Name, Type, Transport string
	EDNS                  bool
}
