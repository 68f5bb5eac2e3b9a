package ticket

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// RouteName is the route that the ticket names; empty where it names none. Where it cannot be a name the error is a
// *request.Problem.
func (e Event) RouteName() (string, error) {
	route := e.Values[Route]
	if e.Request != nil || route.Text == "" || request.IsName(route.Text) {
		return route.Text, nil
	}
	return "", invalid(route.From, "must be the name of a route: 1 to 64 of the characters A-Z a-z 0-9 . _ -")
}

// Check makes the request that the ticket asks for. Base is the stored request of its route, nil where that is not
// registered. A ticket holds no credential: with hosts of its own it goes as deep as tls, and a route's credentials go
// to the route's hosts only. The error is a *request.Problem with the ticket's own name of the field.
func (e Event) Check(base json.RawMessage) (request.Check, error) {
	check, err := e.draft(base)
	if err != nil {
		return request.Check{}, err
	}
	if check.ID == "" {
		check.ID = e.CheckID
	}
	check.Notify.Ticket = e.Ref()
	check.RequestedBy = "ticket:" + string(e.System) + ":" + e.ID
	whole, err := request.Decode(check.JSON(), "")
	if wrong, ok := errors.AsType[*request.Problem](err); ok {
		return request.Check{}, e.renamed(wrong)
	}
	return whole, err
}

func (e Event) draft(base json.RawMessage) (request.Check, error) {
	switch {
	case e.Request != nil:
		return e.ofRequest()
	case base != nil:
		return e.ofRoute(base)
	}
	return e.ofHosts()
}

func (e Event) ofRequest() (request.Check, error) {
	check, err := request.Decode(e.Request, "")
	if wrong, ok := errors.AsType[*request.Problem](err); ok {
		return check, &request.Problem{Code: wrong.Code, Message: wrong.Message,
			Field: strings.TrimSuffix("request."+wrong.Field, ".")}
	}
	if own := check.Notify.Ticket; err == nil && own != (request.Ticket{}) && own != e.Ref() {
		return check, invalid("request.notify.ticket", "must be the ticket itself, or be left out")
	}
	return check, err
}

// ofRoute never changes where a check goes. Whoever waits for the route's own checks does not wait for a ticket's.
func (e Event) ofRoute(base json.RawMessage) (request.Check, error) {
	check, err := request.Decode(base, "")
	if err != nil {
		return check, invalid(e.name(Route), "names a route whose stored request cannot be read; it has to be put again")
	}
	for _, fixed := range []struct {
		host, port Name
		endpoint   request.Endpoint
	}{{SourceHost, SourcePort, check.Source}, {TargetHost, TargetPort, check.Target}} {
		if host := e.Values[fixed.host]; host.Text != "" && !sameHost(host.Text, fixed.endpoint.Host) {
			return check, other(host.From)
		}
		if port := e.Values[fixed.port]; port.Text != "" && port.Text != strconv.Itoa(fixed.endpoint.Port) {
			return check, other(port.From)
		}
	}
	check.ID, check.Route, check.Notify = "", e.Values[Route].Text, request.Notify{}
	if mode := e.Values[Mode].Text; mode != "" {
		check.Mode = request.Mode(strings.ToLower(mode))
	}
	if depth := e.Values[Depth].Text; depth != "" {
		check.Depth = request.Depth(strings.ToLower(depth))
	}
	return check, nil
}

func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func other(field string) *request.Problem {
	return invalid(field, "is another one than the route's: leave it out, or leave the route out")
}

// ofHosts needs both hosts.
func (e Event) ofHosts() (request.Check, error) {
	source, target := e.Values[SourceHost].Text, e.Values[TargetHost].Text
	switch {
	case source == "" && target == "" && e.Values[Route].Text != "":
		return request.Check{}, invalid(e.name(Route), "is not the name of a registered route; register it, or write "+
			"the lines source host and target host")
	case source == "" && target == "":
		return request.Check{}, invalid(e.name(Description), "says nothing to check: there are no lines source host and "+
			"target host, and no line route")
	case source == "":
		return request.Check{}, invalid(e.name(SourceHost), "is missing: a check needs the source and the target")
	case target == "":
		return request.Check{}, invalid(e.name(TargetHost), "is missing: a check needs the source and the target")
	}
	check := request.Check{Version: 1, Route: e.Values[Route].Text, Mode: request.Mode(lower(e.Values[Mode])),
		Depth: request.Depth(lower(e.Values[Depth])), TimeoutSeconds: 30}
	if check.Depth == "" {
		check.Depth = request.DepthTLS
	}
	var err error
	if check.Source, err = e.endpoint(SourceHost, SourcePort); err != nil {
		return check, err
	}
	check.Target, err = e.endpoint(TargetHost, TargetPort)
	return check, err
}

func lower(v Value) string { return strings.ToLower(v.Text) }

func (e Event) endpoint(host, port Name) (request.Endpoint, error) {
	out := request.Endpoint{Host: e.Values[host].Text, Port: 5432}
	text := e.Values[port].Text
	if text == "" {
		return out, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > 65535 {
		return out, invalid(e.Values[port].From, "must be a whole number from 1 to 65535")
	}
	out.Port = number
	return out, nil
}

// name is what the ticket itself calls something: the field or line that said it, else the field that could have.
func (e Event) name(n Name) string {
	if from := e.Values[n].From; from != "" {
		return from
	}
	if n == Description {
		return e.fields.of(e.System, n)
	}
	return n.label()
}

// renamed gives a request's problem the ticket's own names.
func (e Event) renamed(wrong *request.Problem) *request.Problem {
	out := *wrong
	names := map[string]Name{"source.host": SourceHost, "source.port": SourcePort, "target.host": TargetHost,
		"target.port": TargetPort, "route": Route, "mode": Mode, "depth": Depth}
	name, known := names[wrong.Field]
	switch {
	case known:
		out.Field = e.name(name)
	case strings.HasPrefix(wrong.Field, "notify.ticket"), wrong.Field == "requestedBy":
		out.Field = "ticket.id"
	case e.Request == nil && needsLogin(wrong.Field):
		out.Field = e.name(Depth)
		out.Message = "needs a login, and neither a ticket nor this route holds a credential for one: ask for depth tls or " +
			"less, or name a route with credentials"
	}
	if wrong.Code == finding.RequestSecretInline {
		out.Message = "holds a secret: change it, and take it out of the ticket and its history"
	}
	return &out
}

// needsLogin tells the fields that only a login needs.
func needsLogin(field string) bool {
	_, last, _ := strings.Cut(field, ".")
	return last == "user" || last == "credential" || last == "databases"
}
