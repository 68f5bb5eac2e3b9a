package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Dialer returns the dialer for one host. It refuses with a *Refusal before a packet leaves, resolves nothing, and keeps
// the errno of a failed connect within reach of errors.As. Host is as in Check.
func (p Policy) Dialer(host string) func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	return func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		if err := p.checkDial(host, to); err != nil {
			return nil, err
		}
		// An AddrPort's text is a literal address, for which nobody asks a resolver. DialTCP would bind a port first,
		// and a port that was bound serves one connection of the whole machine, not one for each far address. The error
		// is passed on as it is: its text already names the address.
		return netDialer().DialContext(ctx, "tcp", to.String())
	}
}

func (p Policy) checkDial(host string, to netip.AddrPort) error {
	err := p.Check(host, to.Addr())
	if err == nil {
		err = p.CheckPort(int(to.Port()))
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return &Refusal{Host: host, Address: to.Addr(), Port: int(to.Port()), Reason: refusal.Reason}
	}
	return err
}

// netDialer has the keepalives that the migration guide advises for both servers (idle 10 s, interval 10 s), but gives
// up after three: a check lasts two minutes at most.
func netDialer() *net.Dialer {
	return &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable:   true,
		Idle:     10 * time.Second,
		Interval: 10 * time.Second,
		Count:    3,
	}}
}
