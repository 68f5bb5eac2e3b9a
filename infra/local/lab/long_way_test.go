package lab

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lengthen makes packets to the source take so much longer. They leave the router into a TUN device, wait there, and
// come back; the kernel here has no netem.
func (b *bench) lengthen(delay time.Duration) {
	var device *os.File
	must(b.router.Do(func() error {
		var err error
		device, err = openTUN("longway")
		return err
	}))
	b.router.keep(device)
	// The device goes with its descriptor, and the routes with the device.
	must(b.router.IP("link set longway up", "route add "+sourceAddress+" dev longway"))
	b.router.change("rule add iif longway lookup 77", "rule del iif longway lookup 77")
	b.router.change("route add "+sourceAddress+" via 10.77.3.5 dev source table 77", "route flush table 77")
	b.router.serving.Go(func() {
		for {
			packet := make([]byte, 2048)
			n, err := device.Read(packet)
			if err != nil {
				return
			}
			time.AfterFunc(delay, func() { _, _ = device.Write(packet[:n]) })
		}
	})
}

func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}
