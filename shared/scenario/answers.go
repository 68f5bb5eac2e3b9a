package scenario

import (
	"net/netip"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Answer is the right DNS answer for one kind of endpoint.
type Answer struct {
	// Key is stable; the catalogue has the answer's words under it.
	Key    string
	Legs   []string
	Kinds  []request.Kind
	Access request.Access
	// Nature is "private" or "public".
	Nature string
	// Through is the zone that the CNAME leads through, "private_link"; empty where there need not be one.
	Through string
	// Subnet is where a private address lies: "delegated" or "endpoint"; empty where any will do.
	Subnet string
}

// Answers lists what DNS ought to say, by endpoint. The first that matches an endpoint counts.
func Answers() []Answer {
	servers, sources := []string{target, runtime}, []string{source}
	single := []request.Kind{request.AzureSingleServer}
	return []Answer{
		{Key: "vnet_integrated", Legs: servers, Access: request.VNetIntegrated, Nature: "private", Subnet: "delegated"},
		{Key: "private_endpoint", Legs: servers, Access: request.PrivateEndpoint, Nature: "private",
			Through: string(privateLink), Subnet: "endpoint"},
		{Key: "public", Legs: servers, Access: request.Public, Nature: "public"},
		{Key: "single_public", Legs: sources, Kinds: single, Access: request.Public, Nature: "public"},
		{Key: "private_endpoint", Legs: sources, Access: request.PrivateEndpoint, Nature: "private",
			Through: string(privateLink), Subnet: "endpoint"},
		{Key: "source_public", Legs: sources, Access: request.Public, Nature: "public"},
		{Key: "source_private", Legs: sources, Access: request.Private, Nature: "private"},
	}
}

// Answers gives the key of the right answer for each leg whose name is resolved.
func (p Placement) Answers() map[string]string {
	out := map[string]string{}
	for leg, access := range map[string]request.Access{source: p.SourceAccess, target: p.TargetAccess,
		runtime: request.VNetIntegrated} {
		end, named := p.given.ends[leg]
		if _, err := netip.ParseAddr(dialled(end)); !named || err == nil {
			continue
		}
		if answer, known := answerFor(leg, p.SourceKind, access); known {
			out[leg] = answer.Key
		}
	}
	return out
}

func answerFor(leg string, kind request.Kind, access request.Access) (Answer, bool) {
	for _, a := range Answers() {
		if slices.Contains(a.Legs, leg) && a.Access == access && (len(a.Kinds) == 0 || slices.Contains(a.Kinds, kind)) {
			return a, true
		}
	}
	return Answer{}, false
}
