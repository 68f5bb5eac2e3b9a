package lab

import "github.com/pgpreflight/pgpreflight/shared/request"

// healthySituations must give no finding at all.
func healthySituations() []situation {
	return []situation{
		{name: "everything works, verify-full"},
		{name: "everything works, verify-ca", request: bothTLS(request.TLSVerifyCA)},
		{name: "everything works, require", request: bothTLS(request.TLSRequire)},
		{name: "everything works, depth resolve", request: depth(request.DepthResolve)},
		{name: "everything works, depth connect", request: depth(request.DepthConnect)},
	}
}

func bothTLS(mode request.TLSMode) func(*request.Check) {
	return func(c *request.Check) { c.Source.TLS.Mode, c.Target.TLS.Mode = mode, mode }
}

func depth(d request.Depth) func(*request.Check) { return func(c *request.Check) { c.Depth = d } }
