package page

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// factsOf are the one or two short things that a drawing shows of a layer: addresses first. It reads the observation's
// JSON, and leaves out what it does not find.
func factsOf(l report.Layer) []string {
	raw, err := json.Marshal(l.Observation)
	if err != nil {
		return nil
	}
	readers := map[finding.Layer]func([]byte) []string{finding.Resolve: resolved, finding.Connect: connected,
		finding.TLS: secured, finding.Login: loggedIn, finding.Prerequisites: answered}
	reader, known := readers[l.Layer]
	if !known {
		return nil
	}
	var out []string
	for _, said := range reader(raw) {
		if said != "" {
			out = append(out, digest.Clean(said))
		}
	}
	return out
}

// read takes an observation as far as it has the shape that is asked for.
func read[T any](raw []byte) T {
	var v T
	_ = json.Unmarshal(raw, &v) // evidence of another shape shows nothing
	return v
}

func resolved(raw []byte) []string {
	o := read[struct {
		Addresses  []string
		AnsweredBy string
		Servers    []struct {
			Address string
			A       struct{ Outcome, RCODE string }
		}
	}](raw)
	if len(o.Addresses) == 0 {
		if len(o.Servers) == 0 {
			return nil
		}
		first := o.Servers[0]
		outcome := first.A.RCODE
		if outcome == "" {
			outcome = strings.ReplaceAll(first.A.Outcome, "_", " ")
		}
		return []string{outcome, from(first.Address)}
	}
	address := o.Addresses[0]
	if more := len(o.Addresses) - 1; more > 0 {
		address += fmt.Sprintf(" +%d", more)
	}
	return []string{address, from(o.AnsweredBy)}
}

// from names the DNS server; its port is the usual one and takes room.
func from(server string) string {
	if server == "" {
		return ""
	}
	return "from " + strings.TrimSuffix(server, ":53")
}

func connected(raw []byte) []string {
	o := read[struct {
		RemoteAddress string
		RTTMs         float64
		Attempts      []struct{ Address, Outcome, ErrnoName string }
	}](raw)
	if o.RemoteAddress != "" {
		if o.RTTMs < 0.05 { // the same machine; 0.0 ms would look like a measurement that failed
			return []string{o.RemoteAddress, "round trip < 0.1 ms"}
		}
		return []string{o.RemoteAddress, "round trip " + digest.Duration(o.RTTMs)}
	}
	if len(o.Attempts) == 0 {
		return nil
	}
	last := o.Attempts[len(o.Attempts)-1]
	if last.ErrnoName != "" {
		return []string{last.Address, last.ErrnoName}
	}
	return []string{last.Address, strings.ReplaceAll(last.Outcome, "_", " ")}
}

func secured(raw []byte) []string {
	o := read[struct {
		Reply     string
		Handshake struct{ Version string }
		Chain     []struct{ NotAfter string }
	}](raw)
	if o.Handshake.Version == "" {
		if o.Reply == "" {
			return nil
		}
		return []string{"reply " + o.Reply}
	}
	until := ""
	if len(o.Chain) > 0 {
		day, _, _ := strings.Cut(o.Chain[0].NotAfter, "T")
		until = "until " + day
	}
	return []string{o.Handshake.Version, until}
}

func loggedIn(raw []byte) []string {
	o := read[struct {
		Attempts []struct {
			Error      *struct{ SQLState string }
			Parameters map[string]string
			SeenAs     string
		}
	}](raw)
	if len(o.Attempts) == 0 {
		return nil
	}
	first := o.Attempts[0]
	if first.Error != nil {
		return []string{"SQLSTATE " + first.Error.SQLState}
	}
	var out []string
	if version := first.Parameters["server_version"]; version != "" {
		number, _, _ := strings.Cut(version, " (")
		out = append(out, "PostgreSQL "+number)
	}
	if first.SeenAs != "" {
		out = append(out, "sees "+first.SeenAs)
	}
	return out
}

func answered(raw []byte) []string {
	o := read[struct{ Asked, Answered int }](raw)
	if o.Asked == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d answered", o.Answered, o.Asked)}
}
