package explain

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// Answer is a result in words, as the function Explain gives it.
type Answer struct {
	// Findings are the causes, innermost first.
	Findings   []report.Finding `json:"findings"`
	Recognised bool             `json:"recognised"`
	// Ask are questions whose answers would decide or help.
	Ask []string `json:"ask"`
}

// Answer puts a result into words. It fails only where the catalogue is broken.
func (r Result) Answer(words *catalog.Catalog) (Answer, error) {
	a := Answer{Findings: []report.Finding{}, Recognised: r.Recognised, Ask: []string{}}
	asked := facts(finding.Finding{})
	for i, f := range r.Findings {
		known := facts(f)
		if i == 0 {
			asked = known
		}
		worded, err := words.Explain(f, known)
		if err != nil {
			return Answer{}, fmt.Errorf("answer: %w", err)
		}
		a.Findings = append(a.Findings, worded)
	}
	for _, name := range r.Ask {
		question, err := words.Ask(name, asked)
		if err != nil {
			return Answer{}, fmt.Errorf("answer: %w", err)
		}
		a.Ask = append(a.Ask, question)
	}
	return a, nil
}

// facts are the text's own names for words and commands. What the text does not tell is a placeholder to be filled in,
// as the manuals write it.
func facts(f finding.Finding) catalog.Facts {
	host, _ := f.Args["host"].(string)
	port, _ := f.Args["port"].(int)
	out := catalog.Facts{"leg": f.Leg, "host": "HOST", "port": "PORT", "endpoint": "the server", "user": "USER",
		"database": "DATABASE", "server": "SERVER", "resourceGroup": "RESOURCE_GROUP", "targetServer": "SERVER",
		"targetResourceGroup": "RESOURCE_GROUP", "tlsMode": "verify-full"}
	if f.Code == finding.TLSNotOffered {
		out["tlsMode"] = "require"
	}
	addSetting(out, f)
	if port != 0 {
		out["port"] = port
	}
	if host == "" {
		return out
	}
	out["host"], out["endpoint"], out["hostKind"] = host, host, scenario.HostForm(host)
	if port != 0 {
		out["endpoint"] = joined(host, port)
	}
	if _, err := netip.ParseAddr(host); err != nil {
		out["server"], _, _ = strings.Cut(host, ".")
	}
	if form := scenario.HostForm(host); form != "azure" && form != "azure_private_link" {
		// A name of Azure's is a flexible server's or Single Server's, source or target: nothing tells which.
		out["kind"] = string(scenario.KindOf(host))
	}
	return out
}

// addSetting names what a prerequisite is set by, for its commands.
func addSetting(out catalog.Facts, f finding.Finding) {
	out["setting"], out["setTo"], out["name"], out["ownedBy"], out["pid"] = "SETTING", "VALUE", "NAME", "OWNER", "PID"
	if extension, ok := f.Args["extension"].(string); ok {
		out["name"] = extension
	}
	switch f.Code {
	case finding.PreReplicationSlots:
		out["setting"] = "max_replication_slots"
	case finding.PreWALSenders:
		out["setting"] = "max_wal_senders"
	case finding.PreLockTableSize:
		out["setting"] = "max_locks_per_transaction"
	case finding.PreIdleTimeout:
		out["setting"], out["setTo"] = "idle_in_transaction_session_timeout", "0"
	case finding.PreWALSenderTimeout:
		out["setting"], out["setTo"] = "wal_sender_timeout", "0"
	case finding.PreReadOnly:
		out["setting"], out["setTo"] = "default_transaction_read_only", "off"
	case finding.PreExtensionNotAllowed, finding.PreExtensionNotPreloaded:
		out["setTo"] = strings.ReplaceAll(fmt.Sprint(out["name"]), " ", "")
	}
	host, _ := f.Args["host"].(string)
	platform, known := map[string]string{"rds": "rds", "aurora": "aurora", "cloud_sql": "cloudSQL", "alloydb": "alloyDB",
		"azure": "azure", "azure_private_link": "azure", "azure_private_zone": "azure"}[scenario.HostForm(host)]
	if !known {
		platform = "selfHosted"
	}
	out[platform] = true
}

func joined(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}
