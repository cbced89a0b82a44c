#!/usr/bin/env bash
# kafka.sh [--probe | --or-embedded]
# Downloads the Apache Kafka that eng/kafka.version pins (KAFKA_RELEASE_FILE names another file) to .tools/kafka: from Apache, or from KAFKA_MIRROR. A failure
# is one line on standard error and leaves only an archive that can be resumed. --probe only checks, within 3 s, whether a mirror has it. --probe and
# --or-embedded are for make full-stack, which continues with the embedded broker.
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=${1:-}
release=${KAFKA_RELEASE_FILE:-eng/kafka.version}
home=.tools/kafka new=.tools/kafka.new old=.tools/kafka.old
child='' errors=''

say() {
  if [ -n "$mode" ]; then printf '%-11s %s\n' kafka "$*"; else echo "$*"; fi
}

fail() {
  if [ -n "$mode" ]; then say "the embedded broker is used: $*" >&2; else say "$*" >&2; fi
  exit 1
}

# In the background, so that a signal is handled at once and not after the child has exited.
run() {
  "$@" &
  child=$!
  local code=0
  wait "$child" || code=$?
  child=
  return "$code"
}

clean_up() {
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  if [ -e "$old" ] && [ ! -e "$home" ]; then mv "$old" "$home"; fi
  rm -rf "$new" "$old" ${errors:+"$errors"}
}

pinned() { sed -n "s/^$1=//p" "$release" 2>/dev/null || true; }

size() { if [ -e "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

megabytes() { echo "$((($1 + 500000) / 1000000)) MB"; }

sha512_of() {
  if command -v sha512sum >/dev/null; then sha512sum; else shasum -a 512; fi <"$1" | cut -d' ' -f1
}

is_kafka() { [ -x "$1/bin/kafka-server-start.sh" ] && [ -e "$1/libs/kafka-clients-$version.jar" ]; }

why() { # why CURL_CODE: prints what went wrong
  case "$1" in
    5 | 6) echo "cannot resolve the host" ;;
    7) echo "nobody answers there" ;;
    22) echo "the server refused" ;;
    28) echo "no answer in time" ;;
    18 | 52 | 55 | 56 | 92) echo "the connection was cut" ;;
    35 | 51 | 58 | 60 | 77) echo "no trusted TLS connection" ;;
    *) echo "curl failed with code $1" ;;
  esac
}

look() { # look URL: sets $length to the size of the file; if there is none, fails and sets $problem
  local headers status code=0 connect=3 limit=10
  if [ "$mode" = --probe ]; then connect=1.4 limit=1.4; fi
  headers=$(RES_OPTIONS='timeout:1 attempts:1' curl -sIL --connect-timeout "$connect" --max-time "$limit" "$1" | tr -d '\r') || code=$?
  status=$(printf '%s\n' "$headers" | sed -n 's:^HTTP/[0-9.]* \([0-9]*\).*:\1:p' | tail -n 1)
  length=$(printf '%s\n' "$headers" | sed -n 's/^[Cc]ontent-[Ll]ength: *//p' | tail -n 1)
  if [ "$code" != 0 ]; then problem=$(why "$code"); else problem="HTTP $status"; fi
  [ "$code" = 0 ] && [ "$status" = 200 ]
}

