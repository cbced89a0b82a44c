#!/usr/bin/env bash
# Pins third-party images by digest: asks their registries for the current digest of the tag, and writes it after the tag.
# The arguments are the files; without arguments, all files that name an image. Needs docker, or another engine as CONTAINER_ENGINE.
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${CONTAINER_ENGINE:-docker}
files=("$@")
[ $# -gt 0 ] || files=(deploy/compose/compose.yaml FactoryMonitoring.AppHost/Setup/FactorySettings.cs eng/Containers.targets)

# An image is a default in compose, a default of a setting, or an element of a project.
references() { grep -ohP '(_IMAGE:-|Image", "|<ContainerBaseImage[^>]*>)\K[^"}<$]+' "${files[@]}" | sort -u; }

for reference in $(references); do
  tagged=${reference%@sha256:*}
  "$engine" pull --quiet "$tagged" >/dev/null || { echo "Cannot pull $tagged: see the line above; nothing of it was changed" >&2; exit 1; }
  # An image of several repositories has a digest in each of them.
  repository=${tagged%:*}
  digest=$("$engine" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$tagged" | grep -F -m 1 "${repository#docker.io/}@" || true)
  digest=${digest##*@}
  [ -n "$digest" ] || { echo "$tagged has no digest: it was built here, not pulled" >&2; exit 1; }
  [ "$reference" = "$tagged@$digest" ] || echo "$tagged is $digest"
  sed -i "s|$reference\([\"}<]\)|$tagged@$digest\1|g" "${files[@]}"
done
