#!/usr/bin/env bash
# The commands of make's targets for a running stack: through the control endpoint of the AppHost, whose address and token are in stack.json; with docker if no
# AppHost but a stack of containers runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
run=$Factory__RunDirectory
stack=$run/stack.json

value() { sed -n "s/,$//; /^ *\"$1\": /{s/^ *\"$1\": //; s/^\"\(.*\)\"$/\1/; s/\\\\\"/\"/g; p}" "$stack"; }

# The stack of containers that was started here, if any.
compose=${COMPOSE_ENV:-deploy/compose/.env}
# Before a query of the engine, which can hang. Not every system has the program.
limit=$(command -v timeout >/dev/null && echo "timeout 10" || true)
composed() { # composed [NAME]: names of its containers, or only that one
  local project
  project=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' "$compose" 2>/dev/null)
  [ -n "$project" ] && $limit docker ps --all --filter "label=com.docker.compose.project=$project" ${1:+--filter "name=^/?$1\$"} --format '{{.Names}}' 2>/dev/null | sort
}

# A file that a killed AppHost left behind does not count, even if another process has its process id by now.
runs() { [ -r "$stack" ] && is_apphost "$(value pid)"; }
is_apphost() { [[ $(ps -o command= -p "$1" 2>/dev/null) == *FactoryMonitoring.AppHost* ]]; }

# Prints the processes and containers of a run from this directory that are left after the AppHost was killed, as the AppHost finds them (EarlierRun).
leftovers() {
  local pid engine volume
  {
    {
      grep -lzxF -- "FACTORY_RUN_DIRECTORY=$run" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
      pid=$(head -n 1 "$(cat "$run/postgres.directory" 2>/dev/null || echo "$run/postgres")/data/postmaster.pid" 2>/dev/null)
      if [[ $(ps -o comm= -p "${pid:-0}" 2>/dev/null) == *postgres* ]]; then echo "$pid"; fi
    } | sort -nu | sed 's/^/process /'
    if [ -r "$run/volumes" ]; then
      while read -r engine volume; do $limit "$engine" ps --filter "volume=$volume" --format 'container {{.Names}}' </dev/null 2>/dev/null; done <"$run/volumes"
    fi
  } | paste -sd, - || true
}

need() {
  if runs; then return; fi
  if [ -e "$stack" ] && [ ! -r "$stack" ]; then
    echo "$stack belongs to another user: only who started the stack may command it" >&2
  elif [ -n "$(composed)" ]; then
    echo "a stack of containers runs here, which knows kill, start, stop, pause and resume of what it has, status, logs and psql; the rest needs make full-stack" >&2
  else
    echo "no stack runs: make full-stack starts one (looked at $stack)" >&2
  fi
  exit 1
}

call() { # call METHOD PATH [SECONDS [BODY]]: prints the answer, fails unless it is 2xx
  local answer status
  # The token stays on this machine: no proxy is asked.
  answer=$(curl --noproxy '*' -sS -X "$1" --max-time "${3:-60}" ${4:+--data-raw "$4"} -w '\n%{http_code}' -H @<(printf 'Authorization: Bearer %s\n' "$(value token)") -H 'Accept: text/plain' "$(value url)$2")
  status=${answer##*$'\n'}
  printf '%s\n' "${answer%$'\n'*}" | sed '${/^$/d;}'
  [ "${status:0:1}" = 2 ]
}

# order KIND [NAME VALUE]...: sends a command of the contract (FactoryMonitoring.Contracts/ControlContract.cs)
order() {
  local body="{\"command\":\"$1\",\"by\":\"make\"" value
  shift
  while [ $# -gt 0 ]; do
    value=${2//\\/\\\\}
    body+=",\"$1\":\"${value//\"/\\\"}\""
    shift 2
  done
  call POST /commands 300 "$body}"
}

# Whether brokers or database are external according to the settings: their rights are checked with these settings, also before a start.
external() { [[ ${Factory__Kafka:-} == external || ${Factory__Postgres:-} == external ]]; }

built() { # built PROJECT: prints the path of its program
  local program
  program=$(ls -t "$1"/bin/*/net*/"$1.dll" 2>/dev/null | head -n 1 || true)
  if [ -z "$program" ]; then
    dotnet build "$1" --nologo -v quiet >&2
    program=$(ls -t "$1"/bin/*/net*/"$1.dll" | head -n 1)
  fi
  echo "$program"
}

case "$1" in
act)
  action=$2 name=$3
  [[ $name =~ ^[a-z0-9-]+$ ]] || { echo "$name: N must be a number, NAME the name of a part" >&2; exit 1; }
  if ! runs && [ -n "$(composed)" ]; then
    if [ -z "$(composed "$name")" ]; then
      echo "there is no $name: $(composed | tr '\n' ' ')" >&2
      exit 1
    fi
    if [ "$action" = resume ]; then docker unpause "$name" >/dev/null; else docker "$action" "$name" >/dev/null; fi
    echo "$name: $action, by docker"
    exit
  fi
  need
  order resource name "$name" action "$action"
  ;;
fault)
  need
  shift
  order "$@"
  ;;
api-key)
  # The page's program writes the file; the running page reads it again.
  mkdir -p "$run"
  exec dotnet "$(built Monitoring.Web)" "$@" "$run/api-keys.json"
  ;;
