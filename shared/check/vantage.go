package check

import (
	"net"
	"net/netip"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func (r *Runner) vantage(c *request.Check, resolvers []netip.AddrPort) report.Vantage {
	v := r.parts.Vantage
	v.Subnet = c.Azure.VantageSubnetID
	v.Resolvers = make([]string, 0, len(resolvers))
	for _, resolver := range resolvers {
		v.Resolvers = append(v.Resolvers, resolver.String())
	}
	return v
}

// vantageAddress is the address that the platform gave us, or else the one that a connection of the check came from.
func vantageAddress(result *diagnosis.Result) string {
	if result.Vantage.Address != "" {
		return result.Vantage.Address
	}
	for _, leg := range result.Legs {
		for _, layer := range leg.Layers {
			o, ok := layer.Observation.(connect.Observation)
			if !ok || o.LocalAddress == "" {
				continue
			}
			if host, _, err := net.SplitHostPort(o.LocalAddress); err == nil {
				return host
			}
		}
	}
	return ""
}
