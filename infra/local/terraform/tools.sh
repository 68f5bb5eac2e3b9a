#!/usr/bin/env bash
# Terraform and its azurerm provider, built once per machine from the Go module proxy and kept by version.
#   tools.sh         builds what is missing (the provider: some 14 CPU minutes, 5 GB of memory and of disk meanwhile)
#   tools.sh where   prints the two programs, one a line; fails where one is missing
set -euo pipefail

cli_version=v1.11.4
# azurerm 5.2.0 and four days: its releases have no tags that Go knows
provider_version=v1.44.1-0.20260824201233-fae580791926
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pgpreflight
provider=$cache/azurerm-$provider_version/terraform-provider-azurerm

# what the machine has is good enough where infra/versions.tf takes it
cli() {
	local found version
	if found=$(command -v terraform) && version=$("$found" version -json 2>/dev/null) &&
		[[ $version =~ '"terraform_version": "1.'(9|[1-9][0-9])'.' ]]; then
		echo "$found"
	else
		echo "$cache/terraform-$cli_version/terraform"
	fi
}

# Builds happen in a folder beside, so that one that was stopped leaves nothing half done.
work=
begin() {
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/build.XXXXXX")
	trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
	export GOCACHE=$work/cache GOTMPDIR=$work CGO_ENABLED=0 GOWORK=off
}
finish() { # finish FOLDER PROGRAM
	mkdir -p "$1"
	mv "$2" "$1/"
	rm -rf "$GOCACHE"
}

build_provider() {
	begin
	(cd "$work" && GOBIN=$work/bin GOFLAGS=-p=2 nice -n 10 go install -trimpath -ldflags='-s -w' \
		"github.com/hashicorp/terraform-provider-azurerm@$provider_version")
	finish "${provider%/*}" "$work/bin/terraform-provider-azurerm"
}

# Its go.mod replaces modules by folders that the module itself does not carry: the backends that keep a state somewhere
# else, of which a test needs none. Without them, and without a switch of Go that is gone, it builds like any other.
build_cli() {
	begin
	local source
	source=$(cd "$work" && go mod download -json "github.com/hashicorp/terraform@$cli_version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	cp -r "$source" "$work/terraform"
	chmod -R u+w "$work/terraform"
	(
		cd "$work/terraform"
		sed -i '/^godebug tlskyber/d' go.mod
		sed -i -E '/backend(Azure|Consul|Cos|GCS|Kubernetes|OSS|Pg|S3)\b/d' internal/backend/init/init.go
		for module in $(sed -n 's/^replace \(\S*\) =>.*/\1/p' go.mod); do
			go mod edit -dropreplace="$module" -droprequire="$module"
		done
		GOFLAGS='-p=2 -mod=mod' nice -n 10 go build -trimpath \
			-ldflags='-s -w -X github.com/hashicorp/terraform/version.dev=no' -o "$work/bin/terraform" .
	)
	finish "$cache/terraform-$cli_version" "$work/bin/terraform"
}

export CHECKPOINT_DISABLE=1
if [ "${1:-}" = where ]; then
	[ -x "$(cli)" ] && [ -x "$provider" ] || exit 1
	printf '%s\n%s\n' "$(cli)" "$provider"
	exit
fi

if [ ! -x "$(cli)" ]; then
	echo "building terraform $cli_version, once per machine …"
	(build_cli)
fi
if [ ! -x "$provider" ]; then
	echo "building terraform-provider-azurerm $provider_version, once per machine; this takes a quarter of an hour …"
	(build_provider)
fi
