package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// kind is what a request asks for.
type kind string

const (
	healthy kind = "healthy" // logs in to PostgreSQL
	refused kind = "refused" // a port that nobody listens on
	silent  kind = "silent"  // a peer that accepts and says nothing
	bad     kind = "bad"     // no request at all, or one with a fault
)

// way is how a request comes in.
type way string

const (
	byMessage way = "message"    // a message on the queue
	byGrid    way = "event grid" // an event that Event Grid delivers to the queue
	byEvent   way = "function"   // an event to AcceptPipelineEvent
	byPost    way = "post"       // POST /api/checks
)

// again is how a request comes a second time.
type again string

const (
	once         again = ""
	sameAtOnce   again = "same message id"           // the queue drops it
	sameLater    again = "same message id, later"    // beyond the queue's duplicate detection
	otherMessage again = "other message id, at once" // two invocations run at the same time
)

// planned is one request of the plan.
type planned struct {
	id    string
	kind  kind
	way   way
	again again
	// body is the request as it is sent.
	body []byte
	// notify is whom it asks to tell; empty where the body cannot be read so far.
	notify request.Notify
	// at is when it is sent, from the start.
	at time.Duration
}

// world is what requests are about.
type world struct {
	// port is the healthy server's, deaf the silent one's.
	port, deaf int
	// callback is where answers are posted to.
	callback string
}

// replies is the queue that answers are sent to.
const replies = "chaos-answers"

// closedPort is tcpmux, which nobody listens on.
const closedPort = 1

// plan draws requests from a seed, evenly over the time.
func plan(random *rand.Rand, count int, over time.Duration, w world) []planned {
	all := make([]planned, count)
	for i := range all {
		p := &all[i]
		p.id = fmt.Sprintf("chaos-%04d", i)
		p.at = over * time.Duration(i) / time.Duration(count)
		p.kind = pick(random, []kind{healthy, refused, silent, bad}, 35, 30, 10, 25)
		p.way = pick(random, []way{byMessage, byGrid, byEvent, byPost}, 40, 20, 15, 25)
		if p.kind == bad && p.way == byPost {
			p.way = byMessage // POST refuses it at once, and there is no report.
		}
		p.again = pick(random, []again{once, sameAtOnce, sameLater, otherMessage}, 70, 10, 10, 10)
		p.notify = w.notify(random, i)
		p.body = w.body(random, p)
		if !strings.Contains(string(p.body), `"callbackUrl"`) {
			p.notify = request.Notify{}
		}
	}
	return all
}

// notify asks for a callback always, for a message and a comment sometimes.
func (w world) notify(random *rand.Rand, i int) request.Notify {
	n := request.Notify{CallbackURL: w.callback}
	if random.IntN(5) == 0 {
		n.ReplyTo = replies
	}
	if random.IntN(7) == 0 {
		n.Ticket = request.Ticket{System: "jira", ID: fmt.Sprintf("CHAOS-%d", i)}
	}
	return n
}

// pick draws one of some by their weights.
func pick[T any](random *rand.Rand, choices []T, weights ...int) T {
	total := 0
	for _, w := range weights {
		total += w
	}
	drawn := random.IntN(total)
	for i, w := range weights {
		if drawn < w {
			return choices[i]
		}
		drawn -= w
	}
	panic("chaos: weights do not add up")
}

func (w world) body(random *rand.Rand, p *planned) []byte {
	check := request.Check{Version: 1, ID: p.id, Route: fmt.Sprintf("route-%02d", random.IntN(40)), Depth: request.DepthLogin,
		Mode: request.Offline, TimeoutSeconds: 20, RequestedBy: fmt.Sprintf("pipeline-%d", random.IntN(5)),
		Source: endpoint(w.port, "orders"), Target: endpoint(w.port, "postgres"),
		Notify: p.notify}
	switch p.kind {
	case refused:
		check.Source.Port = closedPort
		check.Depth = request.DepthTLS
	case silent:
		check.Source.TLS.Mode = request.TLSRequire
		check.Source.Port, check.TimeoutSeconds, check.Depth = w.deaf, 1+random.IntN(2), request.DepthTLS
	case bad:
		return spoil(random, p, check)
	}
	if random.IntN(2) == 0 && p.way != byPost && p.again != otherMessage {
		check.ID = "" // The message's or the event's id stands in.
	}
	return check.JSON()
}

func endpoint(port int, database string) request.Endpoint {
	return request.Endpoint{Host: "127.0.0.1", Port: port, Databases: []string{database}, User: "migrator",
		Credential: request.Credential{Setting: "MIGRATOR_PASSWORD"}, TLS: request.TLS{Mode: request.TLSDisable}}
}

// spoil makes a bad request. An event cannot be anything but JSON.
func spoil(random *rand.Rand, p *planned, check request.Check) []byte {
	sound := string(check.JSON())
	ways := []string{
		strings.Replace(sound, `"host"`, `"hots"`, 1), strings.Replace(sound, `"user"`, `"password":"planted","user"`, 1),
		fmt.Sprintf(`{"version":1,"id":%q}`, p.id), strings.Replace(sound, `"version":1`, `"version":2`, 1),
	}
	if p.way == byMessage && p.again != otherMessage {
		ways = append(ways, "this is not JSON", `{"version":1,`)
	}
	return []byte(ways[random.IntN(len(ways))])
}

// event is the envelope around a request.
func event(p planned) []byte {
	raw, err := json.Marshal(map[string]any{"specversion": "1.0", "id": p.id, "source": "/pipelines/chaos",
		"type": "pgpreflight.CheckRequested", "datacontenttype": "application/json", "data": json.RawMessage(p.body)})
	if err != nil {
		panic("chaos: a request that is no JSON was to be an event: " + err.Error())
	}
	return raw
}
