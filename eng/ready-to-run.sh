#!/usr/bin/env bash
# ready-to-run.sh CROSSGEN RUNTIME CACHE DIRECTORY...
# Replaces the assemblies in each DIRECTORY with ones that are compiled ahead of time, so that a service need not compile them at its start.
# CROSSGEN is the compiler, RUNTIME the folder of the shared frameworks' versions, such as .../shared/*/10.0.0 (a pattern).
# CACHE keeps compiled assemblies by the hash of their source: each assembly is compiled once, however many services use it.
set -euo pipefail
crossgen=$1 runtime=$2 cache=$3
shift 3
mkdir -p "$cache"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# HASH  FILE of each assembly. CACHE has HASH.dll for a compiled assembly, and HASH.compiled for an assembly that is itself compiled output.
find "$@" -maxdepth 1 -name '*.dll' -exec sha256sum {} + > "$work/found"
references=()
for directory in "$@"; do references+=(-r "$directory/*.dll"); done
IFS=
for frameworks in $runtime; do references+=(-r "$frameworks/*.dll"); done

inputs=()
while IFS=' ' read -r hash file; do
  name=$(basename "$file")
  [ -e "$cache/$hash.dll" ] || [ -e "$cache/$hash.compiled" ] || [ -e "$work/$hash" ] && continue
  mkdir "$work/$hash"
  cp "$file" "$work/$hash/$name"
  inputs+=("$work/$hash/$name")
done < "$work/found"

if [ ${#inputs[@]} -gt 0 ]; then
  "$crossgen" "${inputs[@]}" "${references[@]}" -O --single-file-compilation --out-near-input > "$cache/log" 2>&1 ||
    echo "warning: crossgen2 ended with exit code $?; what it did not compile is compiled at each start of a service. Its output: $cache/log"
  for input in "${inputs[@]}"; do
    compiled=${input%.dll}.ni.dll
    [ -f "$compiled" ] || continue
    touch "$cache/$(sha256sum < "$compiled" | cut -d ' ' -f 1).compiled"
    mv "$compiled" "$cache/$(basename "$(dirname "$input")").dll"
  done
fi

# Deletes old entries. The marks stay: a service may still have the file that they name.
find "$cache" -maxdepth 1 -name '*.dll' -mtime +30 -delete

# Renamed into place: a running service or another project's build that reads the old file meanwhile reads it completely.
while IFS=' ' read -r hash file; do
  [ -f "$cache/$hash.dll" ] || continue
  cp "$cache/$hash.dll" "$file.new"
  mv "$file.new" "$file"
done < "$work/found"
