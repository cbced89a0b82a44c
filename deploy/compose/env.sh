#!/bin/sh
# env.sh FILE: writes the environment of the stack, readable by its owner alone. What FILE already holds is kept, save what this call is
# told: FACTORY_VERSION, KAFKA_IMAGE, POSTGRES_IMAGE, SENSORS_PER_TYPE, addresses and ports, who may look, and PROFILE (observability or none), where they
# are set.
set -eu
umask 077
file=$1
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

if [ ! -f "$file" ]; then
  # PostgreSQL takes its password from the environment once, when it makes its data.
  if docker volume inspect "${project}_postgres" >/dev/null 2>&1; then
    echo "the volume ${project}_postgres has data, but $file with its password is gone: bring the file back, or remove the data by 'docker volume rm ${project}_postgres'" >&2
    exit 1
  fi
  random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
  {
    echo "COMPOSE_PROJECT_NAME=$project"
    echo "POSTGRES_PASSWORD=$(random)"
    echo "DASHBOARD_TOKEN=$(random)"
    echo "OTLP_KEY=$(random)"
    echo "GRAFANA_PASSWORD=$(random)"
  } > "$file"
fi

for name in FACTORY_VERSION KAFKA_IMAGE POSTGRES_IMAGE SENSORS_PER_TYPE CPUS_OF_EACH MONITORING_ADDRESS MONITORING_PORT MONITORING_ALLOWED_HOSTS ALLOW_ANONYMOUS_VIEW \
  SIGN_IN_AUTHORITY SIGN_IN_CLIENT_ID SIGN_IN_CLIENT_SECRET SIGN_IN_ROLE_CLAIM SIGN_IN_VIEWERS POSTGRES_PORT KAFKA_ADVERTISED_HOST KAFKA_ADDRESS KAFKA1_PORT KAFKA2_PORT KAFKA3_PORT \
  COMPOSE_PROFILES OTEL_EXPORTER_OTLP_ENDPOINT; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || continue
  { grep -v "^$name=" "$file"; [ "$value" = none ] || echo "$name=$value"; } > "$file.new"
  mv "$file.new" "$file"
done
