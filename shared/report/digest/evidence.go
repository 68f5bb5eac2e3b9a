package digest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Evidence is the few words about what was seen that fit on a layer's line. It reads the observation's JSON, so that it
// serves fresh reports and stored ones alike; what it does not find it leaves out.
func Evidence(l report.Layer) string {
	raw, err := json.Marshal(l.Observation)
	if err != nil || string(raw) == "null" {
		return ""
	}
	if line := asked(raw, l.Status); line != "" {
		return shorten(Clean(line))
	}
	lines := map[finding.Layer]func([]byte) string{finding.Resolve: resolved, finding.Connect: connected,
		finding.TLS: secured, finding.Login: loggedIn, finding.Prerequisites: answered, finding.Azure: configured}
	line, ok := lines[l.Layer]
	if !ok {
		return ""
	}
	return shorten(Clean(line(raw)))
}

// shorten bounds what a server can make a line of: its whole message is in the observation.
func shorten(text string) string {
	const most = 300
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}

// read takes an observation as far as it has the shape that is asked for.
func read[T any](raw []byte) T {
	var v T
	_ = json.Unmarshal(raw, &v) // evidence of another shape shows nothing
	return v
}

func resolved(raw []byte) string {
	o := read[struct {
		Form       string
		Addresses  []string
		AnsweredBy string
		Servers    []struct {
			Address string
			A       struct {
				Outcome string
				RCODE   string
				Chain   []struct{ Target string }
			}
		}
	}](raw)
	if len(o.Servers) == 0 {
		return strings.Join(o.Addresses, " ")
	}
	first := o.Servers[0]
	var steps []string
	for _, link := range first.A.Chain {
		steps = append(steps, strings.TrimSuffix(link.Target, "."))
	}
	steps = append(steps, shortened(o.Addresses))
	said := strings.TrimSuffix(strings.Join(steps, " → "), " → ")
	if len(o.Addresses) == 0 {
		outcome := firstOf(first.A.RCODE, strings.ReplaceAll(first.A.Outcome, "_", " "))
		return strings.TrimSpace(said + " " + outcome + " from " + first.Address)
	}
	return said + " from " + o.AnsweredBy
}

func shortened(addresses []string) string {
	const shown = 3
	if len(addresses) > shown {
		return strings.Join(addresses[:shown], " ") + fmt.Sprintf(" and %d more", len(addresses)-shown)
	}
	return strings.Join(addresses, " ")
}

func connected(raw []byte) string {
	o := read[struct {
		RemoteAddress string
		RTTMs         float64
		Attempts      []struct{ Address, Outcome, ErrnoName string }
	}](raw)
	if o.RemoteAddress != "" {
		return fmt.Sprintf("%s, round trip %s", o.RemoteAddress, Duration(o.RTTMs))
	}
	if len(o.Attempts) == 0 {
		return ""
	}
	last := o.Attempts[len(o.Attempts)-1]
	return last.Address + " " + firstOf(last.ErrnoName, last.Outcome)
}

func secured(raw []byte) string {
	o := read[struct {
		Reply      string
		FirstBytes struct{ Text string }
		Handshake  struct{ Version, Cipher string }
		Chain      []struct{ Issuer, NotAfter string }
	}](raw)
	if o.Handshake.Version == "" {
		switch o.Reply {
		case "S", "N":
			return "reply " + o.Reply
		}
		return o.FirstBytes.Text
	}
	said := o.Handshake.Version
	if len(o.Chain) > 0 {
		day, _, _ := strings.Cut(o.Chain[0].NotAfter, "T")
		said += ", certificate by " + commonName(o.Chain[0].Issuer) + " until " + day
	}
	return said
}

// commonName is the name within a distinguished name (RFC 4514), which is all that fits on a line.
func commonName(distinguished string) string {
	_, rest, found := strings.Cut(distinguished, "CN=")
	if !found {
		return distinguished
	}
	for i := range rest {
		if rest[i] == ',' && (i == 0 || rest[i-1] != '\\') {
			return rest[:i]
		}
	}
	return rest
}

// asked says what came of asking a server itself to go there, through dblink.
func asked(raw []byte, status finding.Status) string {
	o := read[struct {
		Dblink *struct {
			Method string
			Error  *struct{ Message, Detail string }
		}
	}](raw)
	switch {
	case o.Dblink == nil || o.Dblink.Error == nil:
		return ""
	case status == finding.StatusPassed && o.Dblink.Method == "missing_roots":
		return "TLS is offered to that server"
	case status == finding.StatusPassed:
		return "that server is asked for the password; none was sent"
	}
	line, _, _ := strings.Cut(firstOf(o.Dblink.Error.Detail, o.Dblink.Error.Message), "\n")
	return line
}

func loggedIn(raw []byte) string {
	o := read[struct {
		Attempts []struct {
			Attempt    string
			AuthUsed   string
			Error      *struct{ SQLState, Message string }
			Parameters map[string]string
			SeenAs     string
			Stage      string
		}
	}](raw)
	if len(o.Attempts) == 0 {
		return ""
	}
	first := o.Attempts[0]
	if first.Error != nil {
		return first.Attempt + ": " + first.Error.Message + " (" + first.Error.SQLState + ")"
	}
	var parts []string
	if version := first.Parameters["server_version"]; version != "" {
		// A distribution adds its package's version in brackets.
		number, _, _ := strings.Cut(version, " (")
		parts = append(parts, "PostgreSQL "+number)
	}
	if first.AuthUsed != "" {
		parts = append(parts, first.AuthUsed)
	}
	if first.SeenAs != "" {
		parts = append(parts, "sees us as "+first.SeenAs)
	}
	if len(parts) == 0 {
		parts = append(parts, "reached stage "+first.Stage)
	}
	return strings.Join(parts, ", ")
}

func answered(raw []byte) string {
	o := read[struct {
		Asked, Answered int
		Databases       []struct{ Name string }
	}](raw)
	if o.Asked == 0 {
		return ""
	}
	said := fmt.Sprintf("%d of %d questions answered", o.Answered, o.Asked)
	var names []string
	for _, database := range o.Databases {
		names = append(names, database.Name)
	}
	if len(names) > 0 {
		said += ", databases: " + shortened(names)
	}
	return said
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
