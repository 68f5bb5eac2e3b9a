package lab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace without a name: it exists as long as a descriptor or a process of this test holds
// it, so that even a killed run leaves nothing behind.
type namespace struct{ file *os.File }

func newNamespace() (namespace, error) {
	var made namespace
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare network: %w", err)
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		made = namespace{file: file}
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

// do runs f inside the namespace. Sockets and processes that f itself makes belong there for good; goroutines that f
// starts do not run there.
func (n namespace) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter namespace: %w", err)
		}
		return f()
	})
}

// path names the namespace for ip and nsenter.
func (n namespace) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

// prefix starts a command inside the namespace, in front of its own arguments.
func (n namespace) prefix() []string { return []string{"nsenter", "--net=" + n.path(), "--"} }

// run feeds a script to a command inside the namespace.
func (n namespace) run(script string, command ...string) error {
	return n.do(func() error {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("run %s: %w\n%s\n%s", strings.Join(command, " "), err, script, out)
		}
		return nil
	})
}

// ip runs lines of ip(8).
func (n namespace) ip(lines ...string) error {
	return n.run(strings.Join(lines, "\n")+"\n", "ip", "-batch", "-")
}

// sysctl writes name=value pairs, the names with slashes below /proc/sys.
func (n namespace) sysctl(pairs ...string) error {
	return n.do(func() error {
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, "=")
			if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	})
}
