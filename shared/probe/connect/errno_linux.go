package connect

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// outcomeOf maps what connect(2) can return. The ICMP answers follow the kernel's own table (net/ipv4/icmp.c,
// icmp_err_convert, and net/ipv6/icmp.c).
func outcomeOf(number syscall.Errno) Outcome {
	switch number {
	case unix.ECONNREFUSED, unix.ECONNRESET:
		return Refused
	case unix.ETIMEDOUT:
		return Timeout
	case unix.EHOSTUNREACH, unix.ENOPROTOOPT, unix.EPROTO, unix.EHOSTDOWN, unix.ENONET, unix.EOPNOTSUPP, unix.EMSGSIZE:
		return HostUnreachable
	case unix.ENETUNREACH, unix.ENETDOWN, unix.EAFNOSUPPORT:
		return NetworkUnreachable
	case unix.EPERM, unix.EACCES:
		return NotPermitted
	// Too few descriptors or buffers have the same owner and the same remedy as too few ports: fewer checks at once.
	case unix.EADDRNOTAVAIL, unix.EADDRINUSE, unix.EAGAIN, unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		return LocalPortsExhausted
	}
	return Other
}

func errnoName(number syscall.Errno) string { return unix.ErrnoName(number) }
