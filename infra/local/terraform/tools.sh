#!/usr/bin/env bash
# Terraform and its azurerm provider, built once per machine from the Go module proxy and kept by version.
#   tools.sh         builds what is missing (the provider: some 14 CPU minutes, 5 GB of memory and of disk meanwhile)
#   tools.sh where   prints the two programs, one a line; fails where one is missing
set -euo pipefail

cli_version=v1.11.4
provider_version=v1.44.1-0.20260824201233-fae580791926 # azurerm 5.2.0 and four days: its releases have no tags that Go knows
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

# build FOLDER MODULE@VERSION: into a folder beside it first, so that a build that was stopped leaves nothing half done
build() {
	local folder=$1 module=$2 work
	work=$(mktemp -d "$cache/build.XXXXXX")
	trap 'chmod -R u+w "$work" && rm -rf "$work"' RETURN
	(cd "$work" && GOBIN=$work/bin GOCACHE=$work/cache GOTMPDIR=$work CGO_ENABLED=0 GOFLAGS=-p=2 GOWORK=off \
		nice -n 10 go install -trimpath -ldflags='-s -w' "$module")
	mkdir -p "$folder"
	mv "$work"/bin/* "$folder/"
}

export CHECKPOINT_DISABLE=1
if [ "${1:-}" = where ]; then
	[ -x "$(cli)" ] && [ -x "$provider" ] || exit 1
	printf '%s\n%s\n' "$(cli)" "$provider"
	exit
fi

mkdir -p "$cache"
if [ ! -x "$(cli)" ]; then
	echo "building terraform $cli_version, once per machine …"
	build "$cache/terraform-$cli_version" "github.com/hashicorp/terraform@$cli_version"
fi
if [ ! -x "$provider" ]; then
	echo "building terraform-provider-azurerm $provider_version, once per machine; this takes a quarter of an hour …"
	build "${provider%/*}" "github.com/hashicorp/terraform-provider-azurerm@$provider_version"
fi
