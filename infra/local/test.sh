#!/usr/bin/env bash
# Runs every test once and ends with one line that counts passed, failed and skipped. With CI set a skipped test fails
# the run: there everything it needs has been installed.
set -uo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .local
WITH_LAB=1 WITH_BROWSER=1 bash infra/local/setup.sh || exit 1

status=0
echo "node: the Service Bus stand-in"
(cd infra/local && node --test servicebus/*.test.mjs) >.local/node-test.log 2>&1 || { status=1; cat .local/node-test.log; }
grep -E '^(# |ℹ )(tests|pass|fail|skipped) ' .local/node-test.log | sed 's/^/  /'

echo "go: every package, with the race detector"
go vet ./... || status=1
# The checks of infra/ wait most of their time, as for Azure: they run beside everything else.
go test -race -json -timeout 40m -parallel 8 "$@" ./infra/local/terraform >.local/test-infra.json 2>.local/test-infra.stderr &
infra=$!
go list ./... | grep -v /infra/local/terraform$ |
	xargs go test -race -json -timeout 45m "$@" >.local/test.json 2>.local/test.stderr || status=1
wait $infra || status=1
cat .local/test-infra.json >>.local/test.json
cat .local/test-infra.stderr >>.local/test.stderr
go run ./infra/local/testreport .local/test.json || status=1
[ -s .local/test.stderr ] && cat .local/test.stderr >&2
exit $status