fetch() { # fetch URL: downloads the pinned archive to $part; if the server does not have it, fails and sets $problem
  local offset code progress=-s
  if [ -t 2 ]; then progress='-#'; fi
  look "$1" || return 1
  while true; do
    # A partial file that is larger than the archive cannot be its beginning.
    if [ "$(size "$part")" -gt "${length:-$(size "$part")}" ]; then rm -f "$part"; fi
    offset=$(size "$part") code=0
    say "fetching Apache Kafka $version from $1${length:+, $(megabytes "$length")}$(if [ "$offset" != 0 ]; then echo ", from byte $offset on"; fi)"
    if [ "$offset" = 0 ] || [ "$offset" != "$length" ]; then
      run curl -fL $progress --connect-timeout 3 --speed-limit 1000 --speed-time 20 -C - -o "$part" "$1" || code=$?
    fi
    case "$code" in
      0)
        touch "$part" # curl creates no file for zero bytes
        problem=$(sha512_of "$part")
        if [ "$problem" = "$sha512" ]; then return; fi
        problem="the SHA-512 of its $(size "$part") bytes is $problem and not $sha512"
        rm -f "$part"
        ;;
      22 | 33) # The server does not have this range, or does not support ranges.
        problem=$(why "$code")
        rm -f "$part"
        ;;
      23) fail "cannot write $PWD/$part, which has $(megabytes "$(size "$part")")${length:+ of $(megabytes "$length")}: make room on that disk, then run make kafka again" ;;
      *)
        problem="$(why "$code") at byte $(size "$part")${length:+ of $length}"
        return 1
        ;;
    esac
    # The resumed part can be from elsewhere: retries once from the beginning.
    if [ "$offset" = 0 ]; then return 1; fi
  done
}

unpack() { exec tar -xzof "$part" -C "$new" --strip-components=1 2>"$errors"; }

version=$(pinned version) archive=$(pinned archive) sha512=$(pinned sha512)
if [ -z "$version" ] || [ -z "$archive" ] || [[ ! $sha512 =~ ^[0-9a-f]{128}$ ]]; then
  fail "$release must have the lines version=, archive= and sha512= (128 hexadecimal digits)"
fi
if is_kafka "$home"; then
  say "Apache Kafka $version is in $home"
  exit
fi
for program in curl tar; do
  command -v "$program" >/dev/null || fail "$program is missing: install $program, then run make kafka"
done
command -v sha512sum >/dev/null || command -v shasum >/dev/null || fail "sha512sum is missing: install coreutils, then run make kafka"

mirrors=${KAFKA_MIRROR:-https://dlcdn.apache.org/kafka https://archive.apache.org/dist/kafka}
part=.tools/$archive.part
length='' problem='' problems=''
give_up() {
  fail "cannot fetch Apache Kafka $version ($problems); set KAFKA_MIRROR to a server that has $version/$archive, or KAFKA_HOME to an unpacked Apache Kafka 4"
}

from_any() { # from_any COMMAND: runs it with the address at one mirror after the other, until one succeeds
  local mirror url
  for mirror in $mirrors; do
    url=${mirror%/}/$version/$archive
    if "$1" "$url"; then return; fi
    problems+="${problems:+; }$mirror: $problem"
  done
  return 1
}

if [ "$mode" = --probe ]; then
  from_any look || give_up
  exit
fi

mkdir -p .tools 2>/dev/null && [ -w .tools ] || fail "cannot write to $PWD/.tools: make it yours"
exec 9<.tools
if command -v flock >/dev/null && ! flock -n 9; then fail "another make kafka runs in $PWD: wait for it"; fi
trap clean_up EXIT
trap 'say "interrupted: run make kafka again to go on" >&2; exit 130' INT
trap 'say "interrupted: run make kafka again to go on" >&2; exit 143' TERM HUP

if [ "$(size "$part")" = 0 ] || [ "$(sha512_of "$part")" != "$sha512" ]; then from_any fetch || give_up; fi
rm -rf "$new"
mkdir "$new"
errors=$(mktemp)
say "unpacking it into $home"
run unpack || fail "cannot unpack $PWD/$part: $(grep -im 1 'no space' "$errors" || head -n 1 "$errors"); mend that (a full disk is the usual cause), then run make kafka again"
if ! is_kafka "$new"; then
  rm -f "$part"
  fail "$archive is no Apache Kafka $version: it lacks bin/kafka-server-start.sh or libs/kafka-clients-$version.jar; mend $release"
fi
if [ -e "$home" ] || [ -L "$home" ]; then mv "$home" "$old"; fi
mv "$new" "$home"
rm -f "$part"
say "Apache Kafka $version is in $home"
