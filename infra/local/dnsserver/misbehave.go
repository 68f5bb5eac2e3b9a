package dnsserver

import (
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Forged is the address that answers carry which must not be believed.
func Forged() netip.Addr { return netip.MustParseAddr("203.0.113.66") }

// act gives the answer, or does what the fault says.
func (s *Server) act(client peer, request *dns.Msg, script Script) {
	answer := s.right(request, script)
	switch script.Fault {
	case Silence:
	case Truncated, TruncatedTCPCloses, TruncatedTCPSilent, TruncatedTCPDrips:
		s.truncate(client, request, answer, script.Fault)
	case FormErrOnEDNS, DropsEDNS:
		s.refuseEDNS(client, request, answer, script.Fault)
	case OtherPort:
		sendFromOtherPort(client, answer)
	case Flood:
		s.flood(client)
	case Oversized:
		send(client, answer)
	case ForgedFirst:
		for _, fault := range []Fault{WrongID, WrongName, Junk} {
			forge(client, request, answer, fault)
		}
		s.fit(client, request, answer)
	case WrongID, WrongName, WrongType, NotResponse, NoQuestion, Junk, CutShort:
		forge(client, request, answer, script.Fault)
	case Stray:
		answer.Answer = append(answer.Answer, forgedRecord("stray.invalid."))
		s.fit(client, request, answer)
	default:
		s.fit(client, request, answer)
	}
}

// fit sends an answer as large as the client takes: over UDP a longer one is truncated.
func (s *Server) fit(client peer, request, answer *dns.Msg) {
	if client.transport == "udp" {
		size := dns.MinMsgSize
		if opt := request.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		answer.Truncate(size)
	}
	send(client, answer)
}

// send ignores write errors: the client may have gone, which is its right.
func send(client peer, answer *dns.Msg) {
	if raw, err := answer.Pack(); err == nil {
		_ = client.send(raw)
	}
}

func forgedRecord(name string) dns.RR {
	return &dns.A{Hdr: header(name, dns.TypeA, Script{}), A: net.IP(Forged().AsSlice())}
}

// forge sends an answer that a careful client does not take for its own.
func forge(client peer, request, right *dns.Msg, fault Fault) {
	answer := right.Copy()
	answer.Answer = []dns.RR{forgedRecord(request.Question[0].Name)}
	answer.Rcode = dns.RcodeSuccess
	switch fault {
	case WrongID:
		answer.Id ^= 0x5555
	case WrongName:
		answer.Question[0].Name = "other.invalid."
		answer.Answer = []dns.RR{forgedRecord("other.invalid.")}
	case WrongType:
		answer.Question[0].Qtype = dns.TypeMX
	case NotResponse:
		answer.Response = false
	case NoQuestion:
		answer.Question = nil
	case CutShort:
		answer.Ns, answer.Extra = nil, nil
	case Junk:
		_ = client.send([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
		return
	}
	raw, err := answer.Pack()
	if err != nil {
		return
	}
	if fault == CutShort {
		raw = raw[:len(raw)-2]
	}
	_ = client.send(raw)
}

func (s *Server) truncate(client peer, request, answer *dns.Msg, fault Fault) {
	switch {
	case client.transport == "udp":
		answer.Answer, answer.Truncated = nil, true
		send(client, answer)
	case fault == TruncatedTCPCloses:
		client.close()
	case fault == TruncatedTCPDrips:
		s.drip(client, answer)
	case fault == Truncated:
		s.fit(client, request, answer)
	}
}

// drip announces the longest message and sends it a byte at a time.
func (s *Server) drip(client peer, answer *dns.Msg) {
	raw, err := answer.Pack()
	if err != nil {
		return
	}
	raw = append([]byte{0xff, 0xff}, append(raw, make([]byte, 0xffff-len(raw))...)...)
	for i := range raw {
		if _, err := client.write(raw[i : i+1]); err != nil || !s.sleep(10*time.Millisecond) {
			return
		}
	}
}

func (s *Server) refuseEDNS(client peer, request, answer *dns.Msg, fault Fault) {
	if request.IsEdns0() == nil {
		s.fit(client, request, answer)
		return
	}
	if fault == FormErrOnEDNS {
		bare := new(dns.Msg)
		bare.SetRcode(request, dns.RcodeFormatError)
		send(client, bare)
	}
}

func sendFromOtherPort(client peer, answer *dns.Msg) {
	raw, err := answer.Pack()
	if err != nil || client.transport != "udp" {
		return
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(client.from))
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write(raw)
}

// flood ends when the client is gone, which the kernel tells only sometimes, or after five seconds.
func (s *Server) flood(client peer) {
	for range 25000 {
		if client.send([]byte("junk junk junk junk")) != nil || !s.sleep(200*time.Microsecond) {
			return
		}
	}
}
