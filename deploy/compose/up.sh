#!/bin/sh
# up.sh FILE COMPOSE...: starts what the environment in FILE requests, with that command, and says where to look if it does not come up.
set -eu
file=$1
shift
profile=$(sed -n 's/^COMPOSE_PROFILES=//p' "$file")
if [ -z "$profile" ]; then
  # Containers of a profile that was dropped would continue to run otherwise.
  "$@" --profile observability rm --stop --force aspire-dashboard prometheus grafana >/dev/null 2>&1 || true
fi
if ! "$@" ${profile:+--profile "$profile"} up --detach --remove-orphans; then
  if docker inspect --format '{{.State.ExitCode}}' provisioner 2>/dev/null | grep -qv '^0$'; then
    echo "the provisioner did not finish; its last lines:" >&2
    docker logs --tail 2 provisioner >&2
  fi
  echo "make compose-down stops what has started" >&2
  exit 1
fi
