package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// settle turns all meanings of a text into its causes: innermost first, wrappers only where nothing better is there,
// nothing twice, nothing that only follows from another.
func settle(hits []hit) []hit {
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.entry, b.entry), cmp.Compare(b.depth, a.depth))
	})
	for i := range hits {
		hits[i] = hits[i].sharpened()
	}
	hits = unwrap(hits)
	hits = once(hits)
	hits = decided(hits)
	hits = fallbacks(hits)
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank(), b.rank()) })
	return hits
}

// rank puts what says least last: an unknown error, a pooler that repeats its server's, and what is for information.
func (h hit) rank() int {
	switch {
	case h.found.Advisory:
		return 2
	case h.found.Code == finding.ServerError || h.found.Code == finding.ServerPooler:
		return 1
	}
	return 0
}

// sharpened uses what the rest of the text tells.
func (h hit) sharpened() hit {
	args := h.found.Args
	name, _ := args["name"].(string)
	if oneOf := h.oneOf(); oneOf != nil && !azureName(first(name, h.conn.host)) {
		args["oneOf"] = slices.DeleteFunc(oneOf, func(code string) bool {
			return code == string(finding.DNSPrivateLinkRecordMissing)
		})
	}
	notFound := h.found.Code == finding.DNSNameNotFound || h.found.Code == finding.DNSNoAddress
	servers, _ := args["servers"].([]string)
	switch {
	case notFound && (strings.Contains(strings.ToLower(name), ".privatelink.") || h.conn.privateLink):
		h.found.Code, args["id"] = finding.DNSPrivateLinkRecordMissing, "DNS-03"
		delete(args, "oneOf")
		h.ask = nil
	case notFound && len(servers) > 0 && strings.HasPrefix(servers[0], "127.0.0.11"):
		args["id"] = "DNS-11"
		h.ask = append(slices.Clone(h.ask), askIntegration)
	case h.found.Code == finding.TCPRefused && h.conn.port == pgBouncerPort:
		args["id"] = "NET-24"
	}
	return h
}

// azureName tells whether a name can lead into a private link zone; one that is not known can.
func azureName(name string) bool {
	return name == "" || strings.Contains(strings.ToLower(name), ".postgres.database.")
}

// pgBouncerPort is where Azure's flexible server has its own PgBouncer, if it is on.
const pgBouncerPort = 6432

// unwrap drops wrappers where a cause is known, and leaves their name on the first cause. Of wrappers alone the first
// that the migration service numbers stays.
func unwrap(hits []hit) []hit {
	causes := slices.DeleteFunc(slices.Clone(hits), func(h hit) bool { return h.wrapper || h.found.Code == "" })
	i := slices.IndexFunc(hits, func(h hit) bool { return h.wrapper && h.found.Args["wrapper"] != nil })
	if i < 0 {
		i = slices.IndexFunc(hits, func(h hit) bool { return h.wrapper })
	}
	switch {
	case i < 0:
		return hits
	case len(causes) > 0:
		if name := hits[i].found.Args["wrapper"]; name != nil {
			causes[0].found.Args["wrapper"] = name
		}
		causes[0].found.Leg = first(causes[0].found.Leg, hits[i].conn.leg)
		return causes
	}
	return append([]hit{hits[i]}, slices.DeleteFunc(slices.Clone(hits), func(h hit) bool { return h.wrapper })...)
}

// once keeps the first finding of each code; the same code from a text that decides more takes its place.
func once(hits []hit) []hit {
	var out []hit
	for _, h := range hits {
		i := slices.IndexFunc(out, func(o hit) bool { return o.found.Code == h.found.Code })
		switch {
		case i < 0:
			out = append(out, h)
		case h.found.Code != "" && out[i].oneOf() != nil && h.oneOf() == nil:
			out[i] = h
		}
	}
	return out
}

// decided drops a finding that leaves open what another one decides, the widest first.
func decided(hits []hit) []hit {
	widest := slices.Clone(hits)
	slices.SortStableFunc(widest, func(a, b hit) int { return cmp.Compare(len(b.oneOf()), len(a.oneOf())) })
	for _, wide := range widest {
		covered := slices.ContainsFunc(hits, func(h hit) bool {
			return h.found.Code != wide.found.Code && slices.Contains(wide.oneOf(), string(h.found.Code))
		})
		if covered {
			hits = slices.DeleteFunc(hits, func(h hit) bool { return h.found.Code == wide.found.Code })
		}
	}
	return hits
}

// fallbacks tells a cause from the refusal of a client's other attempt, without TLS, that only follows from how the
// client tries: second in the mode prefer, first in the mode allow. It hides nothing and decides nothing.
func fallbacks(hits []hit) []hit {
	plain := slices.IndexFunc(hits, func(h hit) bool { return h.found.Code == finding.HBATLSRequired })
	if plain < 0 {
		return hits
	}
	cause := slices.IndexFunc(hits, func(h hit) bool {
		return h.found.Code == finding.HBAAddressNotAllowed || h.found.Code == finding.AuthFailed
	})
	switch {
	case cause < 0 && plain == 0:
		return hits
	case cause >= 0 && hits[cause].found.Code == finding.HBAAddressNotAllowed:
		// Refused with TLS too, so that the want of it was not the reason.
		return slices.Delete(hits, plain, plain+1)
	case cause >= 0 && cause < plain:
		hits[cause].found.Args["id"] = "AUTH-02"
	}
	hits[plain].found.Advisory = true
	hits[plain].found.Args["otherAttempt"] = "refused"
	hits[plain].ask = nil
	return hits
}
