// Package report is the report, version 1: the shape that is stored, served and written for people. It judges nothing
// and probes nothing.
package report

import (
	"encoding/json"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Version of the report's shape.
const Version = 1

// Verdict is the answer of a whole check.
type Verdict string

// The verdicts.
const (
	Ready             Verdict = "ready"
	ReadyWithWarnings Verdict = "ready_with_warnings"
	NotReady          Verdict = "not_ready"
	// Unsupported means that the scenario is not supported: nothing was probed.
	Unsupported Verdict = "unsupported"
	// Inconclusive means that our own trouble or the time budget ended the check.
	Inconclusive Verdict = "inconclusive"
	// Rejected means that the request itself is bad.
	Rejected Verdict = "rejected"
)

// Report is everything one check found.
type Report struct {
	Version  int     `json:"version"`
	ID       string  `json:"id"`
	Route    string  `json:"route,omitempty"`
	Wave     string  `json:"wave,omitempty"`
	Verdict  Verdict `json:"verdict"`
	Headline string  `json:"headline"`
	// FirstBroken is the finding that everything after it follows from; nil where nothing is broken.
	FirstBroken *FirstBroken `json:"firstBroken,omitempty"`
	Scenario    Scenario     `json:"scenario"`
	Vantage     Vantage      `json:"vantage"`
	Legs        []Leg        `json:"legs"`
	Findings    []Finding    `json:"findings"`
	StartedAt   time.Time    `json:"startedAt"`
	FinishedAt  time.Time    `json:"finishedAt"`
	ElapsedMs   float64      `json:"elapsedMs"`
	// Request is the normalised request; absent where it was rejected before it could be read.
	Request json.RawMessage `json:"request,omitempty"`
}

// FirstBroken points at a finding.
type FirstBroken struct {
	Leg   string        `json:"leg,omitempty"`
	From  string        `json:"from,omitempty"`
	Layer finding.Layer `json:"layer"`
	Code  finding.Code  `json:"code"`
}

// Scenario is the row of the scenario table that the check was judged by.
type Scenario struct {
	// Row is 1 to 12; 0 means that no row covers it.
	Row int `json:"row"`
	// Supported is "yes", "no" or "undocumented".
	Supported string            `json:"supported"`
	Declared  map[string]string `json:"declared"`
	Inferred  map[string]string `json:"inferred"`
	// Title is of the row, or else of the nearest one.
	Title string `json:"title,omitempty"`
	// Nearest is the row that is judged by where no row covers the placement, or that a newer kind of source follows.
	Nearest int `json:"nearest,omitempty"`
	// Note says why it is that row.
	Note string `json:"note,omitempty"`
	// Paths are the connections that the migration itself makes, as "runtime → source".
	Paths []string `json:"paths,omitempty"`
	// ExpectedAnswers says by leg what DNS ought to answer.
	ExpectedAnswers map[string]string `json:"expectedAnswers,omitempty"`
	// Steps are what a person must have done.
	Steps []Step `json:"steps,omitempty"`
	// Document is the page that the row stands on, with its date.
	Document string `json:"document,omitempty"`
}

// Step is one networking step, and whether the check shows it done.
type Step struct {
	Key   string `json:"key"`
	Text  string `json:"text"`
	Owner Owner  `json:"owner"`
	Leg   string `json:"leg,omitempty"`
	// State is "done", "undone" or "unknown".
	State string `json:"state"`
	// ShownBy are the codes that point at the step. Where it is unknown all the same, they can mean other steps too.
	ShownBy []finding.Code `json:"shownBy,omitempty"`
	Command string         `json:"command,omitempty"`
	Docs    string         `json:"docs,omitempty"`
}

// Vantage is the place that the probes ran from.
type Vantage struct {
	FunctionApp string   `json:"functionApp,omitempty"`
	Region      string   `json:"region,omitempty"`
	Subnet      string   `json:"subnet,omitempty"`
	Address     string   `json:"address,omitempty"`
	Resolvers   []string `json:"resolvers,omitempty"`
	// CannotProve says in plain sentences what a probe from here does not show.
	CannotProve []string `json:"cannotProve,omitempty"`
}

// Leg is the way from one vantage to one endpoint.
type Leg struct {
	// Name is "source", "target" or "runtime".
	Name string `json:"name"`
	// From is "function", or "server" where the target itself was asked.
	From     string  `json:"from"`
	Endpoint string  `json:"endpoint"`
	Layers   []Layer `json:"layers"`
}

// Layer is what one layer of a leg showed.
type Layer struct {
	Layer     finding.Layer  `json:"layer"`
	Status    finding.Status `json:"status"`
	ElapsedMs float64        `json:"elapsedMs,omitempty"`
	// BlockedBy names the layer that kept this one from running.
	BlockedBy finding.Layer `json:"blockedBy,omitempty"`
	// Reason says why a layer was skipped that no other layer blocked.
	Reason string `json:"reason,omitempty"`
	// Observation is the probe's evidence. When a report is read back it is the raw JSON.
	Observation any `json:"observation,omitempty"`
}

// Finding is a judgement in words.
type Finding struct {
	Code     finding.Code     `json:"code"`
	Severity finding.Severity `json:"severity"`
	Leg      string           `json:"leg,omitempty"`
	// From is empty, or "server" for a finding on a leg that the target or runtime server itself walked.
	From   string        `json:"from,omitempty"`
	Layer  finding.Layer `json:"layer"`
	Title  string        `json:"title"`
	Detail string        `json:"detail"`
	// Owner is who must act.
	Owner  Owner    `json:"owner"`
	Causes []Cause  `json:"causes,omitempty"`
	Remedy []Remedy `json:"remedy,omitempty"`
	// ServiceCode is what the migration service itself would show, such as 603000.
	ServiceCode string       `json:"serviceCode,omitempty"`
	Docs        string       `json:"docs,omitempty"`
	Args        finding.Args `json:"args,omitempty"`
}

// Owner is who must act on a finding.
type Owner string

// The owners.
const (
	Requester     Owner = "requester"
	SourceDBA     Owner = "source_dba"
	TargetDBA     Owner = "target_dba"
	SourceNetwork Owner = "source_network"
	AzureNetwork  Owner = "azure_network"
	DNSAdmin      Owner = "dns_admin"
	IdentityAdmin Owner = "identity_admin"
	Operator      Owner = "operator"
)

// Cause is one explanation of a finding.
type Cause struct {
	Text string `json:"text"`
	// Likelihood is "certain", "likely", "possible" or "unlikely".
	Likelihood string `json:"likelihood"`
	// Confirm says how to find out whether this is the cause.
	Confirm string `json:"confirm,omitempty"`
}

// Remedy is something to do, with the command that does it where there is one.
type Remedy struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"`
}
