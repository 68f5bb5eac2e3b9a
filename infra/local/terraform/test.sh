#!/usr/bin/env bash
# The four layers of checks of infra/, with the time that each took. The layers wait more than they work.
set -uo pipefail
cd "$(dirname "$0")/../../.."
started=$SECONDS
go test -count=1 -parallel 8 -timeout 40m -v ./infra/local/arm ./infra/local/terraform 2>&1 |
	grep -vE '^ *=== (RUN|PAUSE|CONT|NAME)'
status=${PIPESTATUS[0]}
echo "infra-test: $((SECONDS - started)) s"
exit "$status"