send)
  need
  order "$@"
  ;;
replay)
  # The sensor program itself: it shows how it interprets the file before it looks for the stack, and is an additional producer.
  check=$2
  shift 2
  while [ $# -gt 0 ]; do
    if [ -n "$2" ]; then export "Sensors__Replay__$1=$2"; fi
    shift 2
  done
  program=$(built Sensors)
  if [ -n "$check" ]; then exec dotnet "$program" replay --dry-run; fi
  if ! runs; then
    dotnet "$program" replay --dry-run
    need
  fi
  if [ -z "$(value postgres_password)" ] || [ "$(value kafka)" = external ]; then
    if [ -z "${KAFKA_BROKERS:-}" ] || [ -z "${DATABASE_URL:-}${DATABASE_URL_FILE:-}" ]; then
      echo "brokers or PostgreSQL are not the stack's own: set KAFKA_BROKERS, DATABASE_URL and Kafka__Security__… here as for the stack (docs/external.md)" >&2
      exit 1
    fi
  else
    export KAFKA_BROKERS=$(value kafka_brokers)
    export DATABASE_URL=postgresql://factory_sensor:$(value postgres_sensor_password)@$(value postgres_host):$(value postgres_port)/$(value postgres_database)
  fi
  # Two simultaneous replays are two producers if they name their sensors.
  export PRODUCER_ID=make-replay${Sensors__Replay__SensorId:+-$Sensors__Replay__SensorId}
  export OTEL_SERVICE_NAME=$PRODUCER_ID ASPNETCORE_URLS=http://127.0.0.1:0
  exec dotnet "$program" replay
  ;;
load)
  need
  order load readings_per_second "$2" seconds "$3"
  # Until the last reading is acknowledged, with a line per second on a terminal.
  until load=$(call GET /load) && [[ $load != "load runs"* ]]; do
    if ! runs; then
      echo "the stack has ended before the load has" >&2
      exit 1
    fi
    if [ -t 1 ]; then printf '\r%s' "$load"; fi
    sleep 1
  done
  if [ -t 1 ]; then echo; fi
  echo "$load"
  ;;
status)
  if ! runs && [ -n "$(composed)" ]; then exec deploy/compose/status.sh "$compose"; fi
  need
  echo "kafka: $(value kafka) ($(value kafka_reason)); page: $(value web); AppHost: process $(value pid)"
  call GET /resources
  ;;
doctor)
  if ! runs; then
    if [ -n "$(composed)" ]; then exec deploy/compose/status.sh "$compose"; fi
    eng/make/prerequisites.sh --look
    if external; then exec dotnet "$(built FactoryMonitoring.Provisioner)" check; fi
    echo "no stack runs: make full-stack starts one"
    exit
  fi
  well=0
  call GET /doctor || well=1
  if external; then dotnet "$(built FactoryMonitoring.Provisioner)" check || well=1; fi
  exit $well
  ;;
