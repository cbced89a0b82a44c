#!/usr/bin/env bash
# Puts the Aspire dashboard into .tools/.aspire, where the stand-in for Aspire finds it. Once; without it the stack runs all the same,
# so nothing here is an error.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${ASPIRE_SOURCE:-}" = feed ] || [ "$(cat artifacts/aspire-source 2>/dev/null || true)" = feed ]; then
  exit 0 # The packages bring their own.
fi
for installed in "${ASPIRE_DASHBOARD_PATH:-}" .tools/.aspire/bundle/managed/aspire-managed "$HOME/.aspire/bundle/managed/aspire-managed"; do
  if [ -n "$installed" ] && [ -e "$installed" ]; then
    echo "Aspire dashboard: $installed"
    exit 0
  fi
done

version=$(sed -n 's:.*<AspireVersion>\(.*\)</AspireVersion>.*:\1:p' Directory.Packages.props)
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=linux-x64 ;;
  Linux-aarch64) package=linux-arm64 ;;
  Darwin-x86_64) package=osx-x64 ;;
  Darwin-arm64) package=osx-arm64 ;;
  *) echo "Aspire dashboard: left out, there is none for $(uname -s) $(uname -m)"; exit 0 ;;
esac

mkdir -p .tools
work=$(mktemp -d .tools/aspire-fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
if command -v aspire >/dev/null; then
  cli=$(command -v aspire)
elif command -v npm >/dev/null; then
  echo "Aspire dashboard: fetching $version through npm (130 MB, 300 MB unpacked, this once)"
  if ! npm pack --silent --pack-destination "$work" "@microsoft/aspire-cli-$package@$version" >/dev/null; then
    echo "Aspire dashboard: left out, npm does not deliver @microsoft/aspire-cli-$package@$version"
    exit 0
  fi
  echo "Aspire dashboard: unpacking"
  tar -xzf "$work"/*.tgz -C "$work"
  cli=$PWD/$work/package/bin/aspire
else
  echo "Aspire dashboard: left out, neither aspire nor npm is installed"
  exit 0
fi

# With .tools as its home: the command line unpacks below its home, and keeps logs there that the user has not asked for.
HOME=$PWD/.tools ASPIRE_CLI_TELEMETRY_OPTOUT=true "$cli" setup --nologo --non-interactive </dev/null >"$work/setup.log" 2>&1 || true
if [ ! -x .tools/.aspire/bundle/managed/aspire-managed ]; then
  # It unpacks beside itself first, and was seen to leave it at that.
  unpacked=$(find "$work" -path '*/managed/aspire-managed' -type f | head -n 1)
  if [ -n "$unpacked" ]; then
    rm -rf .tools/.aspire
    mkdir -p .tools/.aspire
    mv "$(dirname "$(dirname "$unpacked")")" .tools/.aspire/bundle
  fi
fi
if [ -x .tools/.aspire/bundle/managed/aspire-managed ]; then
  echo "Aspire dashboard: ready in .tools/.aspire"
else
  rm -rf .tools/.aspire
  echo "Aspire dashboard: left out, it could not be unpacked: $(tail -n 1 "$work/setup.log")"
fi
