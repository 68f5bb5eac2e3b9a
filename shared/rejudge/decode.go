package rejudge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
)

// observation is one layer's evidence with its Go type back.
type observation struct {
	value any
	// closed tells that it left nothing for the next layer to go on with.
	closed bool
	// lacks says what its own outcome needs and the report does not have, so that an emptied one passes nothing.
	lacks string
	// judge is nil where nothing can be made of what is left.
	judge func(plan.Leg, login.Tri) ([]finding.Finding, string)
}

var (
	errMissing  = errors.New("the observation is not in the report")
	errRedacted = errors.New("the observation was redacted")
	errUnknown  = errors.New("there is no judge for its observation")
)

// decode reads an observation. A field that is not known is one of another version: what it said would be lost.
func decode(layer finding.Layer, raw json.RawMessage, l plan.Leg) (observation, error) {
	switch layer {
	case finding.Resolve:
		return resolved(raw)
	case finding.Connect:
		return connected(raw)
	case finding.TLS:
		return secured(raw)
	case finding.Login:
		return loggedIn(raw)
	case finding.Prerequisites:
		return answered(raw, l)
	}
	return observation{}, errUnknown
}

func resolved(raw json.RawMessage) (observation, error) {
	o, err := strict[resolve.Observation](raw)
	if o.Form == "" {
		return observation{lacks: "the observation does not have the host's form"}, err
	}
	return observation{value: o, closed: len(o.Addresses) == 0,
		judge: func(l plan.Leg, _ login.Tri) ([]finding.Finding, string) { return evidence.Resolve(o, l), "" }}, err
}

func connected(raw json.RawMessage) (observation, error) {
	o, err := strict[connect.Observation](raw)
	made := slices.ContainsFunc(o.Attempts, func(a connect.Attempt) bool { return a.Kept })
	if made != (o.RemoteAddress != "") || len(o.Attempts) == 0 && !o.BudgetExhausted {
		return observation{lacks: "the observation does not have the attempts"}, err
	}
	return observation{value: o, closed: !made,
		judge: func(plan.Leg, login.Tri) ([]finding.Finding, string) { return evidence.Connect(o, false), "" }}, err
}

func secured(raw json.RawMessage) (observation, error) {
	o, err := strict[evidence.TLS](raw)
	if o.Stage == "" {
		return observation{lacks: "the observation does not have the stage that was reached"}, err
	}
	done := o.Stage == tls.StageSecured
	if done && (o.Verification == nil || len(o.Chain) == 0 || o.Handshake == nil) {
		return observation{lacks: "the observation does not have the certificate"}, err
	}
	return observation{value: o, closed: !done || o.Ended != "",
		judge: func(l plan.Leg, _ login.Tri) ([]finding.Finding, string) { return o.Judge(l), "" }}, err
}

func loggedIn(raw json.RawMessage) (observation, error) {
	o, err := strict[evidence.Login](raw)
	if len(o.Attempts) == 0 || o.Attempts[0].Stage == "" {
		return observation{lacks: "the observation does not have the attempt"}, err
	}
	first := o.Attempts[0]
	if first.Passed() && !first.Authenticated {
		return observation{lacks: "the observation does not have the authentication"}, err
	}
	return observation{value: o, closed: !first.Passed() || first.End != "",
		judge: func(l plan.Leg, offered login.Tri) ([]finding.Finding, string) { return o.Judge(l, offered), "" }}, err
}

func asked(raw json.RawMessage) (evidence.Asked, error) { return strict[evidence.Asked](raw) }

func strict[T any](raw json.RawMessage) (T, error) {
	var v T
	if raw == nil {
		return v, errMissing
	}
	if redacted(raw) {
		return v, errRedacted
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		return v, fmt.Errorf("the observation is of another version: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return v, nil
}

// redacted finds a value that was taken out and marked so.
func redacted(raw json.RawMessage) bool {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false // at the end, or not JSON, which the decoder says better
		}
		if text, is := token.(string); is && (text == "[redacted]" || text == "redacted") {
			return true
		}
	}
}
