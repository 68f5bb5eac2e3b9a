package dnsserver

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// peer is where a question came from.
type peer struct {
	transport string
	from      netip.AddrPort
	// send sends one whole message; write and close are for TCP.
	send  func([]byte) error
	write func([]byte) (int, error)
	close func()
}

func (s *Server) answer(client peer, raw []byte) {
	request := new(dns.Msg)
	if request.Unpack(raw) != nil || request.Response || len(request.Question) != 1 {
		return
	}
	before := s.note(client, request)
	script := s.script(request.Question[0].Name).on(request.Question[0].Qtype)
	if before < script.Drop || !s.sleep(script.Delay) {
		return
	}
	s.act(client, request, script)
}

// on is the script for one query type.
func (s Script) on(kind uint16) Script {
	if s.Only != "" && s.Only != dns.TypeToString[kind] {
		s.Fault, s.Delay, s.Drop = "", 0, 0
	}
	return s
}

// sleep tells whether the server still runs afterwards.
func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.running.Done():
		return false
	}
}

// right builds the answer that an honest server with this script would give.
func (s *Server) right(request *dns.Msg, script Script) *dns.Msg {
	answer := new(dns.Msg)
	answer.SetReply(request)
	answer.Authoritative, answer.RecursionAvailable, answer.Compress = true, true, true
	name := request.Question[0].Name
	seen := []string{key(name)}
	for script.Alias != "" {
		target := dns.Fqdn(script.Alias)
		answer.Answer = append(answer.Answer, &dns.CNAME{Hdr: header(name, dns.TypeCNAME, script), Target: target})
		if slices.Contains(seen, key(target)) {
			return s.finish(request, answer, script)
		}
		seen = append(seen, key(target))
		name, script = target, s.script(target).on(request.Question[0].Qtype)
	}
	answer.Answer = append(answer.Answer, records(name, request.Question[0].Qtype, script)...)
	answer.Rcode = rcode(script.Fault)
	if answer.Rcode != dns.RcodeSuccess || script.Fault == EmptySOA || script.Fault == EmptyBare {
		isAlias := func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeCNAME }
		answer.Answer = slices.DeleteFunc(answer.Answer, func(r dns.RR) bool { return !isAlias(r) })
	}
	return s.finish(request, answer, script)
}

// finish adds what surrounds the answer section: the SOA of a negative answer (RFC 2308) and EDNS0.
func (s *Server) finish(request, answer *dns.Msg, script Script) *dns.Msg {
	negative := answer.Rcode == dns.RcodeNameError || answer.Rcode == dns.RcodeSuccess && len(answer.Answer) == 0
	if negative && script.Fault != EmptyBare {
		answer.Ns = append(answer.Ns, &dns.SOA{Hdr: header(".", dns.TypeSOA, script), Ns: "ns.invalid.",
			Mbox: "nobody.invalid.", Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: 60})
	}
	if request.IsEdns0() == nil {
		return answer
	}
	answer.SetEdns0(1232, false)
	if script.ExtendedError != "" {
		answer.IsEdns0().Option = append(answer.IsEdns0().Option, &dns.EDNS0_EDE{ExtraText: script.ExtendedError})
	}
	return answer
}

func rcode(fault Fault) int {
	switch fault {
	case NXDomain:
		return dns.RcodeNameError
	case ServFail:
		return dns.RcodeServerFailure
	case Refused:
		return dns.RcodeRefused
	case NotImp:
		return dns.RcodeNotImplemented
	case FormErr:
		return dns.RcodeFormatError
	}
	return dns.RcodeSuccess
}

func header(name string, kind uint16, script Script) dns.RR_Header {
	ttl := script.TTL
	if ttl == 0 {
		ttl = 60
	}
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

func records(name string, kind uint16, script Script) []dns.RR {
	var out []dns.RR
	addresses := slices.Clone(script.Addresses)
	next := netip.MustParseAddr("10.128.0.0")
	for range script.Many {
		addresses = append(addresses, next)
		next = next.Next()
	}
	for _, address := range addresses {
		ip := net.IP(address.AsSlice())
		switch {
		case kind == dns.TypeA && address.Is4():
			out = append(out, &dns.A{Hdr: header(name, dns.TypeA, script), A: ip})
		case kind == dns.TypeAAAA && !address.Is4():
			out = append(out, &dns.AAAA{Hdr: header(name, dns.TypeAAAA, script), AAAA: ip})
		}
	}
	return out
}
