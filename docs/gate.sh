#!/bin/sh
# Gates a migration on a pgpreflight check: posts the request, waits for the report, says what it says.
#
#   PGPREFLIGHT_URL=https://APP.azurewebsites.net PGPREFLIGHT_KEY=… sh gate.sh REQUEST.json [RESULTS.xml]
#
# Exit code: 0 ready (also with warnings), 1 not ready or unsupported, 2 inconclusive or no report in time,
# 3 rejected (the request is bad). RESULTS.xml gets the report as JUnit, standard output gets it as Markdown.
#
#   PGPREFLIGHT_ID    id of the check, for a REQUEST.json without one. The same id again gives the same report, so
#                     take one that is new in every run of the pipeline, and the same in a retry of its step.
#   PGPREFLIGHT_WAIT  longest wait for the report in seconds, 300
#
# Needs a POSIX shell, curl 7.55 or newer, sed and date. The key is never an argument of a command.
set -eu

request=${1:?usage: gate.sh REQUEST.json [RESULTS.xml]}
results=${2:-}
url=${PGPREFLIGHT_URL:?the address of the function app}
url=${url%/}
deadline=$(($(date +%s) + ${PGPREFLIGHT_WAIT:-300}))

umask 077
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 2' HUP INT TERM

say() { printf 'pgpreflight: %s\n' "$1" >&2; }

give_up() { # give_up CODE TEXT: what was answered last, if anything, belongs to the text
	say "$2"
	if [ -s "$dir/body" ]; then cat "$dir/body" >&2 && echo >&2; fi
	exit "$1"
}

[ -z "${PGPREFLIGHT_KEY:-}" ] || printf 'x-functions-key: %s\n' "$PGPREFLIGHT_KEY" >"$dir/key"
[ -e "$dir/key" ] || : >"$dir/key"

call() { # call OPTIONS… URL: leaves status, $dir/head and $dir/body; status 000 is no answer
	: >"$dir/body"
	: >"$dir/head"
	status=$(curl --silent --show-error --max-time 60 --header "@$dir/key" --dump-header "$dir/head" \
		--output "$dir/body" --write-out '%{http_code}' "$@" 2>"$dir/trouble") || status=000
	if [ "$status" = 000 ]; then say "no answer: $(cat "$dir/trouble")"; fi
}

pause() { # waits as long as the answer asks for, else 5 s; ends where there is no time left
	seconds=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]\{1,4\}\).*/\1/p' "$dir/head")
	if [ $(($(date +%s) + ${seconds:-5})) -gt "$deadline" ]; then
		give_up 2 "inconclusive: no report in ${PGPREFLIGHT_WAIT:-300} s (last status $status)"
	fi
	sleep "${seconds:-5}"
}

if [ -n "${PGPREFLIGHT_ID:-}" ]; then
	sed "1s/{/{\"id\":\"$PGPREFLIGHT_ID\",/" "$request" >"$dir/request"
else
	cat "$request" >"$dir/request"
fi

while :; do
	call --request POST --header 'Content-Type: application/json' --data-binary "@$dir/request" "$url/api/checks"
	case $status in
	202) break ;;
	400 | 413) give_up 3 'rejected: the request is bad' ;;
	000 | 408 | 429 | 5??) pause ;;
	*) give_up 2 "inconclusive: the request was not taken (status $status; 401 and 403: the key or the network rules)" ;;
	esac
done
id=$(sed -n 's/.*"id": *"\([A-Za-z0-9._-]\{1,64\}\)".*/\1/p' "$dir/body")
[ -n "$id" ] || give_up 2 'inconclusive: the answer has no id (one request at a time)'
say "check $id is queued"

while :; do
	call --header 'Accept: application/junit+xml' "$url/api/checks/$id"
	case $status in
	200) break ;;
	# 404: the check waits in the queue, but could not be noted. It will have its report.
	000 | 202 | 404 | 408 | 429 | 5??) pause ;;
	*) give_up 2 "inconclusive: no report of check $id (status $status)" ;;
	esac
done
verdict=$(sed -n 's/.*<property name="verdict" value="\([a-z_]*\)".*/\1/p' "$dir/body")
[ -z "$results" ] || (umask 022 && cat "$dir/body" >"$results")

call --header 'Accept: text/markdown' "$url/api/checks/$id"
[ "$status" != 200 ] || cat "$dir/body"

say "check $id: ${verdict:-no verdict}"
case $verdict in
ready | ready_with_warnings) exit 0 ;;
not_ready | unsupported) exit 1 ;;
rejected) exit 3 ;;
*) exit 2 ;;
esac
