package login

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// WorthOtherAttempt tells whether an attempt with the other TLS state, without the password, would add knowledge. It
// does after a refusal by pg_hba.conf, which may be due to the encryption alone. Each attempt may leave a FATAL line in
// the far server's log, so it does not where the answer is known: on Azure, whose pg_hba.conf is made from the network
// settings and always takes TLS, and where the first attempt was with TLS on a service that cannot refuse TLS alone.
func WorthOtherAttempt(o Observation, e Expect) bool {
	code, _, found := broken(o, e)
	if !found || o.Error == nil {
		return false
	}
	switch code {
	case finding.HBATLSRequired:
		return e.TLSOffered != No && !o.TLS
	case finding.HBARejected, finding.HBAAddressNotAllowed, finding.HBAReplication:
		if o.TLS {
			return selfHosted(e)
		}
		return e.TLSOffered != No
	}
	return false
}

// selfHosted tells whether somebody may have written pg_hba.conf by hand.
func selfHosted(e Expect) bool {
	switch e.Kind {
	case request.OnPremises, request.AzureVM, request.EDB, request.Other:
		return true
	case "":
		return !azureHost(e.Host)
	}
	return false
}

// JudgeAttempts judges the attempt that was asked for in the light of a second one with the other TLS state. The
// second never hides the first: it only decides what the first's refusal means.
func JudgeAttempts(first, second Observation, e Expect) []finding.Finding {
	findings := Judge(first, e)
	if first.TLS == second.TLS || len(findings) != 1 || first.Error == nil {
		return findings
	}
	decide(&findings[0], second, e)
	return findings
}

func decide(f *finding.Finding, second Observation, e Expect) {
	switch f.Code {
	case finding.HBATLSRequired, finding.HBAAddressNotAllowed, finding.HBARejected:
	default:
		return
	}
	otherwise, args, refused := broken(second, e)
	switch {
	case second.Admitted():
		f.Args["otherAttempt"] = "admitted"
		if second.TLS {
			// Whether a line is missing or rejects: only the attempt without TLS is refused.
			f.Args["rejected"] = f.Code == finding.HBARejected
			f.Code = finding.HBATLSRequired
		} else {
			f.Args["onlyWithoutTLS"] = true
		}
	case refused && second.Error != nil:
		f.Args["otherAttempt"] = string(otherwise)
		if f.Code == finding.HBATLSRequired && second.TLS && addressRefused(otherwise) {
			f.Code = otherwise
			for name, value := range args {
				f.Args[name] = value
			}
		}
	}
}

func addressRefused(code finding.Code) bool {
	return code == finding.HBAAddressNotAllowed || code == finding.HBARejected
}
