#!/usr/bin/env bash
# Fuzzes what reads bytes from strangers, each target for FUZZTIME (default: 60 s), two at a time: the machine has two
# cores, and a fuzzer uses one. A crash leaves its input under the package's testdata/fuzz, to
# be kept as a test.
set -uo pipefail
cd "$(dirname "$0")/../.."
targets=(
	"shared/probe/resolve FuzzRead"     # DNS answers
	"shared/probe/tls FuzzOpening"      # the first bytes after SSLRequest
	"shared/probe/login FuzzObserve"    # PostgreSQL messages
	"shared/explain FuzzExplain"        # pasted text
	"shared/ticket FuzzDecode"          # webhooks of ticketing systems
)
time=${FUZZTIME:-60s}

fuzz() { # fuzz PACKAGE TARGET
	local log
	log=$(go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 5x -parallel 1 "./$1" 2>&1) || {
		# At the end of its time go test now and then reports that very end as a failure of the target, without an input
		# that fails; it is one only where such an input was written.
		if ! grep -q '^ *context deadline exceeded$' <<<"$log" || grep -q 'Failing input written' <<<"$log"; then
			printf 'FAILED %s %s\n%s\n' "$1" "$2" "$log"
			return 1
		fi
	}
	# a target that does not exist is a warning to go test, and a failure here
	grep -q 'execs: ' <<<"$log" || { printf 'FAILED %s %s: nothing was fuzzed\n%s\n' "$1" "$2" "$log"; return 1; }
	printf '%s %s: %s\n' "$1" "$2" "$(grep -o 'execs: [0-9]*' <<<"$log" | tail -n 1)"
}

status=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
	pids=()
	for target in "${targets[@]:i:2}"; do
		read -r package name <<<"$target"
		fuzz "$package" "$name" & pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || status=1; done
done
exit $status
