package diagnosis

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// facts are the request's own names, for the words of a finding on one leg. A finding on no leg speaks of the source.
// They are the same for every text about a leg, and are not to be changed.
func (j *judge) facts(name string) catalog.Facts {
	if known, ok := j.known[name]; ok {
		return known
	}
	c, facts := &j.result.Request, catalog.NoFacts()
	facts["vantage"], facts["requestId"] = j.result.Vantage.Address, c.ID
	facts["sourceHost"], facts["sourcePort"] = c.Source.Host, c.Source.Port
	facts["targetHost"], facts["targetPort"] = c.Target.Host, c.Target.Port
	facts["targetServer"] = serverName(c.Target.Host, c.Azure.TargetResourceID)
	facts["targetResourceGroup"] = resourceGroup(c.Azure.TargetResourceID)
	for i := range j.result.Legs {
		if leg := &j.result.Legs[i]; leg.Name == name || name == "" && leg.Name == "source" {
			addEndpoint(facts, leg, resourceID(c.Azure, leg.Name))
		}
	}
	j.known[name] = facts
	return facts
}

// factsOf are the facts for a finding. What a server saw for us it saw from where it stands.
func (j *judge) factsOf(f finding.Finding) catalog.Facts {
	facts := j.facts(f.Leg)
	if f.From == "server" {
		facts = maps.Clone(facts)
		facts["vantage"] = j.asker()
	}
	return facts
}

// asker is the host of the server that was asked in our place.
func (j *judge) asker() string {
	if runtime := j.result.Request.RuntimeServer; runtime != nil {
		return runtime.Host
	}
	return j.result.Request.Target.Host
}

func addEndpoint(facts catalog.Facts, leg *Leg, id string) {
	e := &leg.Endpoint
	facts["leg"], facts["host"], facts["port"], facts["address"] = leg.Name, e.Host, e.Port, e.Address
	facts["endpoint"], facts["user"], facts["tlsMode"] = endpoint(*e), e.User, string(e.TLS.Mode)
	facts["databases"] = e.Databases
	if len(e.Databases) > 0 {
		facts["database"] = e.Databases[0]
	}
	facts["kind"], facts["access"], facts["hostKind"] = string(leg.Kind), string(leg.Access), scenario.HostForm(e.Host)
	facts["server"], facts["resourceGroup"] = serverName(e.Host, id), resourceGroup(id)
}

func resourceID(a request.Azure, leg string) string {
	switch leg {
	case "target":
		return a.TargetResourceID
	case "runtime":
		return a.RuntimeServerResourceID
	}
	return a.SourceResourceID
}

// headline is one true sentence: about the first broken finding where there is one, else about the verdict.
func (j *judge) headline(r *report.Report, broken []finding.Finding) (string, error) {
	if len(broken) > 0 {
		return j.brokenHeadline(r, broken)
	}
	c := j.result.Request
	without, depth := j.withoutTLS()
	facts := catalog.Facts{"source": endpoint(c.Source), "target": endpoint(c.Target), "depth": string(depth),
		"vantage": j.result.Vantage.Address, "firstTitle": "", "reason": "", "withoutTLS": without}
	if len(r.Findings) > 0 {
		facts["firstTitle"] = r.Findings[0].Title
	}
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			if layer.Status == finding.StatusInconclusive && facts["reason"] == "" {
				facts["reason"] = string(layer.Layer) + " of the " + leg.Name + ": " + layer.Reason
			}
		}
	}
	return j.words.Verdict(string(r.Verdict), facts)
}

// withoutTLS names the legs whose TLS was left out as the request says, and the depth that was reached: where TLS was the
// deepest layer and no leg has it, that is the one before.
func (j *judge) withoutTLS() (string, request.Depth) {
	depth := j.result.Request.Depth
	if depth == request.DepthResolve || depth == request.DepthConnect {
		return "", depth
	}
	var names []string
	var walked int
	for _, leg := range j.result.Legs {
		if leg.From == "server" {
			continue
		}
		walked++
		if leg.Endpoint.TLS.Mode == request.TLSDisable {
			names = append(names, leg.Name)
		}
	}
	if depth == request.DepthTLS && len(names) == walked {
		depth = request.DepthConnect
	}
	return strings.Join(names, " and the "), depth
}

// brokenHeadline is about the first broken finding. Those that failed are the first of the report's findings.
func (j *judge) brokenHeadline(r *report.Report, broken []finding.Finding) (string, error) {
	headline, err := j.causedHeadline(broken[0])
	if err != nil {
		return "", err
	}
	other := slices.IndexFunc(broken, func(f finding.Finding) bool { return f.Leg != "" && f.Leg != broken[0].Leg })
	if other < 0 || broken[0].Leg == "" {
		return headline, nil
	}
	return j.words.Verdict("alsoBroken", catalog.Facts{"headline": headline, "otherLeg": broken[other].Leg,
		"otherTitle": r.Findings[other].Title})
}

// limits are the facts that decide what this check cannot prove.
func (j *judge) limits() catalog.Facts {
	depth := j.result.Request.Depth
	ran := func(layer finding.Layer) bool {
		return slices.ContainsFunc(j.result.Legs, func(l Leg) bool {
			return slices.ContainsFunc(l.Layers, func(x Layer) bool { return x.Layer == layer && x.Observation != nil })
		})
	}
	p := j.result.Placement
	asked := slices.ContainsFunc(j.result.Legs, func(l Leg) bool {
		return l.From == "server" && slices.ContainsFunc(l.Layers, func(x Layer) bool {
			return x.Skip == "" && x.Inconclusive == "" && x.BlockedBy == ""
		})
	})
	direct := !p.RuntimeServer && p.TargetAccess != ""
	return catalog.Facts{"vantage": j.result.Vantage.Address, "access": string(p.TargetAccess), "serverAsked": asked,
		"runtimeConnects": p.RuntimeServer, "targetConnects": direct && p.TargetAccess != request.Public,
		"publicTarget": direct && p.TargetAccess == request.Public, "row": p.Row,
		"onlyResolve": depth == request.DepthResolve, "noLogin": !ran(finding.Login) && depth != request.DepthResolve,
		"noPrerequisites": !ran(finding.Prerequisites) && depth == request.DepthPrerequisites}
}

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// serverName is the Azure resource's name: the last part of its id, else the first label of the host name. An address
// has none; the placeholder is what the manuals write.
func serverName(host, id string) string {
	if _, err := netip.ParseAddr(host); err == nil && id == "" {
		return "SERVER"
	}
	if id != "" {
		return id[strings.LastIndex(id, "/")+1:]
	}
	first, _, _ := strings.Cut(host, ".")
	return first
}

// resourceGroup is taken from the resource id; the placeholder is what the manuals write.
func resourceGroup(id string) string {
	parts := strings.Split(id, "/")
	for i, part := range parts[:len(parts)-1] {
		if strings.EqualFold(part, "resourceGroups") {
			return parts[i+1]
		}
	}
	return "RESOURCE_GROUP"
}
