# Runs in a broker's container as `bash -c`. Runs the start script of the image, and kills the broker when it is asked to stop and most controllers are gone:
# the broker waits for their consent, which never comes, and the engine would kill it only after 10 s.
/etc/kafka/docker/run &
broker=$!
has_quorum() {
  local voter voters=0 answering=0
  for voter in ${KAFKA_CONTROLLER_QUORUM_VOTERS//,/ }; do
    voter=${voter#*@}
    voters=$((voters + 1))
    timeout 1 bash -c ": < /dev/tcp/${voter/://}" 2>/dev/null && answering=$((answering + 1))
  done
  [ $((answering * 2)) -gt $voters ]
}
stop() {
  kill -TERM $broker
  while kill -0 $broker 2>/dev/null; do
    has_quorum || kill -KILL $broker
    sleep 0.3
  done
}
trap stop TERM INT
code=0
while kill -0 $broker 2>/dev/null; do
  wait $broker
  code=$?
done
exit $code
