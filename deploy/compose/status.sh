#!/bin/sh
# status.sh FILE [--wait]: shows the state of the stack of containers with that environment: each container with its health, then what the API counts. --wait
# waits until everything is active, and fails if it is not after two minutes.
set -eu
[ -f "$1" ] || { echo "no stack of containers was ever started here: make compose-up"; exit 1; }
setting() { sed -n "s/^$1=//p" "$2"; }
port=$(setting MONITORING_PORT "$1")
# The page answers at the address that it is published on, under the names that it may have.
address=$(setting MONITORING_ADDRESS "$1")
case $address in '' | 0.0.0.0 | '::' | 127.*) address=localhost ;; esac
name=$(setting MONITORING_ALLOWED_HOSTS "$1")
name=${name%%;*}
url=http://$address:${port:-5000}
ask() { curl --noproxy '*' -sS --max-time 3 --header "Host: ${name:-$address}:${port:-5000}" "$@" "$url/api/system-status" 2>/dev/null; }
answer() { ask --fail; }
# With sign-in, the page tells its figures only to those who have signed in.
asks_who() { [ "$(ask --output /dev/null --write-out '%{http_code}')" = 401 ]; }

count() { # count PART BODY: "3 of 3" of consumers or producers
  printf '%s' "$2" | sed -n "s/.*\"$1\":{\([^}]*\)}.*/\1/p" | sed 's/.*"active_count":\([0-9]*\).*"total_count":\([0-9]*\).*/\1 of \2/'
}
ours="label=com.docker.compose.project=$(setting COMPOSE_PROJECT_NAME "$1")"
healthy() { [ -z "$(docker ps --all --quiet --filter "$ours" --filter health=starting; docker ps --all --quiet --filter "$ours" --filter health=unhealthy)" ]; }
whole() {
  if body=$(answer); then [ "$(count consumers "$body")" = "3 of 3" ] && [ "$(count producers "$body")" = "5 of 5" ]; else asks_who && healthy; fi
}

if [ "${2:-}" = --wait ]; then
  deadline=$(($(date +%s) + 120))
  until whole; do
    [ "$(date +%s)" -lt "$deadline" ] || break
    sleep 1
  done
fi

docker ps --all --filter "$ours" --format 'table {{.Names}}\t{{.Status}}\t{{.Image}}'
if body=$(answer); then
  echo "active: $(count consumers "$body") consumers, $(count producers "$body") sensors"
  echo "page:   $url"
  echo "kill:   docker kill sensor-consumer-1   and back: docker start sensor-consumer-1"
  echo "stop:   make compose-down"
  if [ -n "$(setting COMPOSE_PROFILES "$1")" ]; then
    echo "look:   http://localhost:18888/login?t=$(cat "$1.secrets/dashboard-token") (Aspire dashboard), http://localhost:9090 (Prometheus),"
    echo "        http://localhost:3000 (Grafana, user admin, its password is in $1.secrets/grafana-password)"
  fi
elif asks_who; then
  echo "page:   $url (it asks visitors to sign in)"
  echo "stop:   make compose-down"
else
  echo "$url does not answer; docker logs monitoring says why"
  exit 1
fi
if [ "${2:-}" = --wait ] && ! whole; then
  echo "not all of it is active after two minutes; docker logs NAME says why:" $(docker ps --all --filter "$ours" --filter status=restarting --format '{{.Names}}') >&2
  exit 1
fi
