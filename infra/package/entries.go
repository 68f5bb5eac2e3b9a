package main

import (
	"archive/zip"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// The names of the files at the root of the package, beside one folder for each function.
const (
	handlerName   = "handler"
	hostName      = "host.json"
	materialsName = "sbom.cdx.json"
	bindingsName  = "function.json"
)

// entry is one file of the package.
type entry struct {
	name       string
	executable bool
	content    []byte
}

// collect reads what belongs in the package, sorted by name. A function folder that holds anything else than its
// bindings is refused: it would be left out in silence.
func collect(root, handler string) ([]entry, error) {
	program, err := os.ReadFile(handler)
	if err != nil {
		return nil, fmt.Errorf("read handler: %w", err)
	}
	if err := checkProgram(handler); err != nil {
		return nil, fmt.Errorf("handler %s: %w", handler, err)
	}
	bill, err := materials(handler)
	if err != nil {
		return nil, fmt.Errorf("handler %s: %w", handler, err)
	}
	host, err := os.ReadFile(filepath.Join(root, hostName))
	if err != nil {
		return nil, fmt.Errorf("read host.json: %w", err)
	}
	entries, err := functions(filepath.Join(root, "functions"))
	if err != nil {
		return nil, err
	}
	entries = append(entries, entry{name: handlerName, executable: true, content: program},
		entry{name: hostName, content: host}, entry{name: materialsName, content: bill})
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return entries, nil
}

func functions(dir string) ([]entry, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read functions: %w", err)
	}
	var entries []entry
	for _, folder := range folders {
		files, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			return nil, fmt.Errorf("read function %s: %w", folder.Name(), err)
		}
		if len(files) != 1 || files[0].Name() != bindingsName {
			return nil, fmt.Errorf("function %s: want function.json and nothing else", folder.Name())
		}
		bindings, err := os.ReadFile(filepath.Join(dir, folder.Name(), bindingsName))
		if err != nil {
			return nil, fmt.Errorf("read function %s: %w", folder.Name(), err)
		}
		entries = append(entries, entry{name: path.Join(folder.Name(), bindingsName), content: bindings})
	}
	if len(entries) == 0 {
		return nil, errors.New("no functions in " + dir)
	}
	return entries, nil
}

// checkProgram refuses what the platform's image could not run: the host says only that the process exited.
func checkProgram(file string) error {
	program, err := elf.Open(file)
	if err != nil {
		return errors.New("not a Linux program: build it with GOOS=linux GOARCH=amd64")
	}
	defer program.Close()
	if program.Machine != elf.EM_X86_64 {
		return fmt.Errorf("built for %v: build it with GOARCH=amd64", program.Machine)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return errors.New("linked dynamically: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

// write makes the archive. Every entry has the oldest time that a zip can tell: the time of a build is no input.
func write(to io.Writer, entries []entry) error {
	archive := zip.NewWriter(to)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate,
			Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(0o644)
		if e.executable {
			header.SetMode(0o755)
		}
		file, err := archive.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("add %s: %w", e.name, err)
		}
		if _, err := file.Write(e.content); err != nil {
			return fmt.Errorf("add %s: %w", e.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("end archive: %w", err)
	}
	return nil
}
