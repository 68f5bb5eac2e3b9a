package postgres

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// ErrNotInstalled says that this machine has no PostgreSQL server, and which package brings one.
var ErrNotInstalled = errors.New("no PostgreSQL server found in PATH or /usr/lib/postgresql: install the package postgresql " +
	"(Debian, Ubuntu) or postgresql-server (Fedora, RHEL)")

// Find returns the folder that holds initdb and postgres: that of PATH, or else Debian's with the highest version.
func Find() (string, error) {
	if file, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(file); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", ErrNotInstalled
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range found {
		if complete(dir) {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

func complete(dir string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
			return false
		}
	}
	return true
}

// version reads /usr/lib/postgresql/15/bin as 15.
func version(binDir string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(binDir)))
	if err != nil {
		return 0
	}
	return n
}
