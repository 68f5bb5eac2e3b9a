#!/usr/bin/env bash
# Installs what the local stack and the tests need and the machine lacks. Without root it only says what is missing:
# the tests that need it are then counted as skipped, never as passed.
set -euo pipefail

missing=()
need() { # need PACKAGE COMMAND...: the Debian package, and the commands that show it is there
	local package=$1; shift
	local found=
	for command in "$@"; do
		if command -v "$command" >/dev/null 2>&1 || compgen -G "/usr/lib/postgresql/*/bin/$command" >/dev/null ||
			[ -x "/usr/sbin/$command" ]; then found=yes; fi
	done
	[ -n "$found" ] || missing+=("$package")
}

need postgresql postgres
if [ -n "${WITH_LAB:-}" ]; then # the network lab of the tests
	need iproute2 ip
	need nftables nft
	need ca-certificates update-ca-certificates
fi
if [ -n "${WITH_BROWSER:-}" ]; then # the tests of pages
	need chromium chromium chromium-browser google-chrome
	compgen -G '/usr/share/fonts/truetype/*/*.ttf' >/dev/null || missing+=(fonts-dejavu-core)
fi
if [ -n "${WITH_BENCH:-}" ]; then # what the benchmark measures beside us
	need bind9-dnsutils dig
	need openssl openssl
	need postgresql-client psql
fi

[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "not installed: ${missing[*]} (needs root and apt-get; install them by hand for the whole of it)" >&2
	exit 0
fi
echo "installing ${missing[*]} …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
# no service is wanted: the stack starts throw-away servers of its own
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
