package management

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// walk is one reading under way. It follows ids from resource to resource, asks for each once, a few side by side, and
// remembers for which ends of the migration each was wanted.
type walk struct {
	ctx     context.Context
	clients *clients
	table   table
	calls   atomic.Int64
	// endpointZone is the one name that Azure's DNS leads private endpoints of flexible servers to, in this cloud.
	endpointZone string
	// slots bounds what this walk asks at once, shared what all of them do.
	slots, shared chan struct{}
	running       sync.WaitGroup

	mu    sync.Mutex
	nodes map[string]*node
	seen  found
}

// node is one question: an end of the migration, a resource, or a list that belongs to one. An edge leads to what was
// asked because of it.
type node struct {
	next     []*node
	troubles []azure.Trouble
}

// found is what was read so far, by lower-case id.
type found struct {
	servers   map[string]*azure.Server
	networks  map[string]*azure.VirtualNetwork
	subnets   map[string]*azure.Subnet
	groups    map[string]*azure.SecurityGroup
	tables    map[string]*azure.RouteTable
	endpoints map[string]*azure.PrivateEndpoint
	zones     map[string]*azure.Zone
	nics      map[string]*azure.Interface
	// records are by the id of their zone; listed tells of which zone they are all.
	records    map[string][]azure.Record
	listed     map[string]bool
	migrations []azure.Migration
	sought     []string
}

func newWalk(ctx context.Context, endpointZone string) *walk {
	return &walk{ctx: ctx, endpointZone: endpointZone, table: calls(), slots: make(chan struct{}, atOnce), nodes: map[string]*node{}, seen: found{
		servers: map[string]*azure.Server{}, networks: map[string]*azure.VirtualNetwork{},
		subnets: map[string]*azure.Subnet{}, groups: map[string]*azure.SecurityGroup{},
		tables: map[string]*azure.RouteTable{}, endpoints: map[string]*azure.PrivateEndpoint{},
		zones: map[string]*azure.Zone{}, nics: map[string]*azure.Interface{}, records: map[string][]azure.Record{},
		listed: map[string]bool{},
	}}
}

// key makes ids comparable: Azure gives the same one in any case.
func key(id string) string { return strings.ToLower(strings.TrimSuffix(id, "/")) }

// want has something asked because of another question, unless it already is.
func (w *walk) want(because *node, what string, ask func(*node)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, known := w.nodes[what]
	if !known {
		n = &node{}
		w.nodes[what] = n
		w.running.Go(func() {
			defer w.broken(n, what)
			ask(n)
		})
	}
	if because != nil && !slices.Contains(because.next, n) {
		because.next = append(because.next, n)
	}
}

// broken keeps a mistake of ours in one answer from taking the whole process along: what was read elsewhere still counts.
func (w *walk) broken(n *node, what string) {
	if fault := recover(); fault != nil {
		_, resource, _ := strings.Cut(what, "/")
		w.note(azure.Trouble{Resource: "/" + resource, Kind: azure.Failed, Detail: "a mistake in pgpreflight: " + line(fmt.Sprint(fault))}, n)
	}
}

// follow asks for the resource behind an id that an answer holds. One that is empty leads nowhere; one of another type
// than expected cannot be read.
func (w *walk) follow(because *node, link, kind string, ask func(*node, *arm.ResourceID)) {
	if link == "" {
		return
	}
	at := id(link)
	if at == nil || !strings.EqualFold(at.ResourceType.String(), kind) {
		w.note(azure.Trouble{Resource: link, Kind: azure.Unreadable, Detail: "not the id of a " + kind}, because)
		return
	}
	w.want(because, key(link), func(n *node) { ask(n, at) })
}

// ask sends one call when there is a slot for it, and notes what went wrong. The answer can be a part of a list even
// then.
func ask[A any](w *walk, n *node, c call[A], at *arm.ResourceID) (A, bool) {
	var none A
	for _, slots := range []chan struct{}{w.slots, w.shared} {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-w.ctx.Done():
			w.note(azure.Trouble{Resource: at.String(), Action: c.action, Kind: azure.TimedOut}, n)
			return none, false
		}
	}
	answer, err := c.send(w.ctx, w.clients, at)
	if err == nil {
		return answer, true
	}
	t := trouble(w.ctx, err)
	t.Resource = at.String()
	if t.Action == "" {
		t.Action = c.action
	}
	w.note(t, n)
	return answer, false
}

func (w *walk) note(t azure.Trouble, n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n.troubles = append(n.troubles, t)
}

// put changes what was found.
func (w *walk) put(change func(*found)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.seen)
}

// parent is the id of the resource that one belongs to, as of a subnet its network; "" where it has none.
func parent(text string) string {
	at := id(text)
	if at == nil || at.Parent == nil || len(at.ResourceType.Types) < 2 {
		return ""
	}
	return at.Parent.String()
}

// group is the id of the resource group that a resource is in.
func group(text string) string {
	at := id(text)
	if at == nil {
		return ""
	}
	return "/subscriptions/" + at.SubscriptionID + "/resourceGroups/" + at.ResourceGroupName
}
