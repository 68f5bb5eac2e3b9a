// Command package writes the zip that the Functions host runs: the handler with its executable bit, host.json, a folder
// with function.json for each function, and the bill of materials of the handler. The same input gives the same bytes.
//
//	go run ./infra/package -handler bin/handler -out bin/pgpreflight.zip
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", ".", "folder of host.json and functions")
	handler := flag.String("handler", "bin/handler", "the handler, a static program for linux/amd64")
	out := flag.String("out", "bin/pgpreflight.zip", "file to write")
	flag.Parse()
	if err := run(*root, *handler, *out); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(root, handler, out string) error {
	entries, err := collect(root, handler)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := write(&archive, entries); err != nil {
		return err
	}
	if err := os.WriteFile(out, archive.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	fmt.Printf("%s  %d files, %.1f MB, sha256 %x\n", out, len(entries), float64(archive.Len())/1e6,
		sha256.Sum256(archive.Bytes()))
	return nil
}
