package reporttest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

const (
	sourceEndpoint = "orders.abc123.eu-west-1.rds.amazonaws.com:5432"
	targetEndpoint = "orders.postgres.database.azure.com:5432"
)

// seen is an observation of any shape.
type seen = map[string]any

func base(id string, v report.Verdict, headline string) report.Report {
	started := time.Date(2026, 11, 22, 7, 0, 1, 123e6, time.UTC)
	return report.Report{
		Version: report.Version, ID: id, Route: "orders-db", Wave: "2026-12", Verdict: v, Headline: headline,
		Scenario: report.Scenario{Row: 4, Supported: "yes",
			Declared: map[string]string{"source.kind": "amazon_rds", "source.access": "private"},
			Inferred: map[string]string{"target.access": "vnet_integrated"}},
		Vantage: report.Vantage{FunctionApp: "preflight", Region: "West Europe", Address: "10.1.2.4",
			Resolvers: []string{"168.63.129.16:53"}, CannotProve: []string{
				"The probe left from 10.1.2.4. The migration service connects from the target's own subnet, whose security " +
					"group can differ: what is open here can be closed there."}},
		Legs: []report.Leg{}, Findings: []report.Finding{},
		StartedAt: started, FinishedAt: started.Add(5012 * time.Millisecond), ElapsedMs: 5012,
		Request: json.RawMessage(`{"version":1,"id":"` + id + `","depth":"login"}`),
	}
}

// leg is a leg that went well down to the login.
func leg(name, endpoint string) report.Leg {
	return report.Leg{Name: name, From: "function", Endpoint: endpoint, Layers: []report.Layer{
		{Layer: finding.Resolve, Status: finding.StatusPassed, ElapsedMs: 3.1,
			Observation: seen{"addresses": []string{"10.9.0.5"}, "answeredBy": "168.63.129.16:53",
				"servers": []seen{{"address": "168.63.129.16:53", "a": seen{"outcome": "answered", "rcode": "NOERROR",
					"chain": []seen{{"target": "orders.private.postgres.database.azure.com."}}}}}}},
		{Layer: finding.Connect, Status: finding.StatusPassed, ElapsedMs: 1.4,
			Observation: seen{"remoteAddress": "10.9.0.5:5432", "rttMs": 1.2}},
		{Layer: finding.TLS, Status: finding.StatusPassed, ElapsedMs: 14.2,
			Observation: seen{"reply": "S", "handshake": seen{"version": "TLS 1.3", "cipher": "TLS_AES_256_GCM_SHA384"},
				"chain": []seen{{"subject": "CN=orders", "issuer": "CN=DigiCert Global Root G2,O=DigiCert Inc",
					"notAfter": "2027-05-01T00:00:00Z"}}}},
		{Layer: finding.Login, Status: finding.StatusPassed, ElapsedMs: 8.8,
			Observation: seen{"attempts": []seen{{"attempt": "with TLS", "authUsed": "scram-sha-256",
				"seenAs": "10.1.2.4", "parameters": seen{"server_version": "15.8 (Debian 15.8-1)"}}}}},
		{Layer: finding.Prerequisites, Status: finding.StatusSkipped, Reason: "depth login was asked"},
	}}
}

// Ready is a report without any finding.
func Ready() report.Report {
	r := base("orders-ready", report.Ready, sourceEndpoint+" and "+targetEndpoint+
		" passed every layer up to login, seen from 10.1.2.4")
	r.Legs = []report.Leg{leg("source", sourceEndpoint), leg("target", targetEndpoint)}
	return r
}

// Warned is a report with one warning and one information.
func Warned() report.Report {
	r := Ready()
	r.ID, r.Verdict = "orders-warned", report.ReadyWithWarnings
	r.Headline = sourceEndpoint + " and " + targetEndpoint + " passed every layer up to login; to know: the certificate " +
		"expires in 12 days"
	r.Legs[0].Layers[2].Status = finding.StatusWarned
	r.Findings = []report.Finding{
		{Code: finding.TLSExpiresSoon, Severity: finding.Warned, Leg: "source", Layer: finding.TLS,
			Title: "The certificate expires in 12 days", Detail: "It is valid until 2026-12-04.", Owner: report.SourceDBA,
			Remedy: []report.Remedy{{Text: "Renew the certificate before the migration."}}},
		{Code: finding.ServerPooler, Severity: finding.Info, Leg: "target", Layer: finding.Login,
			Title: "A pooler answers on port 6432", Detail: "PgBouncer is between us and the server.",
			Owner: report.TargetDBA},
	}
	return r
}

