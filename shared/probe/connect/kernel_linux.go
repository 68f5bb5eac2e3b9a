package connect

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Inspect reads the kernel's figures of a connection, through any TLS on top of it. It sends nothing; nil where the
// connection is not TCP or already closed.
func Inspect(conn net.Conn) *Kernel {
	socket, ok := bottom(conn).(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err != nil || infoErr != nil {
		return nil
	}
	return &Kernel{RTTMs: float64(info.Rtt) / 1000, RTTVarMs: float64(info.Rttvar) / 1000,
		Retransmits: retransmits(info), MSS: int(info.Snd_mss)}
}

// retransmits leaves out what the peer reports as received twice (RFC 2883): on a short path the kernel's tail loss probe
// (RFC 8985) sends again what was not lost, because a server that computes delays its acknowledgement by 40 ms.
func retransmits(info *unix.TCPInfo) int {
	return max(0, int(info.Total_retrans)-int(info.Dsack_dups))
}

// bottom unwraps crypto/tls and anything else that shows the connection below it.
func bottom(conn net.Conn) net.Conn {
	for {
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return conn
		}
		conn = wrapper.NetConn()
	}
}
