#!/bin/sh
# env.sh FILE: writes the environment of the stack, and its secrets as files in FILE.secrets. Only the owner can read them. An existing FILE keeps its
# settings, except for those that are set in this call: FACTORY_VERSION, KAFKA_IMAGE, POSTGRES_IMAGE, SENSORS_PER_TYPE, CONSUMER_GROUP, addresses and ports, who
# may sign in, and PROFILE (observability or none). Secrets that an earlier version wrote into FILE move to their files.
set -eu
umask 077
file=$1
secrets=$file.secrets
case "${PROFILE:-}" in
'') unset COMPOSE_PROFILES OTEL_EXPORTER_OTLP_ENDPOINT ;;
observability) COMPOSE_PROFILES=observability OTEL_EXPORTER_OTLP_ENDPOINT=http://aspire-dashboard:18889 ;;
none) COMPOSE_PROFILES=none OTEL_EXPORTER_OTLP_ENDPOINT=none ;;
*)
  echo "PROFILE=$PROFILE: must be observability or none" >&2
  exit 1
  ;;
esac
# Publishes the brokers beyond loopback only if they advertise a host other than this machine.
case "${KAFKA_ADVERTISED_HOST:-}" in
'') unset KAFKA_ADDRESS ;;
none | localhost | 127.*) KAFKA_ADDRESS=none ;;
*) KAFKA_ADDRESS=0.0.0.0 ;;
esac
project=${COMPOSE_PROJECT_NAME:-factory-monitoring}

written() { sed -n "s/^$1=//p" "$file" 2>/dev/null || true; }
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
put() { # put NAME [VALUE]: sets NAME in FILE; none removes it
  { grep -v "^$1=" "$file" || true; [ "${2:-none}" = none ] || echo "$1=$2"; } >"$file.new"
  mv "$file.new" "$file"
}
secret() { # secret NAME VALUE: creates the file NAME with the secret, unless it exists
  [ -s "$secrets/$1" ] || printf '%s\n' "$2" >"$secrets/$1"
}

# PostgreSQL reads the administrator's password only when it initializes its data.
old=$(written POSTGRES_PASSWORD)
if [ -z "$old" ] && [ ! -s "$secrets/postgres-password" ] && docker volume inspect "${project}_postgres" >/dev/null 2>&1; then
  echo "the volume ${project}_postgres has data, but $secrets/postgres-password with its password is gone: bring the file back, or remove the data by 'docker volume rm ${project}_postgres'" >&2
  exit 1
fi
mkdir -p "$secrets"
# No other user can reach a file in it.
chmod 700 "$secrets"
[ -f "$file" ] || echo "COMPOSE_PROJECT_NAME=$project" >"$file"

secret postgres-password "${old:-$(random)}"
# The provisioner sets these passwords for the roles at each start.
for role in ingest sensor monitor audit; do secret "$role-password" "$(random)"; done
old=$(written GRAFANA_PASSWORD)
secret grafana-password "${old:-$(random)}"
old=$(written DASHBOARD_TOKEN)
secret dashboard-token "${old:-$(random)}"
old=$(written OTLP_KEY)
secret otlp-headers "x-otlp-api-key=${old:-$(random)}"
printf '{ "Dashboard": { "Frontend": { "BrowserToken": "%s" }, "Otlp": { "PrimaryApiKey": "%s" } } }\n' \
  "$(cat "$secrets/dashboard-token")" "$(sed 's/^[^=]*=//' "$secrets/otlp-headers")" >"$secrets/dashboard.json"
# The client secret for sign-in is set by the caller and not generated here.
client=${SIGN_IN_CLIENT_SECRET:-$(written SIGN_IN_CLIENT_SECRET)}
[ "$client" != none ] || : >"$secrets/sign-in-client-secret"
if [ -n "$client" ] && [ "$client" != none ]; then printf '%s\n' "$client" >"$secrets/sign-in-client-secret"; fi
[ -f "$secrets/sign-in-client-secret" ] || : >"$secrets/sign-in-client-secret"
if [ -s "$secrets/sign-in-client-secret" ]; then put SIGN_IN_CLIENT_SECRET_FILE /run/secrets/sign-in-client-secret; else put SIGN_IN_CLIENT_SECRET_FILE; fi
for name in POSTGRES_PASSWORD GRAFANA_PASSWORD DASHBOARD_TOKEN OTLP_KEY SIGN_IN_CLIENT_SECRET; do put "$name"; done
put SECRETS "$(cd "$secrets" && pwd)"
# The engine shows each container its files with their owners and modes. The services' user is 1654, Grafana's 472. Only root can give files to them; otherwise
# everyone may read the files, but no other user can pass the directory.
if [ "$(id -u)" = 0 ]; then
  chmod 600 "$secrets"/*
  chown 1654 "$secrets"/*
  chown 472 "$secrets/grafana-password"
else
  chmod 644 "$secrets"/*
fi

for name in FACTORY_VERSION KAFKA_IMAGE POSTGRES_IMAGE SENSORS_PER_TYPE CONSUMER_GROUP CPUS_OF_EACH MONITORING_ADDRESS MONITORING_PORT MONITORING_ALLOWED_HOSTS ALLOW_ANONYMOUS_VIEW \
  SIGN_IN_AUTHORITY SIGN_IN_CLIENT_ID SIGN_IN_ROLE_CLAIM SIGN_IN_VIEWERS POSTGRES_PORT KAFKA_ADVERTISED_HOST KAFKA_ADDRESS KAFKA1_PORT KAFKA2_PORT KAFKA3_PORT \
  COMPOSE_PROFILES OTEL_EXPORTER_OTLP_ENDPOINT; do
  eval "value=\${$name:-}"
  [ -z "$value" ] || put "$name" "$value"
done
