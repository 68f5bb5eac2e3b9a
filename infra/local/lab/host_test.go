package lab

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/netns"
)

// host is one machine of a bench: a namespace, what serves there, and what has to be undone after a situation.
type host struct {
	name string
	netns.Namespace
	filtered bool
	undo     []func() error
	serving  sync.WaitGroup
	mu       sync.Mutex
	open     []interface{ Close() error }
}

// must ends the situation: arranging has no other way out of an error.
func must(err error) {
	if err != nil {
		panic(arrangeFault{err})
	}
}

type arrangeFault struct{ error }

// filter adds rules of nft to one hook: "input", "output", "forward" (a filter) or "prerouting" (network address translation).
func (h *host) filter(hook string, rules ...string) {
	kind, family, priority := "filter", "inet", "0"
	if hook == "prerouting" {
		kind, family, priority = "nat", "ip", "-100"
	}
	h.filtered = true
	must(h.Run(fmt.Sprintf("table %s lab_%s {\nchain rules {\ntype %s hook %s priority %s\n%s\n}\n}\n",
		family, hook, kind, hook, priority, strings.Join(rules, "\n")), "nft", "-f", "-"))
}

// change runs a line of ip(8) and takes it back with another one after the situation.
func (h *host) change(line, back string) {
	must(h.IP(line))
	h.undo = append(h.undo, func() error { return h.IP(back) })
}

// set writes a sysctl and writes the former value back after the situation.
func (h *host) set(name, value, back string) {
	must(h.Sysctl(name + "=" + value))
	h.undo = append(h.undo, func() error { return h.Sysctl(name + "=" + back) })
}

// serve accepts TCP on a port of every address and runs the script on each connection.
func (h *host) serve(port int, run script) { h.serveOn(net.JoinHostPort("", strconv.Itoa(port)), run) }

// serveOn is serve on one address alone.
func (h *host) serveOn(address string, run script) {
	var listener net.Listener
	must(h.Do(patiently(func() error {
		var err error
		listener, err = net.Listen("tcp", address)
		return err
	})))
	h.keep(listener)
	h.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			h.keep(conn)
			h.serving.Go(func() {
				defer conn.Close()
				run(conn.(*net.TCPConn))
			})
		}
	})
}

// patiently tries again while an address is in use. Another bench that is just starting a process holds a copy of every
// socket between fork and exec, and so for a while those that were closed here.
func patiently(listen func() error) func() error {
	return func() error {
		for range 400 {
			if err := listen(); !errors.Is(err, syscall.EADDRINUSE) {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
		return listen()
	}
}

// keep closes something after the situation.
func (h *host) keep(open interface{ Close() error }) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = append(h.open, open)
}

// stop closes every server and connection, as the end of a process does.
func (h *host) stop() {
	h.mu.Lock()
	open := h.open
	h.open = nil
	h.mu.Unlock()
	whole(func() {
		for _, one := range open {
			_ = one.Close() // it may have ended by itself
		}
	})
}

// whole closes sockets for good: a process that is just being started beside would keep a copy of them open.
func whole(closeThem func()) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	closeThem()
}

// reset takes back what a situation did.
func (h *host) reset() error {
	h.stop()
	h.serving.Wait()
	h.stop() // connections that were accepted meanwhile
	var faults []error
	for _, back := range slices.Backward(h.undo) {
		faults = append(faults, back())
	}
	h.undo = nil
	if h.filtered {
		faults = append(faults, h.Run("flush ruleset\n", "nft", "-f", "-"))
	}
	h.filtered = false
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("reset %s: %w", h.name, err)
	}
	return nil
}
