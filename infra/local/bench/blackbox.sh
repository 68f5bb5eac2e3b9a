#!/usr/bin/env bash
# Prints the path of blackbox_exporter, built once per machine. "go install" cannot: the proxy lists no versions of it,
# and install asks for them.
set -euo pipefail

version=v0.28.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pgpreflight/blackbox_exporter-$version
if [ ! -x "$cache/blackbox_exporter" ]; then
	module=$(mktemp -d)
	trap 'rm -rf "$module"' EXIT
	mkdir -p "$cache"
	cat >"$module/go.mod" <<-EOF
		module tool

		go 1.26.0

		require github.com/prometheus/blackbox_exporter $version
	EOF
	printf '//go:build tools\n\npackage tool\n\nimport _ "github.com/prometheus/blackbox_exporter"\n' >"$module/tool.go"
	(cd "$module" && GOFLAGS=-mod=mod CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' \
		-o "$cache/blackbox_exporter" github.com/prometheus/blackbox_exporter) >&2
fi
echo "$cache/blackbox_exporter"
