#!/usr/bin/env bash
# Looks for what the stack needs, and prints a line for each. Installs PostgreSQL, curl and Java through apt if allowed, and downloads Apache Kafka if the
# brokers would otherwise be the embedded ones. --look installs and downloads nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
look=${1:-}
missing=0

say() { printf '%-11s %s\n' "$1" "$2"; }

lack() {
  say "$1" "missing: $2"
  missing=1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  [ "$look" != --look ] && command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

install() { # install PACKAGE...
  say apt "installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
    { as_root apt-get update -qq >/dev/null 2>&1 && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

postgres_bin() {
  for bin in ${PG_BIN:-} $(pg_config --bindir 2>/dev/null || true) $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
    /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then
      echo "$bin"
      return
    fi
  done
  dirname "$(command -v initdb)" 2>/dev/null
}

# Before the command of an engine, which can hang. Not every system has the program.
limit=$(command -v timeout >/dev/null && echo "timeout 10" || true)

engine() { # prints an engine that answers, found as in the AppHost
  for engine in ${ASPIRE_CONTAINER_RUNTIME:-${DOTNET_ASPIRE_CONTAINER_RUNTIME:-docker podman}}; do
    if $limit "$engine" info >/dev/null 2>&1; then
      echo "$engine"
      return
    fi
  done
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

if ! command -v dotnet >/dev/null; then
  lack dotnet "install the .NET SDK 10, https://dotnet.microsoft.com/download"
elif dotnet --version >/dev/null 2>&1; then
  say dotnet "SDK $(dotnet --version)"
else
  lack dotnet "an SDK of version 10; found: $(dotnet --list-sdks | tr '\n' ' ')"
fi

engine=$(engine)
asked=$(lower "${Factory__Postgres:-auto}")
if [ "$asked" != container ] && [ "$asked" != external ] && ! bin=$(postgres_bin) && may_install; then install postgresql; fi
if [ "$asked" = container ] || [ "$asked" = external ]; then
  say postgres "as Factory__Postgres=$asked asks"
elif [ "$asked" = auto ] && [ -n "$engine" ]; then
  say postgres "a container by $engine, if it has the image or can fetch it"
elif bin=$(postgres_bin); then
  say postgres "$("$bin/postgres" --version) in $bin"
else
  lack postgres "install PostgreSQL 15 or newer (apt-get install postgresql, brew install postgresql@17), or set PG_BIN"
fi

if ! command -v curl >/dev/null && may_install; then install curl ca-certificates; fi
if command -v curl >/dev/null; then say curl "$(command -v curl)"; else lack curl "install curl: the other targets need it"; fi

# The choice of the AppHost: containers if an engine answers, else an unpacked Kafka with Java 17, else the embedded broker.
java_version() { # of the Java that Kafka's scripts start; prints nothing if there is none
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' || true
}

has_java() { [ "$(java_version | head -n 1 | grep -x '[0-9]*' || echo 0)" -ge 17 ]; }

install_java() { may_install && { install openjdk-17-jre-headless || install openjdk-21-jre-headless; } 2>/dev/null && has_java; }

kafka=${KAFKA_HOME:-.tools/kafka}
has_kafka() { [ -x "$kafka/bin/kafka-server-start.sh" ]; }

asked=$(lower "${Factory__Kafka:-auto}")
instead="the embedded broker is used: " fetch=--or-embedded
if [ "$asked" = processes ]; then instead='' fetch=''; fi
no_java="${instead}no Java 17 or newer; install one (apt-get install openjdk-17-jre-headless, brew install openjdk@21), or set JAVA_HOME"
if [ "$asked" != auto ] && [ "$asked" != processes ]; then
  say kafka "as Factory__Kafka=$asked asks"
elif [ "$asked" = auto ] && [ -n "$engine" ]; then
  say kafka "containers by $engine, if it has the image or can fetch it"
elif [ -n "${KAFKA_HOME:-}" ] && ! has_kafka; then
  say kafka "${instead}KAFKA_HOME=$kafka has no bin/kafka-server-start.sh; set it to an unpacked Apache Kafka 4, or unset it"
elif [ "$look" = --look ] && ! has_kafka; then
  say kafka "${instead}no Apache Kafka (KAFKA_HOME, .tools/kafka); make kafka fetches it"
elif ! has_java && ! may_install; then
  say kafka "$no_java"
elif ! has_kafka && [ "$asked" = auto ] && ! eng/make/kafka.sh --probe; then
  : # kafka.sh has printed the reason.
elif ! has_java && ! install_java; then
  say kafka "$no_java"
elif ! has_kafka; then
  eng/make/kafka.sh $fetch || true
else
  say kafka "$kafka, Java $(java_version)"
fi

exit "$missing"
