package azure

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// unread says what was not read, and why: the missing rights in one finding of a leg, everything else in another.
func (j *judge) unread() {
	for _, leg := range []string{source, target, runtime} {
		var actions, forbidden, others, reasons []string
		for _, t := range j.config.Troubles {
			switch {
			case j.legOf(t) != leg:
			case t.Kind == NotPermitted:
				actions, forbidden = append(actions, t.Action), append(forbidden, t.Resource)
			case t.Kind == NotFound && j.toldOtherwise(t):
			default:
				others, reasons = append(others, t.Resource), append(reasons, string(t.Kind))
			}
		}
		j.findUnread(finding.AzNotPermitted, leg, forbidden, finding.Args{"actions": unique(actions)})
		j.findUnread(finding.AzNotRead, leg, others, finding.Args{"reasons": unique(reasons)})
	}
}

func (j *judge) findUnread(code finding.Code, leg string, resources []string, args finding.Args) {
	resources = unique(resources)
	if len(resources) == 0 {
		return
	}
	for name, value := range resource(resources[0], nil) {
		args[name] = value
	}
	args["resources"], args["more"] = resources[:min(len(resources), shown)], len(resources) > shown
	reasons, _ := args["reasons"].([]string)
	for _, kind := range []TroubleKind{Throttled, TimedOut, NotFound, Unreadable, NoIdentity, Unreachable, OverLimit,
		Failed} {
		args[string(kind)] = slices.Contains(reasons, string(kind))
	}
	j.found = append(j.found, finding.Finding{Code: code, Layer: finding.Azure, Leg: leg, Args: args})
}

// shown bounds the list of resources in a finding; the observation has all of them.
const shown = 5

// legOf is the leg that a trouble is told on. What we wanted to know of our own place bears on the way to the source.
func (j *judge) legOf(t Trouble) string {
	for _, leg := range []string{target, runtime, source} {
		if slices.Contains(t.Roles, leg) {
			return leg
		}
	}
	if slices.Contains(t.Roles, vantage) {
		return source
	}
	return target
}

// toldOtherwise tells whether a finding says already that a resource is not there.
func (j *judge) toldOtherwise(t Trouble) bool {
	return slices.ContainsFunc(j.found, func(f finding.Finding) bool {
		id, _ := f.Args["resourceId"].(string)
		return f.Args["gone"] == true && Same(id, t.Resource)
	})
}

func unique(texts []string) []string {
	out := slices.Sorted(slices.Values(texts))
	return slices.DeleteFunc(slices.Compact(out), func(t string) bool { return t == "" })
}

// validations gives what the service's own validation said last, as a second opinion beside our forecast.
func (j *judge) validations() {
	var last Migration
	for _, m := range j.config.Migrations {
		if m.Status != "" && (last.Status == "" || m.ValidatedAt > last.ValidatedAt) {
			last = m
		}
	}
	if last.Status == "" {
		return
	}
	var failed, messages []string
	for _, v := range last.Validations {
		if v.State != "Succeeded" {
			failed = append(failed, v.Type)
			messages = append(messages, v.Messages...)
		}
	}
	args := resource(j.config.place(target).ServerID, finding.Args{"migration": last.Name, "status": last.Status,
		"validatedAt": last.ValidatedAt, "types": unique(failed), "messages": messages[:min(len(messages), shown)],
		"succeeded": last.Status == "Succeeded"})
	j.found = append(j.found, finding.Finding{Code: finding.AzServiceValidation, Layer: finding.Azure, Leg: target,
		Args: args})
}
