package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user that the server runs as. PostgreSQL refuses to run as root, so root borrows another user.
type owner struct {
	uid, gid int
	borrowed bool
}

func serverOwner() (owner, error) {
	if os.Geteuid() != 0 {
		return owner{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(account.Uid)
		gid, gidErr := strconv.Atoi(account.Gid)
		if uidErr == nil && gidErr == nil {
			return owner{uid: uid, gid: gid, borrowed: true}, nil
		}
	}
	return owner{}, errors.New("find a user to run postgres as: there is neither postgres nor nobody")
}

// command makes a command that runs as the owner, with a small environment: PG* variables and locales of the caller
// must not change the server. The end of ctx kills it.
func (o owner) command(ctx context.Context, prefix []string, program string, args ...string) *exec.Cmd {
	words := append([]string{program}, args...)
	if len(prefix) > 0 {
		if o.borrowed {
			// The prefix itself needs root, so the user is changed after it.
			words = append([]string{"setpriv", "--reuid=" + strconv.Itoa(o.uid), "--regid=" + strconv.Itoa(o.gid),
				"--clear-groups"}, words...)
		}
		words = append(append([]string{}, prefix...), words...)
	}
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o.borrowed && len(prefix) == 0 {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return command
}

func (o owner) give(path string) error {
	if !o.borrowed {
		return nil
	}
	if err := os.Lchown(path, o.uid, o.gid); err != nil {
		return fmt.Errorf("give file to server: %w", err)
	}
	return nil
}

// makeDir makes the server's folder where its owner can reach it: a temporary folder below one that only root may enter
// would stop postgres with "permission denied" in a place that nobody looks at.
func (s *Server) makeDir() error {
	if s.Dir == "" {
		parent := os.TempDir()
		if s.owner.borrowed && !reachable(parent) {
			parent = "/tmp"
		}
		dir, err := os.MkdirTemp(parent, "pgpreflight-pg-")
		if err != nil {
			return fmt.Errorf("make server folder: %w", err)
		}
		s.Dir = dir
	}
	if err := os.MkdirAll(s.socket(), 0o755); err != nil {
		return fmt.Errorf("make socket folder: %w", err)
	}
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		return fmt.Errorf("open server folder: %w", err)
	}
	if s.owner.borrowed && !reachable(s.Dir) {
		return fmt.Errorf("use folder %s: the user that postgres runs as cannot enter it", s.Dir)
	}
	if err := s.owner.give(s.Dir); err != nil {
		return err
	}
	return s.owner.give(s.socket())
}

// reachable tells whether everybody may pass through every folder down to dir.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
