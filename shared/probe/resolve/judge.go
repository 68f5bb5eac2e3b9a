package resolve

import (
	"net/netip"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Expect is what the answers are held against.
type Expect struct {
	// Access is declared or inferred; empty where it is not known, and then no nature of address is expected.
	Access request.Access
	// VerifyName tells that TLS is to be verified by name, which an address as host does not allow.
	VerifyName bool
}

// Judge says what an observation means: at most one primary finding, the most specific that the evidence supports, and
// DNS_ANSWERS_DIFFER beside it. A healthy observation, or one whose answers the caller did not wait for, gives none.
func Judge(o Observation, e Expect) []finding.Finding {
	switch o.Form {
	case FormName:
		j := newJudgement(o)
		return slices.Concat(j.primary(e), j.differ())
	case FormAddress:
		return literal(o, e)
	}
	return []finding.Finding{found(finding.DNSHostFormUnsupported, finding.Args{
		"name": o.Name, "form": string(o.Form), "suggestion": o.Suggestion,
		"cloudSQL": o.Form == FormInstance, "url": o.Form == FormURL, "hostPort": o.Form == FormHostPort,
	})}
}

func literal(o Observation, e Expect) []finding.Finding {
	all := []finding.Finding{{Code: finding.DNSHostIsAddress, Layer: finding.Resolve, Advisory: !e.VerifyName,
		Args: finding.Args{"name": o.Name, "addresses": texts(o.Addresses), "verifyName": e.VerifyName}}}
	if len(o.Addresses) > 0 && !o.Addresses[0].Is4() {
		all = append(all, found(finding.DNSIPv6Only, finding.Args{
			"name": o.Name, "addresses": texts(o.Addresses), "literal": true}))
	}
	return all
}

func found(code finding.Code, args finding.Args) finding.Finding {
	return finding.Finding{Code: code, Layer: finding.Resolve, Args: args}
}

// judgement is an observation with a verdict for each server.
type judgement struct {
	Observation
	verdicts []verdict
}

func newJudgement(o Observation) judgement {
	j := judgement{Observation: o}
	for _, server := range o.Servers {
		j.verdicts = append(j.verdicts, verdictOf(server))
	}
	return j
}

func (j judgement) primary(e Expect) []finding.Finding {
	if len(j.Servers) == 0 {
		return []finding.Finding{found(finding.DNSTimeout, finding.Args{"name": j.Name, "noServers": true})}
	}
	if slices.Contains(j.verdicts, good) {
		return j.nature(e.Access)
	}
	worst := unheard
	for _, v := range j.verdicts {
		if v != unheard && (worst == unheard || v < worst) {
			worst = v
		}
	}
	code, ok := codeOf(worst)
	if !ok {
		return nil
	}
	args := j.args(func(i int) bool { return j.verdicts[i] == worst })
	if worst == timedOut {
		j.addSilence(args)
	}
	return []finding.Finding{found(code, args)}
}

func codeOf(v verdict) (finding.Code, bool) {
	code, ok := map[verdict]finding.Code{
		ipv6Only:           finding.DNSIPv6Only,
		privateLinkMissing: finding.DNSPrivateLinkRecordMissing,
		loop:               finding.DNSCNAMELoop,
		noAddress:          finding.DNSNoAddress,
		notFound:           finding.DNSNameNotFound,
		refused:            finding.DNSRefused,
		failure:            finding.DNSServerFailure,
		timedOut:           finding.DNSTimeout,
	}[v]
	return code, ok
}

// nature holds the addresses that the probe goes on with against the access (mission facts, section 1.2).
func (j judgement) nature(access request.Access) []finding.Finding {
	addresses := fourOrAll(j.Addresses)
	seen := natureOf(addresses)
	var code finding.Code
	var wrong []netip.Addr
	switch access {
	case request.Private, request.PrivateEndpoint, request.VNetIntegrated:
		if !seen.public {
			return nil
		}
		code = finding.DNSPublicWherePrivateExpected
		wrong = slices.DeleteFunc(slices.Clone(addresses), isNotPublic)
	case request.Public:
		if !seen.private {
			return nil
		}
		code = finding.DNSPrivateWherePublicExpected
		wrong = slices.DeleteFunc(slices.Clone(addresses), isNotPrivate)
	default:
		return nil
	}
	args := j.args(func(i int) bool { return j.Servers[i].Address == j.AnsweredBy })
	args["expected"], args["addresses"] = string(access), texts(wrong)
	return []finding.Finding{found(code, args)}
}
