package tls

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// peek looks at what has arrived without waiting and without taking it.
func peek(conn net.Conn) waiting {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return waitingNothing
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return waitingNothing
	}
	var n int
	var peekErr error
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		n, _, peekErr = unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return true
	})
	switch {
	case err != nil:
		return waitingNothing
	case errors.Is(peekErr, unix.ECONNRESET):
		return waitingReset
	case peekErr != nil:
		return waitingNothing
	case n == 0:
		return waitingClosed
	}
	return waitingData
}
