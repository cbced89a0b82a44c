#!/usr/bin/env bash
# kafka-broker.sh KAFKA_HOME DIRECTORY CLUSTER_ID
# Formats the storage of the broker that DIRECTORY/server.properties describes, once, and then replaces itself with the broker: the process id is that of the
# JVM.
set -euo pipefail
home=$1 directory=$2 cluster=$3
export LOG_DIR=$directory/log
if [ ! -f "$directory/data/meta.properties" ]; then
  echo "formatting the storage in $directory/data"
  rm -rf "$directory/data"
  "$home/bin/kafka-storage.sh" format -t "$cluster" -c "$directory/server.properties" >/dev/null
fi
exec "$home/bin/kafka-server-start.sh" "$directory/server.properties"
