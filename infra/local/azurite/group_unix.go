//go:build unix

package azurite

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the terminal's Ctrl-C away from Azurite: it saves on the first SIGINT, but a second one, ours, would end
// it in the middle of saving.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
