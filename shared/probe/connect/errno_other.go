//go:build !linux

package connect

import "syscall"

// outcomeOf knows the numbers that every platform of Go has.
func outcomeOf(number syscall.Errno) Outcome {
	switch number {
	case syscall.ECONNREFUSED, syscall.ECONNRESET:
		return Refused
	case syscall.ETIMEDOUT:
		return Timeout
	case syscall.EHOSTUNREACH:
		return HostUnreachable
	case syscall.ENETUNREACH:
		return NetworkUnreachable
	case syscall.EPERM, syscall.EACCES:
		return NotPermitted
	case syscall.EADDRNOTAVAIL, syscall.EMFILE:
		return LocalPortsExhausted
	}
	return Other
}

func errnoName(number syscall.Errno) string { return number.Error() }
