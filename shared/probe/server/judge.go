package server

import "github.com/pgpreflight/pgpreflight/shared/finding"

// Expect is what the request says about the two servers, for the judgement.
type Expect struct {
	// Asker names the server that was asked, for people.
	Asker string
	Host  string
	Port  int
	// TLS says that an encrypted connection was wanted.
	TLS bool
	// Classify names the cause of an error of the far server's own, by its text. A judge of logins knows it.
	Classify func(Said) (finding.Code, finding.Args)
}

// Said is what the far server said, as libpq passes it on: without SQLSTATE or routine.
type Said struct{ Message, Detail, Hint string }

// Step is one layer of the way from the asked server to the far one. One of these holds: it was passed (all empty), it
// has findings, a layer before it blocked it, it was left out, or the attempt was ended by ourselves.
type Step struct {
	Layer        finding.Layer
	Findings     []finding.Finding
	BlockedBy    finding.Layer
	Skip         string
	Inconclusive string
	// Decisive marks the layer that the attempt ended in: the evidence belongs there.
	Decisive bool
}

func layers() []finding.Layer {
	return []finding.Layer{finding.Resolve, finding.Connect, finding.TLS, finding.Login}
}

// Judge says what the attempt means, layer by layer.
func Judge(o Observation, e Expect) []Step {
	if f, unable := inability(o, e); unable {
		return unasked(f)
	}
	if o.End == EndCancelled {
		return halted("the check ended before the server answered")
	}
	return steps(read(o, e), o, e)
}

// reading is what libpq's text means: the layer that the attempt ended in, and the finding, if it broke there.
type reading struct {
	layer   finding.Layer
	finding *finding.Finding
}

func read(o Observation, e Expect) reading {
	if o.Error == nil || o.Error.SQLState == passwordNotUsed {
		f := finding.Finding{Code: finding.AuthTrust, Layer: finding.Login, Args: finding.Args{"method": "trust"}}
		return reading{layer: finding.Login, finding: &f}
	}
	text := lastAttempt(o.Error.Detail)
	if o.Error.SQLState == outOfTime {
		text = "timeout expired" // what libpq itself says of the same silence
	}
	for _, s := range signatures() {
		if s.text.MatchString(text) {
			return s.read(text, o, e)
		}
	}
	if s, ok := undecided(text, o, e); ok {
		return s.read(text, o, e)
	}
	code, args := e.Classify(said(text))
	return reading{layer: finding.Login, finding: &finding.Finding{Code: code, Layer: finding.Login, Args: args}}
}

func (s signature) read(text string, o Observation, e Expect) reading {
	if s.code == "" {
		return reading{layer: s.layer}
	}
	if s.code == finding.TLSNotOffered && !e.TLS {
		// TLS was asked for only to end the attempt there.
		return reading{layer: finding.Connect}
	}
	args := finding.Args{"host": e.Host, "port": e.Port}
	for name, value := range s.args {
		args[name] = value
	}
	if address := triedAddress(text); address != "" {
		args["address"] = address
	}
	if s.layer == finding.Resolve {
		args["name"], args["servers"] = e.Host, []string{"the resolver of " + e.Asker}
	}
	if s.silent || s.code == finding.TCPRefused {
		args["elapsedMs"] = o.ConnectMs
	}
	if len(s.oneOf) > 0 {
		args["oneOf"] = append([]string(nil), s.oneOf...)
	}
	if s.capture != "" {
		if found := s.text.FindStringSubmatch(text); found[1] != "" {
			args[s.capture] = found[1]
		}
	}
	return reading{layer: s.layer, finding: &finding.Finding{Code: s.code, Layer: s.layer, Args: args}}
}

// steps spreads a reading over the layers.
func steps(r reading, o Observation, e Expect) []Step {
	var out []Step
	var over bool
	for _, layer := range layers() {
		step := Step{Layer: layer, Decisive: layer == r.layer}
		switch {
		case over && r.finding != nil:
			step.BlockedBy = r.layer
		case over:
			step.Skip = "PostgreSQL " + versionText(o.ServerVersionNum) +
				" there cannot stop before a password is used, and none is handed over"
		case layer == finding.Resolve && literal(e.Host):
			step.Skip = "the host is an address"
		case layer == finding.TLS && !e.TLS:
			step.Skip = "no TLS was asked for"
		case step.Decisive && r.finding != nil:
			step.Findings = []finding.Finding{*r.finding}
		}
		over = over || step.Decisive
		out = append(out, step)
	}
	return out
}

// unasked is a server that could not be sent anywhere: one finding says why, no layer was tried.
func unasked(f finding.Finding) []Step {
	var out []Step
	for i, layer := range layers() {
		step := Step{Layer: layer, Skip: "the server could not be asked"}
		if i == 0 {
			f.Layer = layer
			step.Findings, step.Decisive = []finding.Finding{f}, true
		}
		out = append(out, step)
	}
	return out
}

func halted(why string) []Step {
	out := []Step{{Layer: finding.Resolve, Inconclusive: why, Decisive: true}}
	for _, layer := range layers()[1:] {
		out = append(out, Step{Layer: layer, BlockedBy: finding.Resolve})
	}
	return out
}
