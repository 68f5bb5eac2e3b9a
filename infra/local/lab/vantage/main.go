// Command vantage runs checks where it stands: one JSON order per line on standard input, one JSON answer per line on
// standard output. The lab starts it inside a network namespace, as a process of its own so that its memory can be
// measured.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/check"
	"github.com/pgpreflight/pgpreflight/shared/guard"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Order is one check to run and the settings of the app that runs it.
type Order struct {
	Request   json.RawMessage   `json:"request"`
	Resolvers []netip.AddrPort  `json:"resolvers"`
	Targets   string            `json:"targets"`
	Ports     string            `json:"ports"`
	Roots     map[string]string `json:"roots"`
	Secrets   map[string]string `json:"secrets"`
}

// Answer is what came of an order.
type Answer struct {
	Report    *report.Report `json:"report,omitempty"`
	Error     string         `json:"error,omitempty"`
	ElapsedMs float64        `json:"elapsedMs"`
	// PeakKB is the largest resident memory of the process while the check ran.
	PeakKB int `json:"peakKB"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := answers.Encode(carryOut(lines.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func carryOut(line []byte) Answer {
	var order Order
	if err := json.Unmarshal(line, &order); err != nil {
		return Answer{Error: err.Error()}
	}
	runner, checked, err := prepare(order)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	forgetPeak()
	started := time.Now()
	found, err := runner.Run(context.Background(), checked)
	answer := Answer{Report: &found, ElapsedMs: float64(time.Since(started).Microseconds()) / 1000, PeakKB: peakKB()}
	if err != nil {
		answer.Report, answer.Error = nil, err.Error()
	}
	return answer
}

func prepare(order Order) (*check.Runner, request.Check, error) {
	checked, err := request.Decode(order.Request, "lab")
	if err != nil {
		return nil, request.Check{}, err
	}
	policy, err := guard.Parse(order.Targets, order.Ports)
	if err != nil {
		return nil, request.Check{}, err
	}
	return check.New(check.Parts{
		Resolvers: func() ([]netip.AddrPort, error) { return order.Resolvers, nil },
		Dialer:    policy.Dialer, CheckPort: policy.CheckPort, CheckName: policy.CheckName,
		Credentials: given{order},
		Words:       catalog.Load,
	}), checked, nil
}

// given holds credentials and roots as the order has them.
type given struct{ order Order }

// Resolve finds a password by the name of its setting.
func (g given) Resolve(_ context.Context, c request.Credential) (secret.String, error) {
	value, known := g.order.Secrets[c.Setting]
	if !known {
		return secret.String{}, fmt.Errorf("find setting %q: it is not set", c.Setting)
	}
	return secret.New(value), nil
}

// Roots finds extra roots by the name of their setting.
func (g given) Roots(name string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(g.order.Roots[name])) {
		return nil, fmt.Errorf("read roots of setting %q: no certificate in it", name)
	}
	return pool, nil
}

// forgetPeak lets the kernel measure from now on (proc(5), clear_refs).
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// peakKB is 0 where the kernel does not tell.
func peakKB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.Atoi(string(fields[0]))
	return kilobytes
}
