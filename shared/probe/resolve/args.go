package resolve

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// args are the values that the words of every finding on an asked name may use; about says which servers it is on.
//
//	name         as asked
//	servers      those that the finding is on, as ip, or ip:port off port 53
//	answers      every server with its answer, "10.1.0.4 NXDOMAIN", "10.1.0.5 10.2.0.7,10.2.0.8", "10.1.0.6 timed_out"
//	rcode, chain (asked name first), chainEnd, addresses, extendedErrors, ttlSeconds, elapsedMs
//	             of the first of servers
//	aaaa         what the same server said to AAAA, as in answers
//	authoritative, recursionAvailable    the flags of the first of servers
//	viaPrivateLink, viaRegion    the chain passes privatelink.…, ends at the public name rs-…
//	limitMs      the time that the servers had
//
// DNS_TIMEOUT adds silent, invalid, truncated, unreachable (exactly one is true), invalidAnswers and errno, or has only
// noServers. DNS_PUBLIC_WHERE_PRIVATE_EXPECTED and its twin add expected, and addresses are the wrong ones.
// DNS_ANSWERS_DIFFER adds about and aboutExistence, aboutNature, aboutAddresses, aboutFailure, of which one is true.
// DNS_NO_ADDRESS adds unusable: addresses that were given but name no host, such as 0.0.0.0.
func (j judgement) args(about func(server int) bool) finding.Args {
	args := finding.Args{"name": j.Name, "limitMs": j.LimitMs}
	var servers, answers []string
	first := true
	for i, server := range j.Servers {
		name := serverName(server.Address)
		answers = append(answers, name+" "+summary(server))
		if !about(i) {
			continue
		}
		servers = append(servers, name)
		if first {
			addAnswer(args, server)
			first = false
		}
	}
	args["servers"], args["answers"] = servers, answers
	return args
}

func addAnswer(args finding.Args, s Server) {
	args["rcode"], args["chainEnd"], args["elapsedMs"] = s.A.RCODE, s.A.ChainEnd, s.A.ElapsedMs
	args["chain"], args["addresses"], args["extendedErrors"] = chainNames(s.A), texts(s.usable()), reasons(s)
	args["viaPrivateLink"], args["viaRegion"] = throughPrivateLink(s.A), throughRegion(s.A)
	args["authoritative"], args["recursionAvailable"] = s.A.Authoritative, s.A.RecursionAvailable
	args["aaaa"] = summaryOf(s.AAAA, nil)
	if records := slices.Concat(s.A.Addresses, s.AAAA.Addresses); len(records) > 0 {
		args["ttlSeconds"] = int(records[0].TTLSeconds)
		if len(s.usable()) == 0 {
			args["unusable"] = recordTexts(records)
		}
	}
}

// addSilence tells the kinds of no answer apart: nothing came at all, something came that was not believed, only a part
// came, or the network said that nobody is there.
func (j judgement) addSilence(args finding.Args) {
	invalid, errno := 0, 0
	truncated := false
	reachable := false
	for i, server := range j.Servers {
		if j.verdicts[i] != timedOut {
			continue
		}
		invalid += server.A.InvalidAnswers + server.AAAA.InvalidAnswers
		truncated = truncated || server.A.Outcome == OnlyTruncated
		// Hosts limit how often they say so (ICMP): one word of it on either question is enough.
		reachable = reachable || server.A.Outcome != Unreachable && server.AAAA.Outcome != Unreachable
		errno = max(errno, server.A.Errno, server.AAAA.Errno)
	}
	args["truncated"] = truncated
	args["invalid"] = !truncated && invalid > 0
	args["unreachable"] = !reachable && invalid == 0
	args["silent"] = reachable && !truncated && invalid == 0
	args["invalidAnswers"], args["errno"] = invalid, errno
}

// summary is a server's answer in one word: its addresses or its failure.
func summary(s Server) string {
	return summaryOf(s.A, s.usable())
}

func summaryOf(a Answer, addresses []netip.Addr) string {
	switch {
	case len(addresses) > 0:
		return strings.Join(texts(addresses[:min(len(addresses), 4)]), ",")
	case a.Outcome != Answered:
		return string(a.Outcome)
	case a.Loop:
		return "CNAME loop"
	case a.RCODE == "NOERROR" && len(a.Addresses) > 0:
		return recordTexts(a.Addresses)[0]
	case a.RCODE == "NOERROR":
		return "NODATA"
	}
	return a.RCODE
}

func chainNames(a Answer) []string {
	names := []string{}
	for i, link := range a.Chain {
		if i == 0 {
			names = append(names, link.Name)
		}
		names = append(names, link.Target)
	}
	return names
}

func recordTexts(records []Record) []string {
	var addresses []netip.Addr
	for _, record := range records {
		addresses = append(addresses, record.Address)
	}
	return texts(addresses)
}

// reasons are a server's extended errors as text.
func reasons(s Server) []string {
	out := []string{}
	for _, e := range slices.Concat(s.A.ExtendedErrors, s.AAAA.ExtendedErrors) {
		if e.Text != "" && !slices.Contains(out, e.Text) {
			out = append(out, e.Text)
		}
	}
	return out
}

func serverName(address netip.AddrPort) string {
	if address.Port() == 53 {
		return address.Addr().String()
	}
	return address.String()
}