dashboard)
  port=$(sed -n 's/^MONITORING_PORT=//p' "$compose" 2>/dev/null || true)
  if runs; then url=$(value web); else url=http://localhost:${MONITORING_PORT:-${port:-5000}}; fi
  echo "$url"
  if [ -t 1 ]; then
    opener=$(command -v xdg-open || command -v open || true)
    if [ -n "$opener" ]; then "$opener" "$url" >/dev/null 2>&1 || true; fi
  fi
  ;;
logs)
  name=$2 lines=$3 follow=$4
  if ! runs && [ -n "$(composed)" ]; then
    if [ -z "$name" ] || [ -z "$(composed "$name")" ]; then
      echo "NAME is one of: $(composed | tr '\n' ' ')" >&2
      exit 1
    fi
    exec docker logs --tail "$lines" ${follow:+--follow} "$name"
  fi
  if [ -z "$name" ] || [ ! -f "$run/logs/$name.log" ]; then
    echo "NAME is one of: $(cd "$run/logs" 2>/dev/null && ls -- *.log 2>/dev/null | sed 's/\.log$//' | tr '\n' ' ' || echo "none, no stack was started yet")" >&2
    exit 1
  fi
  exec tail -n "$lines" ${follow:+-F} "$run/logs/$name.log"
  ;;
psql)
  # A script stops at its first error, and reports it by its exit code.
  if [ -t 0 ]; then terminal=-it stop=0; else terminal=-i stop=1; fi
  if ! runs && [ -n "$(composed postgres)" ]; then exec docker exec $terminal postgres psql -v ON_ERROR_STOP=$stop -U factory_user -d factory_monitoring; fi
  need
  if [ -z "$(value postgres_password)" ]; then
    echo "PostgreSQL is not the stack's own (Factory:Postgres=external): run psql with your own settings" >&2
    exit 1
  fi
  psql=$(value psql)
  [ -x "$psql" ] || psql=psql
  if ! command -v "$psql" >/dev/null && [ -n "$(value postgres_engine)" ]; then
    exec "$(value postgres_engine)" exec $terminal "$("$(value postgres_engine)" ps --quiet --filter "volume=$(value postgres_volume)")" \
      psql -v ON_ERROR_STOP=$stop -U "$(value postgres_user)" -d "$(value postgres_database)"
  fi
  PGPASSWORD=$(value postgres_password) exec "$psql" --no-psqlrc -v ON_ERROR_STOP=$stop -h "$(value postgres_host)" -p "$(value postgres_port)" \
    -U "$(value postgres_user)" -d "$(value postgres_database)"
  ;;
stop)
  need
  pid=$(value pid)
  kill -TERM "$pid"
  for _ in $(seq 600); do
    if ! kill -0 "$pid" 2>/dev/null; then
      echo "stopped"
      exit
    fi
    sleep 0.1
  done
  echo "process $pid does not end; kill -9 $pid ends it, and what it started ends with it" >&2
  exit 1
  ;;
reset)
  if runs; then
    echo "the stack runs: make stop first" >&2
    exit 1
  fi
  # If the AppHost was killed, what it started uses the data for up to 20 s longer.
  latest=$((SECONDS + 20))
  while left=$(leftovers) && [ -n "$left" ] && [ $SECONDS -lt $latest ]; do sleep 0.25; done
  if [ -n "$left" ]; then
    echo "the run from $run has left $left: end them first" >&2
    exit 1
  fi
  # PostgreSQL's data can be in another directory that its user can reach.
  elsewhere=$(cat "$run/postgres.directory" 2>/dev/null || true)
  case "$elsewhere" in
  /var/lib/factory-monitoring-*) rm -rf -- "$elsewhere" ;;
  esac
  # The data of containers are on volumes.
  if [ -r "$run/volumes" ]; then
    while read -r engine volume; do "$engine" volume rm --force "$volume" >/dev/null; done <"$run/volumes"
  fi
  rm -rf -- "$run/kafka" "$run/postgres" "$run/logs" "$run/stack.json" "$run/postgres.directory" "$run/volumes" \
    "$run/postgres-container.password" "$run/kafka-containers.id" "$run/prometheus" "$run/lock"
  echo "removed the data and logs in $run${elsewhere:+ and $elsewhere}"
  ;;
esac
