#!/usr/bin/env bash
# Runs Monitoring.Api and Monitoring.Web on an existing database, without the AppHost.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${DATABASE_URL:-}${DATABASE_URL_FILE:-}${ConnectionStrings__factorydb:-}${ConnectionStrings__factorydb_FILE:-}" ]; then
  echo "DATABASE_URL is not set: postgresql://user:password@host:port/database is expected" >&2
  exit 1
fi
echo "building the API and the page"
dotnet build Monitoring.Api -v q --nologo
dotnet build Monitoring.Web -v q --nologo
export MONITORING_PORT=${MONITORING_PORT:-5000} MONITORING_API_PORT=${MONITORING_API_PORT:-5080}
# The keys that make api-key keeps.
export SignIn__ApiKeysFile=${SignIn__ApiKeysFile:-${Factory__RunDirectory:-$PWD/artifacts/run}/api-keys.json}
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
ASPNETCORE_URLS=http://localhost:$MONITORING_API_PORT dotnet run --no-build --no-launch-profile --project Monitoring.Api &
pids+=($!)
dotnet run --no-build --no-launch-profile --project Monitoring.Web &
pids+=($!)
echo "page: http://localhost:$MONITORING_PORT   api: http://localhost:$MONITORING_API_PORT   stop: Ctrl+C"
wait -n
