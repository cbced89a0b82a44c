#!/usr/bin/env bash
# postgres.sh BIN DIRECTORY USER -c setting=value ...
# Creates the database cluster in DIRECTORY/data if it does not exist. Runs the server until it exits or this script receives a stop signal.
# When started as root, switches to USER. Reads POSTGRES_USER, POSTGRES_DB, and the administrator's password from POSTGRES_PASSWORD_FILE.
set -euo pipefail
# PostgreSQL logs everything to standard error, and the dashboard shows standard error as errors.
exec 2>&1
bin=$1 directory=$2 user=$3
shift 3
data=$directory/data

as_user=()
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$directory"
  chown "$user" "$directory"
  as_user=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
fi
mkdir -p "$directory"
cd "$directory"

if [ ! -f "$data/PG_VERSION" ]; then
  echo "making the database cluster in $data"
  # The cluster is created in another directory and moved when complete: an interrupted start leaves nothing that looks like data.
  rm -rf "$data.new" "$data"
  password_file=$(mktemp)
  trap 'rm -f "$password_file"' EXIT
  cat "$POSTGRES_PASSWORD_FILE" >"$password_file"
  if [ ${#as_user[@]} -gt 0 ]; then chown "$user" "$password_file"; fi
  ${as_user[@]+"${as_user[@]}"} "$bin/initdb" --pgdata="$data.new" --username="$POSTGRES_USER" --pwfile="$password_file" \
    --auth=scram-sha-256 --encoding=UTF8 --no-locale --no-instructions
  rm -f "$password_file"
  echo "CREATE DATABASE $POSTGRES_DB OWNER $POSTGRES_USER" |
    ${as_user[@]+"${as_user[@]}"} "$bin/postgres" --single -D "$data.new" postgres >/dev/null
  mv "$data.new" "$data"
fi

# The server must not outlive this script, even if the script is killed. Only Linux can guarantee that.
if command -v setpriv >/dev/null && setpriv --pdeathsig INT true 2>/dev/null; then
  as_user=(setpriv --pdeathsig INT ${as_user[@]+"${as_user[@]:1}"})
fi
server=
stopped=
# TERM asks PostgreSQL to wait until the last client has disconnected; INT ends the sessions without losing data.
# The server and its sessions may have been paused: a stopped process does not react to INT until it is continued.
trap 'stopped=yes; [ -z "$server" ] || { kill -CONT $(pgrep -P $server) $server 2>/dev/null; kill -INT $server 2>/dev/null; } || true' TERM INT HUP

# KiB of two WAL segments: one that the server needs to start after a crash, and one to continue.
least=32768
room_left() { df -Pk "$data/pg_wal/" 2>/dev/null | awk 'NR == 2 { print $4 }' || true; }

while true; do
  ${as_user[@]+"${as_user[@]}"} "$bin/postgres" -D "$data" "$@" &
  server=$!
  while true; do
    status=0
    wait "$server" || status=$?
    kill -0 "$server" 2>/dev/null || break
  done
  server=
  # A server that cannot write its WAL exits and cannot start: it is started again once there is space. An exit by a signal has another reason.
  room=$(room_left)
  if [ -n "$stopped" ] || [ "$status" = 0 ] || [ "$status" -gt 128 ] || [ -z "$room" ] || [ "$room" -ge "$least" ]; then exit "$status"; fi
  echo "PostgreSQL has ended: no room left on the disk of $data ($room KiB, it needs $least). It is started again once there is room"
  while [ -z "$stopped" ] && room=$(room_left) && [ -n "$room" ] && [ "$room" -lt "$least" ]; do sleep 1 & wait $! || true; done
  if [ -n "$stopped" ]; then exit "$status"; fi
  echo "there is room again on the disk of $data ($room KiB): PostgreSQL is started"
done
