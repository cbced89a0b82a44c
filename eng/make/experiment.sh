#!/usr/bin/env bash
# experiment.sh one NAME | all
# Runs one experiment, or all, against the running stack: prints the phases as they happen and the report, and fails unless it passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
stack=$Factory__RunDirectory/stack.json
reports=artifacts/experiments

if [ "$1" = one ] && [[ ! $2 =~ ^[a-z][a-z0-9-]*$ ]]; then
  echo "$2 is no experiment: NAME must be the name of one, as consumer-killed" >&2
  exit 1
fi
if [ ! -r "$stack" ]; then
  echo "no stack runs whose parts could be broken: make full-stack starts one (looked at $stack)" >&2
  exit 1
fi
lab=$(sed -n 's/^ *"fault_lab": "\([^"]*\)",\{0,1\}$/\1/p' "$stack")
if [ -z "$lab" ]; then
  echo "faults are off, so no fault lab runs: start the stack with Factory__Faults=true make full-stack" >&2
  exit 1
fi

# The lab is on this machine: no proxy is asked.
ask() { curl --noproxy '*' "$@"; }

# Prints the first value of a name in a body, without its quotes. null and missing values are empty.
value() {
  { printf '%s' "$2" | grep -o "\"$1\":\(\"[^\"]*\"\|[^,}]*\)" || true; } | head -n 1 | sed 's/^[^:]*://; s/^"//; s/"$//; s/^null$//'
}

run() { # run NAME
  local name=$1 answer status id body told='' line
  answer=$(ask -sS --max-time 20 -X POST -w '\n%{http_code}' "$lab/api/experiments/$name/run")
  status=${answer##*$'\n'}
  if [ "$status" != 202 ]; then
    local detail
    detail=$(value detail "$answer")
    echo "$name: ${detail:-the fault lab answers with status $status}" >&2
    return 2
  fi
  id=$(value id "$answer")
  echo "$name: run $id"
  local heard=$SECONDS
  while true; do
    # No experiment restarts the fault lab; it reports the run even while it waits for the database.
    body=$(ask -fsS --max-time 5 "$lab/api/experiments/runs/$id" 2>/dev/null || true)
    if [ -n "$body" ]; then heard=$SECONDS; fi
    if [ $((SECONDS - heard)) -ge 60 ]; then
      echo "$name: the fault lab has told nothing of the run for 60 s; what was broken may still be" >&2
      return 1
    fi
    line="$(value phase "$body"): $(value step "$body")"
    if [ -n "$(value phase "$body")" ] && [ "$line" != "$told" ]; then
      printf '  %(%H:%M:%S)T  %s\n' -1 "${line%: }"
      told=$line
    fi
    case "$(value verdict "$body")" in
    PASS | FAIL | ABORTED) break ;;
    esac
    sleep 0.5
  done
  mkdir -p "$reports"
  ask -sS --max-time 10 -o "$reports/$name-$id.json" "$lab/api/experiments/runs/$id/report.json"
  ask -sS --max-time 10 -o "$reports/$name-$id.md" "$lab/api/experiments/runs/$id/report.md"
  echo
  cat "$reports/$name-$id.md"
  echo
  [ "$(value verdict "$body")" = PASS ]
}

if [ "$1" = one ]; then
  run "$2"
  exit
fi

list=$(ask -sS --max-time 10 "$lab/api/experiments")
verdicts=() failed=0
for name in $(printf '%s' "$list" | grep -o '"name":"[a-z-]*","title"' | cut -d '"' -f 4); do
  code=0
  run "$name" || code=$?
  case $code in
  0) verdicts+=("PASS     $name") ;;
  2) verdicts+=("not run  $name") ;;
  *) verdicts+=("FAIL     $name") failed=1 ;;
  esac
done
printf '%s\n' "${verdicts[@]}"
exit $failed