// Broken has two legs that are broken in different layers, so two owners.
func Broken() report.Report {
	r := base("orders-broken", report.NotReady, sourceEndpoint+" drops connections from 10.1.2.4: the TCP handshake got "+
		"no answer in 5 s; also broken on the target: the server does not admit our address")
	source, target := leg("source", sourceEndpoint), leg("target", targetEndpoint)
	source.Layers[1] = report.Layer{Layer: finding.Connect, Status: finding.StatusFailed, ElapsedMs: 5000,
		Observation: seen{"attempts": []seen{{"address": "10.9.0.5:5432", "outcome": "timeout"}}}}
	for i := 2; i < 4; i++ {
		source.Layers[i] = report.Layer{Layer: source.Layers[i].Layer, Status: finding.StatusSkipped,
			BlockedBy: finding.Connect}
	}
	target.Layers[3] = report.Layer{Layer: finding.Login, Status: finding.StatusFailed, ElapsedMs: 4.9,
		Observation: seen{"attempts": []seen{{"attempt": "with TLS", "error": seen{"sqlState": "28000",
			"message": `no pg_hba.conf entry for host "10.1.2.4", user "migrator", database "postgres", SSL encryption`}}}}}
	r.Legs = []report.Leg{source, target}
	r.FirstBroken = &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout}
	r.Findings = []report.Finding{timedOut(), notAdmitted()}
	r.Scenario.Title = "Amazon RDS with private access to a target with VNet integration"
	r.Scenario.Note = "The target's access was inferred from its name."
	r.Scenario.Steps = []report.Step{
		{Key: "vpn", Text: "Connect the VPC and the virtual network", Owner: report.SourceNetwork, Leg: "source",
			State: "unknown", ShownBy: []finding.Code{finding.TCPTimeout}, Command: "az network vnet-gateway list -g rg"},
		{Key: "firewall", Text: "Admit the subnet on the source", Owner: report.SourceDBA, Leg: "source", State: "unknown"},
		{Key: "target", Text: "Admit the subnet on the target", Owner: report.TargetDBA, Leg: "target", State: "undone",
			ShownBy: []finding.Code{finding.HBAAddressNotAllowed}},
		{Key: "dns", Text: "Link the private DNS zone", Owner: report.DNSAdmin, Leg: "target", State: "done"},
	}
	return r
}

func timedOut() report.Finding {
	return report.Finding{Code: finding.TCPTimeout, Severity: finding.Failed, Leg: "source", Layer: finding.Connect,
		Title: "No answer to the TCP handshake",
		Detail: "10.9.0.5:5432 answered none of 4 SYN packets in 5 s. A firewall that drops says nothing; a closed " +
			"port would.",
		Owner: report.SourceNetwork, ServiceCode: "603000", Docs: "https://learn.microsoft.com/azure/virtual-network/",
		Causes: []report.Cause{
			{Text: "A security group has no rule for 10.1.2.0/24", Likelihood: "likely",
				Confirm: "aws ec2 describe-security-groups --filters Name=ip-permission.to-port,Values=5432"},
			{Text: "The route back to Azure is missing", Likelihood: "possible"},
		},
		Remedy: []report.Remedy{{Text: "Allow TCP 5432 from the subnet of the function and of the target.",
			Command: "aws ec2 authorize-security-group-ingress --group-id sg-0123 --protocol tcp \\\n" +
				"  --port 5432 --cidr 10.1.2.0/24\n"}, {Text: "Check the route tables on both sides."}}}
}

func notAdmitted() report.Finding {
	return report.Finding{Code: finding.HBAAddressNotAllowed, Severity: finding.Failed, Leg: "target",
		Layer: finding.Login, Title: "The server does not admit our address", Owner: report.TargetDBA, ServiceCode: "603000",
		Detail: `The server refuses (no pg_hba.conf entry for host "10.1.2.4", user "migrator"). It sees us as 10.1.2.4.`,
		Causes: []report.Cause{{Text: "The firewall has no rule for this address", Likelihood: "certain"}},
		Remedy: []report.Remedy{{Text: "Add a firewall rule.",
			Command: "az postgres flexible-server firewall-rule create -g rg -n orders --rule-name preflight \\\n" +
				"  --start-ip-address 10.1.2.4 --end-ip-address 10.1.2.4"}}}
}

// Unsupported was not probed.
func Unsupported() report.Report {
	r := base("orders-unsupported", report.Unsupported, "A source with a private endpoint cannot be migrated to a target "+
		"with public access")
	r.Scenario = report.Scenario{Row: 7, Supported: "no", Declared: map[string]string{"target.access": "public"},
		Inferred: map[string]string{}}
	r.FirstBroken = &report.FirstBroken{Layer: finding.Scenario, Code: finding.ScenarioUnsupported}
	r.Findings = []report.Finding{{Code: finding.ScenarioUnsupported, Severity: finding.Failed, Layer: finding.Scenario,
		Title: "This pair of networks is not supported", Detail: "Row 7 of the scenario table.", Owner: report.Requester,
		Remedy: []report.Remedy{{Text: "Create the target with VNet integration."}}}}
	return r
}

