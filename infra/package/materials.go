package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// materials is the software bill of materials of a Go program, in CycloneDX: the modules that are linked in, as the
// program itself names them, and the Go release. It has no serial number and no time, which would differ each time.
func materials(file string) ([]byte, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read modules: %w", err)
	}
	main := component(debug.Module{Path: info.Main.Path, Version: info.Main.Version})
	main.Type = cdx.ComponentTypeApplication
	parts := []cdx.Component{component(debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")})}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, component(*m))
	}
	bill := cdx.NewBOM()
	bill.Metadata = &cdx.Metadata{Component: &main}
	bill.Components = &parts
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bill); err != nil {
		return nil, fmt.Errorf("write bill of materials: %w", err)
	}
	return out.Bytes(), nil
}

func component(m debug.Module) cdx.Component {
	if m.Version == "(devel)" {
		m.Version = "" // built outside a version's checkout
	}
	address := "pkg:golang/" + m.Path
	if m.Version != "" {
		address += "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	}
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: address, BOMRef: address}
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
		// go.sum's hash: SHA-256 over the list of the module's files with theirs.
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	return c
}
