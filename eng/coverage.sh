#!/usr/bin/env bash
# Prints which share of the lines of each product assembly the tests of PROJECT... run, services that they start as processes included.
# By default unit and data tests. Generated code does not count. The reports (Cobertura) stay in artifacts/coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
results=artifacts/coverage
rm -rf "$results"
[ $# -gt 0 ] || set -- Unit Data
for project in "$@"; do
  dotnet test "tests/FactoryMonitoring.Tests.$project" --nologo -v quiet --collect "Code Coverage;Format=Cobertura" --results-directory "$results/$project"
done
# A line counts as run if a report has a hit of it.
find "$results" -name '*.cobertura.xml' -exec cat {} + | awk '
  match($0, /<package [^>]*name="[^"]*"/) { name = substr($0, RSTART, RLENGTH); sub(/.*name="/, "", name); sub(/".*/, "", name); sub(/\.dll$/, "", name) }
  match($0, /<class [^>]*filename="[^"]*"/) { file = substr($0, RSTART, RLENGTH); sub(/.*filename="/, "", file); sub(/".*/, "", file) }
  file !~ /\/obj\// && match($0, /<line number="[0-9]+" hits="[0-9]+"/) {
    split(substr($0, RSTART, RLENGTH), part, "\"")
    key = name SUBSEP file SUBSEP part[2]
    if (!(key in seen)) { seen[key] = 1; lines[name]++ }
    if (part[4] > 0 && !(key in hit)) { hit[key] = 1; run[name]++ }
  }
  END {
    for (name in lines) if (name !~ /Tests/ && name !~ /^(xunit|Microsoft|System|testhost)/) { printf "%-36s %6d of %6d lines, %3d %%\n", name, run[name], lines[name], 100 * run[name] / lines[name]; all += lines[name]; done += run[name] }
    if (all) printf "%-36s %6d of %6d lines, %3d %%\n", "~all", done, all, 100 * done / all
  }' | sort | sed 's/^~all /all  /'
