//go:build !linux

package worker

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
