package azure

import (
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// peering judges the way between two networks, in both directions. It tells whether there is one: what lies behind a
// peering that is not there needs no judging.
func (j *judge) peering(w leaving) bool {
	same := w.networkID != "" && Same(w.networkID, w.from.NetworkID)
	if w.networkID != "" {
		state := Wrong
		if same {
			state = Right
		}
		j.check(Check{Leg: w.leg, About: "same_network", Path: w.path, State: state, Step: w.stepOf("same_network"),
			Resource: w.networkID})
	}
	check := Check{Leg: w.leg, About: "peering", Path: w.path, Step: w.stepOf("peering"), Resource: w.from.NetworkID}
	if same {
		check.State = Right
		check.Why = []string{"same_network"}
		j.check(check)
		return true
	}
	if w.networkID == "" {
		return true
	}
	near, read := j.config.network(w.from.NetworkID)
	if !read || !near.PeeringsRead {
		check.State = Unread
		j.check(check)
		return true
	}
	far, farRead := j.config.network(w.networkID)
	faults := peeringFaults(near, far, farRead && far.PeeringsRead, w)
	missing := slices.ContainsFunc(faults, func(f finding.Finding) bool { return f.Code == finding.AzPeeringMissing })
	switch {
	case missing && j.throughOthers(near, w):
		check.State, check.Why = CannotTell, []string{"through_others"}
	case len(faults) > 0:
		check.State = Wrong
	case !farRead || !far.PeeringsRead:
		check.State, check.Why = CannotTell, []string{"one_side"}
	default:
		check.State = Right
	}
	j.check(check)
	if check.State != Wrong {
		return true
	}
	for _, f := range faults {
		j.find(f)
	}
	return false
}

// throughOthers tells whether another way than a direct peering may join two networks: an appliance or a gateway in a
// hub, or a virtual WAN, whose network is Microsoft's own.
func (j *judge) throughOthers(near VirtualNetwork, w leaving) bool {
	way := j.config.Way(w.from.ID, w.to[0])
	wan := slices.ContainsFunc(near.Peerings, func(p Peering) bool {
		return strings.HasPrefix(ParseID(p.RemoteID).Name, "HV_")
	})
	return wan || way.Fate == Diverted || way.Fate == Unclear || way.Fate == Reaches && way.NextHop == hopGateway
}

// peeringFaults looks at both sides of one peering. The far side counts only where it was read.
func peeringFaults(near, far VirtualNetwork, farRead bool, w leaving) []finding.Finding {
	out, has := near.peering(w.networkID)
	back, hasBack := far.peering(near.ID)
	switch {
	case !has:
		return []finding.Finding{missing(near.ID, w.networkID, w, farRead && !hasBack)}
	case farRead && !hasBack:
		return []finding.Finding{missing(far.ID, near.ID, w, false)}
	}
	faults := sideFaults(near.ID, out, w)
	if farRead {
		faults = append(faults, sideFaults(far.ID, back, w)...)
	}
	carried := out.PartOnly || overlaps(w.to[0], prefixes(out.RemotePrefixes))
	if len(faults) == 0 && outOfSync(out) && !carried {
		faults = append(faults, notConnected(near.ID, out, w, true))
	}
	return faults
}

func missing(networkID, otherID string, w leaving, bothSides bool) finding.Finding {
	args := resource(networkID, w.ends())
	args["otherId"], args["other"] = otherID, ParseID(otherID).Name
	args["bothSides"] = bothSides
	args["otherResourceGroup"], args["otherSubscription"] = ParseID(otherID).ResourceGroup, ParseID(otherID).Subscription
	return finding.Finding{Code: finding.AzPeeringMissing, Leg: w.leg, Args: args}
}

func sideFaults(networkID string, p Peering, w leaving) []finding.Finding {
	switch {
	case !p.connected():
		return []finding.Finding{notConnected(networkID, p, w, false)}
	case !p.AllowVirtualNetworkAccess:
		args := peeringArgs(networkID, p, w)
		args["flag"] = "allowVirtualNetworkAccess"
		return []finding.Finding{{Code: finding.AzPeeringNoTraffic, Leg: w.leg, Args: args}}
	}
	return nil
}

func notConnected(networkID string, p Peering, w leaving, notSynced bool) finding.Finding {
	args := peeringArgs(networkID, p, w)
	args["state"], args["sync"], args["notSynced"] = p.State, p.Sync, notSynced
	args["disconnected"] = strings.EqualFold(p.State, "Disconnected")
	args["initiated"] = strings.EqualFold(p.State, "Initiated")
	return finding.Finding{Code: finding.AzPeeringNotConnected, Leg: w.leg, Args: args}
}

func peeringArgs(networkID string, p Peering, w leaving) finding.Args {
	args := resource(networkID, w.ends())
	args["peering"], args["otherId"], args["other"] = p.Name, p.RemoteID, ParseID(p.RemoteID).Name
	args["otherResourceGroup"], args["otherSubscription"] = ParseID(p.RemoteID).ResourceGroup,
		ParseID(p.RemoteID).Subscription
	return args
}

func outOfSync(p Peering) bool { return p.Sync != "" && !strings.EqualFold(p.Sync, "FullyInSync") }
