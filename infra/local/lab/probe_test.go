package lab

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"

	"github.com/pgpreflight/pgpreflight/infra/local/netns"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// probe is the vantage's process: it lives as long as its bench and runs one check after another.
type probe struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
}

// order is the settings of the app that checks, and the request. The program in vantage reads it.
type order struct {
	Request   json.RawMessage   `json:"request"`
	Resolvers []netip.AddrPort  `json:"resolvers"`
	Targets   string            `json:"targets"`
	Ports     string            `json:"ports"`
	Roots     map[string]string `json:"roots"`
	Secrets   map[string]string `json:"secrets"`
}

// The names of the settings that requests refer to.
const (
	rootsSetting    = "LAB_ROOTS"
	passwordSetting = "LAB_PASSWORD"
)

func newOrder(certs certificates) order {
	return order{
		Resolvers: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(resolverAddress), 53)},
		Targets:   "10.0.0.0/8,20.77.0.0/16,fd77::/16", Ports: "5432-5440,6432",
		Roots:   map[string]string{rootsSetting: string(certs.authority.PEM())},
		Secrets: map[string]string{passwordSetting: "lab-password"},
	}
}

type answer struct {
	Report    *report.Report `json:"report"`
	Error     string         `json:"error"`
	ElapsedMs float64        `json:"elapsedMs"`
	PeakKB    int            `json:"peakKB"`
	raw       []byte
}

func startProbe(n netns.Namespace, program string) (*probe, error) {
	p := &probe{command: exec.Command(program)}
	p.command.Stderr = os.Stderr
	orders, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.orders, p.answers = orders, bufio.NewReader(answers)
	// It ends with its standard input, so that it does not outlive a killed test.
	return p, n.Do(p.command.Start)
}

func (p *probe) check(o order) (answer, error) {
	if err := json.NewEncoder(p.orders).Encode(o); err != nil {
		return answer{}, fmt.Errorf("order a check: %w", err)
	}
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	a := answer{raw: line}
	if err := json.Unmarshal(line, &a); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	if a.Error != "" {
		return answer{}, fmt.Errorf("check: %s", a.Error)
	}
	return a, nil
}

func (p *probe) close() {
	_ = p.orders.Close()
	_ = p.command.Wait()
}