// Rejected is on a request that could not be read.
func Rejected() report.Report {
	r := base("orders-rejected", report.Rejected, "The request orders-rejected was not accepted: source.port must be a "+
		"number from 1 to 65535")
	r.Route, r.Wave, r.Request, r.Vantage = "", "", nil, report.Vantage{}
	r.Scenario = report.Scenario{Supported: "undocumented", Declared: map[string]string{}, Inferred: map[string]string{}}
	r.FirstBroken = &report.FirstBroken{Layer: finding.Request, Code: finding.RequestInvalid}
	r.FinishedAt, r.ElapsedMs = r.StartedAt, 0
	r.Findings = []report.Finding{{Code: finding.RequestInvalid, Severity: finding.Failed, Layer: finding.Request,
		Title: "The request is not valid", Detail: "source.port must be a number from 1 to 65535.", Owner: report.Requester,
		Args: finding.Args{"field": "source.port"}}}
	return r
}

// Inconclusive ran out of time, without a finding that says so.
func Inconclusive() report.Report {
	r := base("orders-inconclusive", report.Inconclusive, "The check could not be finished: login of the target: the "+
		"time of the whole check is over")
	target := leg("target", targetEndpoint)
	target.Layers[3] = report.Layer{Layer: finding.Login, Status: finding.StatusInconclusive, ElapsedMs: 4000,
		Reason: "the time of the whole check is over"}
	r.Legs = []report.Leg{leg("source", sourceEndpoint), target}
	return r
}

// Large has 300 findings, as a database full of tables without a key gives.
func Large() report.Report {
	r := Broken()
	r.ID = "orders-large"
	for i := len(r.Findings); i < 300; i++ {
		r.Findings = append(r.Findings, report.Finding{Code: finding.PreTableWithoutKey, Severity: finding.Warned,
			Leg: "source", Layer: finding.Prerequisites, Title: fmt.Sprintf("Table public.t%03d has no primary key", i),
			Detail: "Logical decoding cannot replay an UPDATE or DELETE on it.", Owner: report.SourceDBA,
			Causes: []report.Cause{{Text: "It was made without one", Likelihood: "certain"}},
			Remedy: []report.Remedy{{Text: "Add a primary key, or set the replica identity.",
				Command: fmt.Sprintf("ALTER TABLE public.t%03d REPLICA IDENTITY FULL;", i)}}})
	}
	return r
}

// Poison is what a hostile server says: markup of every format that is written, and what a terminal obeys.
func Poison() string {
	return "<script>alert(1)</script> <img src=x onerror=alert(2)> ]]> &amp; \"quoted\" 'single' | cell || head |\n" +
		"# heading\n- item\n```\nfence\n```\n~~~ `tick` **bold** __bold__ " +
		"[text](javascript:alert(3)) ![pic](https://evil.example/p.png)\n" +
		"{code}{noformat}{html}<b>x</b>{html} {color:red}red{color} !pic.png! [~admin] [evil|https://evil.example] " +
		"h1. big\n" +
		"@admin @team/all a@b.example https://evil.example/x www.evil.example #12 $x$ \\ \\\\ C:\\temp\n" +
		"\x1b[31mred\x1b]0;title\x07 \x00 \x08 \x7f \u009b31m " +
		"\u202eevil\u202c \u2066iso\u2069 \u200f \ufeff \u200b \U000e0041 \ufffe \xff end"
}

// Hostile has the poison in every text, as an untrusted server or a forged report would.
func Hostile() report.Report {
	p := Poison()
	r := base("orders-hostile", report.NotReady, p)
	r.Vantage.CannotProve = []string{p}
	l := leg("source", p)
	l.From = p
	l.Layers[3] = report.Layer{Layer: finding.Login, Status: finding.StatusFailed, ElapsedMs: 3,
		Observation: seen{"attempts": []seen{{"attempt": "with TLS", "error": seen{"sqlState": p, "message": p}}}}}
	l.Layers[4].Reason = p
	r.Scenario.Title, r.Scenario.Note = p, p
	r.Scenario.Steps = []report.Step{{Text: p, Owner: report.Owner(p), State: "undone",
		ShownBy: []finding.Code{finding.Code(p)}, Command: p}}
	r.Legs = []report.Leg{l}
	r.FirstBroken = &report.FirstBroken{Leg: "source", Layer: finding.Login, Code: finding.ServerError}
	r.Findings = []report.Finding{
		{Code: finding.ServerError, Severity: finding.Failed, Leg: "source", Layer: finding.Login, Title: p, Detail: p,
			Owner: report.Owner(p), ServiceCode: p, Docs: "javascript:alert(4)",
			Causes: []report.Cause{{Text: p, Likelihood: p, Confirm: p}}, Remedy: []report.Remedy{{Text: p, Command: p}}},
		{Code: finding.Code(p), Severity: finding.Warned, Leg: p, Layer: finding.Layer(p), Title: p, Detail: p,
			Owner: report.SourceDBA, Docs: "https://docs.example/a|b]c)d \"><script>"},
	}
	return r
}
