package resolve

import "strings"

// verdict is what one server's two answers mean together.
type verdict int

// The verdicts. From ipv6Only on, the more specific ones come first: they tell more about the cause.
const (
	unheard verdict = iota // not awaited, or the caller gave up
	good
	ipv6Only
	privateLinkMissing
	loop
	noAddress
	notFound
	refused
	failure
	timedOut
)

// definite verdicts are statements about the name; the others are about the server.
func (v verdict) definite() bool { return v >= good && v <= notFound }

// broken verdicts are failures of the server.
func (v verdict) broken() bool { return v >= refused }

// verdictOf lets the A answer decide: the migration needs IPv4, and many servers and firewalls mishandle AAAA.
func verdictOf(s Server) verdict {
	usable := s.usable()
	if len(usable) > 0 && usable[0].Is4() {
		return good
	}
	switch s.A.Outcome {
	case NotAwaited, Cancelled:
		return unheard
	case TimedOut, Unreachable, OnlyTruncated:
		return timedOut
	}
	if s.A.Loop {
		return loop
	}
	switch s.A.RCODE {
	case "NOERROR", "NXDOMAIN":
		return negative(s)
	case "REFUSED":
		return refused
	}
	return failure
}

func negative(s Server) verdict {
	switch {
	case len(s.usable()) > 0:
		return ipv6Only
	case throughPrivateLink(s.A):
		return privateLinkMissing
	case s.A.RCODE == "NXDOMAIN":
		return notFound
	}
	return noAddress
}

// throughPrivateLink tells whether the chain leads into a zone of private endpoints. The asked name itself does not
// count: where it stands in such a zone and is missing, nothing shows that the zone was reached.
func throughPrivateLink(a Answer) bool {
	for _, link := range a.Chain {
		if hasLabel(link.Target, func(label string) bool { return label == "privatelink" }) {
			return true
		}
	}
	return false
}

// throughRegion tells whether the chain ends at the public name that a flexible server has without a private endpoint:
// <server>.rs-<15 characters>.postgres.database.azure.com.
func throughRegion(a Answer) bool {
	return strings.HasSuffix(strings.ToLower(a.ChainEnd), ".postgres.database.azure.com") &&
		hasLabel(a.ChainEnd, func(label string) bool { return strings.HasPrefix(label, "rs-") })
}

func hasLabel(name string, match func(string) bool) bool {
	for label := range strings.SplitSeq(strings.ToLower(name), ".") {
		if match(label) {
			return true
		}
	}
	return false
}
