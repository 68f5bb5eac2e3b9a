package login

import "github.com/pgpreflight/pgpreflight/shared/finding"

// WorthOtherAttempt tells whether an attempt with TLS, without the password, would add knowledge. It does where one
// without TLS was refused by pg_hba.conf, which may be for the want of encryption alone, and is then no failed login in
// the far server's log. After a refusal with TLS it is not made: it would nearly always be a second failed login there,
// and administrators count those; that a line may begin with hostnossl is said as a cause.
func WorthOtherAttempt(o Observation, e Expect) bool {
	code, _, found := broken(o, e)
	if !found || o.Error == nil {
		return false
	}
	switch code {
	case finding.HBATLSRequired, finding.HBARejected, finding.HBAAddressNotAllowed, finding.HBAReplication:
		return e.TLSOffered != No && !o.TLS
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
