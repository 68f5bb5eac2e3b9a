package worker

import "syscall"

// dieWithParent makes the kernel end the handler when the host is killed, so that a killed test run leaves nothing.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
