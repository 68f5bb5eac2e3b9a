package resolve

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Question is a host field and the DNS servers to ask.
type Question struct {
	Name string
	// Servers are asked all at once, at most four.
	Servers []netip.AddrPort
	// Dial opens "udp" and "tcp" connections; nil means the system's.
	Dial Dial
}

// Dial opens a connection to a DNS server. It has to end with its context.
type Dial func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error)

const (
	// longest bounds the wait where the context allows more. The platform's own resolver gives a server 3 s.
	longest = 5 * time.Second
	// shortestGrace and graceFactor say how long other answers are waited for after the first complete one.
	shortestGrace = 500 * time.Millisecond
	graceFactor   = 3
	// slack is what questions get to end after their time is up.
	slack = 50 * time.Millisecond
)

// Observe asks every server for A and AAAA at once and returns what they said. It ends with the context, and 5 s after
// its start at the latest.
func Observe(ctx context.Context, q Question) Observation {
	started := time.Now()
	o := describe(q.Name)
	switch o.Form {
	case FormAddress:
		address, _ := netip.ParseAddr(q.Name)
		o.Addresses = []netip.Addr{address.Unmap()}
	case FormName:
		ctx, stop := context.WithTimeout(ctx, longest)
		defer stop()
		o.LimitMs = milliseconds(time.Until(deadline(ctx)))
		o.Servers = ask(ctx, q)
		o.AnsweredBy, o.Addresses = choose(o.Servers)
	}
	o.ElapsedMs = milliseconds(time.Since(started))
	return o
}

// reply is an answer on its way to where it belongs.
type reply struct {
	server int
	qtype  uint16
	answer Answer
}

func ask(ctx context.Context, q Question) []Server {
	asking, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	servers := distinct(q.Servers)
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	replies := make(chan reply, len(servers)*len(types))
	for i, server := range servers {
		for _, qtype := range types {
			x := exchange{dial: q.Dial, server: server.Address, name: dns.Fqdn(q.Name), qtype: qtype}
			go func() { replies <- reply{i, qtype, x.run(asking)} }()
		}
	}
	collect(asking, enough, gathering{servers: servers, replies: replies, pending: cap(replies)})
	return servers
}

func distinct(addresses []netip.AddrPort) []Server {
	var servers []Server
	for _, address := range addresses {
		known := slices.ContainsFunc(servers, func(s Server) bool { return s.Address == address })
		if !known && len(servers) < maxServers {
			servers = append(servers, Server{Address: address})
		}
	}
	return servers
}

type gathering struct {
	servers []Server
	replies <-chan reply
	pending int
}

// collect puts the answers in place until all are there, enough are there, or time is up.
func collect(ctx context.Context, enough context.CancelCauseFunc, g gathering) {
	started := time.Now()
	settled := false
	var grace, late <-chan time.Time
	ended := ctx.Done()
	for g.pending > 0 {
		select {
		case r := <-g.replies:
			g.pending--
			g.servers[r.server].put(r)
			if !settled && g.servers[r.server].settled() {
				settled = true
				grace = time.After(max(shortestGrace, graceFactor*time.Since(started)))
			}
		case <-grace:
			enough(errEnough)
		case <-ended:
			ended, late = nil, time.After(slack)
		case <-late: // a dial function that does not end with its context
			g.abandon(ctx)
			return
		}
	}
}

func (g gathering) abandon(ctx context.Context) {
	for i := range g.servers {
		for _, answer := range []*Answer{&g.servers[i].A, &g.servers[i].AAAA} {
			if answer.Outcome == "" {
				answer.Outcome = outcomeOf(ctx)
			}
		}
	}
}

func (s *Server) put(r reply) {
	if r.qtype == dns.TypeA {
		s.A = r.answer
		return
	}
	s.AAAA = r.answer
}

// settled tells whether a server has said all that matters: addresses, or that there are none. An error of the server
// settles nothing, another one may know better.
func (s *Server) settled() bool {
	if s.A.Outcome != Answered {
		return false
	}
	missing := s.A.RCODE == dns.RcodeToString[dns.RcodeNameError]
	empty := s.A.RCODE == dns.RcodeToString[dns.RcodeSuccess] && s.AAAA.Outcome != ""
	return len(s.A.Addresses) > 0 || missing || empty
}
