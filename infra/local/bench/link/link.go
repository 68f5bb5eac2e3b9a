// Package link joins two network namespaces by a wire with a delay, in the place of netem, which many kernels lack: every
// IP packet waits half a round trip. It counts what passes, and how often a client waited for an answer. It changes,
// drops and reorders nothing.
package link

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgpreflight/pgpreflight/infra/local/netns"
)

// End is one end of the wire.
type End struct {
	Namespace netns.Namespace
	// Addresses are the interface's, such as 10.78.0.1/24.
	Addresses []string
}

// Link is a wire. Client and server are told apart because it is the client whose waits are counted.
type Link struct {
	client, server *os.File
	// oneWay is half a round trip, in nanoseconds.
	oneWay  atomic.Int64
	counter counter
	passing sync.WaitGroup
}

const (
	device = "wire0"
	// mtu is that of the networks that databases are in.
	mtu = 1500
	// waiting is how many packets may be on the wire at once, in one direction.
	waiting = 1 << 16
)

// Join makes the interfaces of both ends and passes packets on until Close.
func Join(client, server End) (*Link, error) {
	l := &Link{counter: counter{spoken: map[flow]bool{}}}
	var err error
	if l.client, err = open(client); err != nil {
		return nil, fmt.Errorf("open the client's end: %w", err)
	}
	if l.server, err = open(server); err != nil {
		return nil, errors.Join(fmt.Errorf("open the server's end: %w", err), l.client.Close())
	}
	l.passing.Go(func() { l.pass(l.client, l.server, l.counter.fromClient) })
	l.passing.Go(func() { l.pass(l.server, l.client, l.counter.fromServer) })
	return l, nil
}

// open makes a TUN interface inside the namespace, whose packets are read from and written to the file.
func open(e End) (*os.File, error) {
	var file *os.File
	err := e.Namespace.Do(func() error {
		descriptor, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		request, err := unix.NewIfreq(device)
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(descriptor, unix.TUNSETIFF, request); err != nil {
			return errors.Join(fmt.Errorf("make interface: %w", err), unix.Close(descriptor))
		}
		file = os.NewFile(uintptr(descriptor), device)
		return nil
	})
	if err != nil {
		return nil, err
	}
	lines := []string{"link set lo up", fmt.Sprintf("link set %s mtu %d txqueuelen 10000 up", device, mtu)}
	for _, address := range e.Addresses {
		lines = append(lines, fmt.Sprintf("addr add %s dev %s", address, device))
	}
	if err := e.Namespace.IP(lines...); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// SetRoundTrip is the delay from now on, for both ways together.
func (l *Link) SetRoundTrip(d time.Duration) { l.oneWay.Store(int64(d / 2)) }

// Take gives what was counted since the last call.
func (l *Link) Take() Counts { return l.counter.take() }

// Close ends the wire.
func (l *Link) Close() error {
	err := errors.Join(l.client.Close(), l.server.Close())
	l.passing.Wait()
	return err
}

type packet struct {
	due  time.Time
	data []byte
}

// pass reads packets and writes each when its time has come. A goroutine of its own reads, so that no packet waits in
// the kernel for one before it.
func (l *Link) pass(from, to *os.File, count func([]byte)) {
	wire := make(chan packet, waiting)
	go func() {
		defer close(wire)
		buffer := make([]byte, mtu)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			due := time.Now().Add(time.Duration(l.oneWay.Load()))
			count(buffer[:n])
			wire <- packet{due, append([]byte(nil), buffer[:n]...)}
		}
	}()
	for p := range wire {
		// The clock is read again after the sleep: a packet that comes early makes every figure a little too good.
		for rest := time.Until(p.due); rest > 0; rest = time.Until(p.due) {
			time.Sleep(rest)
		}
		if _, err := to.Write(p.data); errors.Is(err, os.ErrClosed) {
			return
		}
	}
}
