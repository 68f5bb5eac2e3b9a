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
		// DialTCP takes a literal address, so there is no path from here to a resolver. The error is passed on as
		// it is: its text already names the address.
		conn, err := netDialer().DialTCP(ctx, "tcp", netip.AddrPort{}, to)
		if err != nil {
			return nil, err
		}
		return conn, nil
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
