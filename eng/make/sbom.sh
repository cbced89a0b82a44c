#!/usr/bin/env bash
# sbom.sh VERSION: writes the contents of each image of that version, its packages and their dependencies, to artifacts/sbom (CycloneDX, JSON). The base image
# is not included.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$1
# Restore downloads the tools concurrently, and on a first run was seen to confuse the commands of two tools.
dotnet tool restore --verbosity quiet >&2 || dotnet tool restore --verbosity quiet >&2
rm -rf artifacts/sbom
for project in $(sed -n 's:.*Service Include="\(.*\)" />.*:\1:p' eng/images.proj | tr ';' ' '); do
  project=${project#../}
  image=$(sed -n 's:.*<ContainerRepository>factory-monitoring/\(.*\)</ContainerRepository>.*:\1:p' "$project")
  # With the assets of the image build, which are separate.
  dotnet CycloneDX "$project" --output artifacts/sbom --filename "$image.json" --output-format Json --set-name "factory-monitoring/$image" --set-version "$version" \
    --set-type Container --disable-package-restore --recursive --base-intermediate-output-path artifacts/images >artifacts/sbom.log 2>&1 ||
    { tail -n 5 artifacts/sbom.log >&2; exit 1; }
done
rm -f artifacts/sbom.log
echo "artifacts/sbom has a bill of materials of each image (CycloneDX)"
