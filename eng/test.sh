#!/usr/bin/env bash
# Runs every test project, and ends with the line `N passed, N failed`.
# A filter limits the tests, for example: eng/test.sh --filter FullyQualifiedName~Detection
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
# Most processes of these tests live for seconds: instrumenting their code, to compile it better later, costs more than it gains.
# So does mapping code twice, once to write it and once to run it. The AppHost starts the services with the same settings.
export DOTNET_TieredPGO=0 DOTNET_EnableWriteXorExecute=0
# One compiler server for all projects and images halves the build time. Elsewhere it may belong to a user, who keeps it running.
if [ "${CI:-}" = true ]; then
  export UseSharedCompilation=true
  trap 'dotnet build-server shutdown --vbcscompiler >/dev/null 2>&1' EXIT
fi
results=artifacts/test-results
filter=
if [ "${1:-}" = --filter ] && [ $# -eq 2 ]; then filter="&($2)"
elif [ $# -ne 0 ]; then echo "usage: $0 [--filter EXPRESSION]" >&2; exit 2; fi
rm -rf "$results" && mkdir -p "$results"

dotnet build FactoryMonitoring.sln -v quiet || { echo "the build failed"; echo "0 passed, 1 failed"; exit 1; }

passed=0 failed=0 skipped=0 broken=
count() { # count FILE ATTRIBUTE: prints the number that a trx file gives for it
  sed -n "s/.*<Counters[^>]* $2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

run() { # run NAME: runs the tests of one project, or with NAME.timed those that hold it to seconds; writes its output to a file, and its exit code to another
  local name=$1 began=$SECONDS kind='Time!=measured'
  if [[ $name = *.timed ]]; then kind='Time=measured'; fi
  dotnet test "tests/${name%.timed}" --no-build --nologo -v quiet --filter "$kind$filter" --logger "trx;LogFileName=$name.trx" --results-directory "$results" \
    --blame-hang-timeout 10m --blame-hang-dump-type none > "$results/$name.log" 2>&1
  echo $? > "$results/$name.status"
  printf '== %s took %s s\n%s\n' "$name" $((SECONDS - began)) "$(cat "$results/$name.log")"
}

tally() { # tally NAME: adds the results of a run
  local name=$1 status trx=$results/$1.trx p f e t
  status=$(cat "$results/$name.status")
  if [ -f "$trx" ]; then
    p=$(count "$trx" passed) f=$(count "$trx" failed) e=$(count "$trx" error) t=$(count "$trx" total)
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0} + ${e:-0}))
    skipped=$((skipped + ${t:-0} - ${p:-0} - ${f:-0} - ${e:-0}))
    # The run itself failed (a crash, a hang) although no test is counted as failed.
    if [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ] && [ "${e:-0}" -eq 0 ]; then failed=$((failed + 1)) broken="$broken $name"; fi
  elif [ "$status" -ne 0 ]; then
    failed=$((failed + 1)) broken="$broken $name"
  fi
}

# Stacks share the machine and are measured: they run one at a time, with nothing else, and so do tests that hold a service to seconds.
# The other tests mostly wait, so two projects run at the same time.
lane() { # lane NAME...
  local name
  for name; do run "$name"; done
}
lane FactoryMonitoring.Tests.Unit FactoryMonitoring.AppHost.Tests FactoryMonitoring.Tests.Browser &
lane FactoryMonitoring.Tests.Data
wait
lane FactoryMonitoring.Tests.Data.timed FactoryMonitoring.Tests.Telemetry FactoryMonitoring.Tests.Containers FactoryMonitoring.Tests.Stack

for status in "$results"/*.status; do tally "$(basename "$status" .status)"; done
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  if [ ! -f "$results/$name.status" ]; then echo "$name is in no lane of $0"; failed=$((failed + 1)); fi
done
# Elsewhere they would run in no lane.
if grep -rlF 'Trait("Time", "measured")' tests --include=*.cs | grep -v ^tests/FactoryMonitoring.Tests.Data/; then
  echo "no lane of $0 runs the timed tests of these files"
  failed=$((failed + 1))
fi

# Failed tests are repeated at the end, where a reader of a long log looks first.
if [ "$failed" -ne 0 ]; then
  awk '/<UnitTestResult / { failed = /outcome="Failed"/; if (failed && match($0, /testName="[^"]*"/)) print "FAILED " substr($0, RSTART + 10, RLENGTH - 11) }
    failed && /<Message>/ { message = 1 } message { end = /<\/Message>/; gsub(/.*<Message>|<\/Message>.*/, ""); print "  " $0; if (end) message = 0 }' "$results"/*.trx
fi

for name in $broken; do
  echo "BROKE OFF $name"
  tail -n 20 "$results/$name.log"
done

[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
