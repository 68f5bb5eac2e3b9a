// Package finding holds the nouns of a judgement: codes, layers, statuses and severities. It has no words for people
// (those are the catalogue's) and does no I/O.
package finding

// Layer is one step of the way from the name of a server to a working migration login.
type Layer string

// The layers, in the order in which they are passed.
const (
	Request       Layer = "request"
	Scenario      Layer = "scenario"
	Resolve       Layer = "resolve"
	Connect       Layer = "connect"
	TLS           Layer = "tls"
	Login         Layer = "login"
	Prerequisites Layer = "prerequisites"
	Azure         Layer = "azure"
)

// Layers lists every layer in order.
func Layers() []Layer {
	return []Layer{Request, Scenario, Resolve, Connect, TLS, Login, Prerequisites, Azure}
}

// Severity says how much a finding weighs. The catalogue sets it.
type Severity string

// The severities.
const (
	Failed Severity = "failed"
	Warned Severity = "warned"
	Info   Severity = "info"
)

// Status is the outcome of a layer. The zero value is not valid.
type Status string

// The statuses of a layer. Skipped always says why; Inconclusive means that our own trouble or time budget ended it.
const (
	StatusPassed       Status = "passed"
	StatusWarned       Status = "warned"
	StatusFailed       Status = "failed"
	StatusSkipped      Status = "skipped"
	StatusInconclusive Status = "inconclusive"
)

// Args are the named values that the words of a finding are filled with. Values are plain: string, bool, int, int64,
// float64 or []string, so that they survive JSON.
type Args map[string]any

// Finding is a judgement without words: what an observation means.
type Finding struct {
	Code  Code
	Layer Layer
	// Leg is "source", "target" or "runtime"; empty for findings on the request or the scenario. A probe leaves it
	// empty, the runner fills it in.
	Leg string
	// From is empty for what we saw ourselves, "server" for what the target or runtime server saw in our place.
	From string
	// Advisory marks something that was seen but does not hinder what was asked, such as an untrusted certificate
	// where the migration service would not verify it. The catalogue turns it into a milder severity.
	Advisory bool
	Args     Args
}
