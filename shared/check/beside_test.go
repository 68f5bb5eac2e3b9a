package check

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSilentPeersSlowNobody makes a healthy check while five hundred others wait for peers that never answer. A pool of
// workers, or a limit on what is open, would have it wait for one of them to end.
func TestSilentPeersSlowNobody(t *testing.T) {
	runner, healthy := benchmarked(t)
	dial := runner.parts.Dialer
	const silent = "silent.corp.example"
	var waiting sync.WaitGroup
	runner.parts.Dialer = func(host string) func(context.Context, netip.AddrPort) (net.Conn, error) {
		if host != silent {
			return dial(host)
		}
		return func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			waiting.Done()
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	const others = 500
	waiting.Add(2 * others)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	var ended atomic.Int64
	for range others {
		all.Go(func() {
			c := healthy
			c.Source.Host, c.Target.Host, c.TimeoutSeconds = silent, silent, 120
			_, _ = runner.Run(ctx, c)
			ended.Add(1)
		})
	}
	waiting.Wait()
	begun := time.Now()
	whole(t, runner, healthy)
	t.Logf("%s beside %d checks that wait", time.Since(begun).Round(time.Millisecond), others)
	if n := ended.Load(); n != 0 {
		t.Errorf("%d of those that wait ended first", n)
	}
}
