package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// layout changes when initdb is called with other options, so that an old template is not used again.
const layout = "1"

// template says what to copy for whom. initdb takes seconds, a copy of its result a fraction of one, so the result is
// kept in the user's cache folder for every later server of this PostgreSQL version.
type template struct {
	binDir string
	owner  owner
	to     string
}

func copyTemplate(ctx context.Context, t template) error {
	kept, err := t.keptDir(ctx)
	if err != nil {
		return initdb(ctx, t, t.to)
	}
	if _, err := os.Stat(kept); errors.Is(err, fs.ErrNotExist) {
		if err := t.keep(ctx, kept); err != nil {
			return err
		}
	}
	return t.copyTree(kept)
}

func (t template) keptDir(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(t.binDir, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask postgres for its version: %w", err)
	}
	words := strings.Fields(string(out))
	if len(words) < 3 {
		return "", fmt.Errorf("read version %q of postgres: too short", out)
	}
	return filepath.Join(cache, "pgpreflight", "postgres-"+filepath.Base(words[2])+"-"+layout), nil
}

// keep runs initdb beside the server's folder (the cache may be out of the server user's reach) and moves a copy into
// place in one step, so that concurrent processes see all of it or nothing.
func (t template) keep(ctx context.Context, kept string) error {
	made := t.to + ".initdb"
	if err := initdb(ctx, t, made); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(made) }()
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return fmt.Errorf("make cache folder: %w", err)
	}
	staged, err := os.MkdirTemp(filepath.Dir(kept), "staged-")
	if err != nil {
		return fmt.Errorf("make cache folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(staged) }()
	copied := template{to: filepath.Join(staged, "data")}
	if err := copied.copyTree(made); err != nil {
		return err
	}
	if err := os.Rename(copied.to, kept); err != nil && !exists(kept) {
		return fmt.Errorf("keep template: %w", err)
	}
	return nil
}

func initdb(ctx context.Context, t template, to string) error {
	out, err := t.owner.command(ctx, nil, filepath.Join(t.binDir, "initdb"), "-D", to, "--no-sync", "--no-instructions",
		"--username="+Superuser, "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C",
		"--wal-segsize=1").CombinedOutput()
	if err != nil {
		return fmt.Errorf("run initdb: %w: %s", err, out)
	}
	return nil
}

func (t template) copyTree(from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		to := filepath.Join(t.to, relative)
		if entry.IsDir() {
			err = os.Mkdir(to, 0o700)
		} else {
			err = copyFile(path, to)
		}
		if err != nil {
			return fmt.Errorf("copy template: %w", err)
		}
		return t.owner.give(to)
	})
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		_ = target.Close()
		return err
	}
	return target.Close()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
