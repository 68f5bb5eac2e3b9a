// Package netns makes network namespaces for tests and measurements, and runs things inside them: several hosts on one
// machine, whose packets go nowhere else. It needs root.
package netns

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace without a name: it exists as long as a descriptor or a process of this test holds
// it, so that even a killed run leaves nothing behind.
type Namespace struct{ file *os.File }

// New makes a namespace.
func New() (Namespace, error) {
	var made Namespace
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare network: %w", err)
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		made = Namespace{file: file}
		return err
	})
	return made, err
}

// onThread runs f on a thread of its own. The thread is never unlocked, so that it ends with f: no other goroutine ever
// runs in the namespace that f went to.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// Do runs f inside the namespace. Sockets and processes that f itself makes belong there for good; goroutines that f
// starts do not run there.
func (n Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter namespace: %w", err)
		}
		return f()
	})
}

// Path names the namespace for ip and nsenter.
func (n Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

// Prefix starts a command inside the namespace, in front of its own arguments.
func (n Namespace) Prefix() []string { return []string{"nsenter", "--net=" + n.Path(), "--"} }

// Run feeds a script to a command inside the namespace.
func (n Namespace) Run(script string, command ...string) error {
	return n.Do(func() error {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("run %s: %w\n%s\n%s", strings.Join(command, " "), err, script, out)
		}
		return nil
	})
}

// IP runs lines of ip(8).
func (n Namespace) IP(lines ...string) error {
	return n.Run(strings.Join(lines, "\n")+"\n", "ip", "-batch", "-")
}

// Sysctl writes name=value pairs, the names with slashes below /proc/sys.
func (n Namespace) Sysctl(pairs ...string) error {
	return n.Do(func() error {
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, "=")
			if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close lets go of the namespace, which ends with the last process in it.
func (n Namespace) Close() error { return n.file.Close() }
