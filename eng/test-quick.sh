#!/usr/bin/env bash
# The loop while you work: unit tests, and the data tests of the core (trait Loop=quick), which start no process but PostgreSQL. Both at once.
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_TieredPGO=0
for name in Unit Data; do
  dotnet build "tests/FactoryMonitoring.Tests.$name" -p:FactoryReadyToRun=false -v quiet || exit
done
dotnet test tests/FactoryMonitoring.Tests.Data --no-build -v quiet --filter Loop=quick &
dotnet test tests/FactoryMonitoring.Tests.Unit --no-build -v quiet --filter 'FullyQualifiedName!~Nab&FullyQualifiedName!~Kubernetes'
unit=$?
wait $!
data=$?
[ $unit -eq 0 ] && [ $data -eq 0 ]
