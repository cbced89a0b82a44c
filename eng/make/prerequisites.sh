#!/usr/bin/env bash
# Looks for what the stack needs, a line each, and installs PostgreSQL and curl through apt where it may. --look installs nothing.
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

if ! command -v dotnet >/dev/null; then
  lack dotnet "install the .NET SDK 10, https://dotnet.microsoft.com/download"
elif dotnet --version >/dev/null 2>&1; then
  say dotnet "SDK $(dotnet --version)"
else
  lack dotnet "an SDK of version 10; found: $(dotnet --list-sdks | tr '\n' ' ')"
fi

if ! bin=$(postgres_bin) && may_install; then install postgresql; fi
if bin=$(postgres_bin); then
  say postgres "$("$bin/postgres" --version) in $bin"
else
  lack postgres "install PostgreSQL 15 or newer (apt-get install postgresql, brew install postgresql@17), or set PG_BIN"
fi

if ! command -v curl >/dev/null && may_install; then install curl ca-certificates; fi
if command -v curl >/dev/null; then say curl "$(command -v curl)"; else lack curl "install curl: the other targets need it"; fi

# Without a Kafka the embedded broker takes its place.
kafka=${KAFKA_HOME:-.tools/kafka}
if [ -x "$kafka/bin/kafka-server-start.sh" ]; then
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  if version=$("$java" -version 2>&1); then say kafka "$kafka, $(printf '%s' "$version" | head -n 1)"; else say kafka "$kafka, but no Java 17: the embedded broker is used"; fi
else
  say kafka "no distribution (KAFKA_HOME, .tools/kafka): the embedded broker is used"
fi

if [ "$look" != --look ] && [ -x eng/make/aspire-dashboard.sh ]; then eng/make/aspire-dashboard.sh; fi
exit "$missing"
