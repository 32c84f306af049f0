# SPDX-License-Identifier: BSD-3-Clause
# The connections of the demo: chimney-nc on the host, unmodified programs on
# the peer, SHA-256 over what was sent and what arrived. Sourced; needs
# names.sh. Every check appends a line to `verdicts`.

verdicts=()
transfer_names=()
transfer_pids=()

readonly TRANSFER_LIMIT_S=300

# transfers_prepare BUILD SCRATCH: an unprivileged user has to be able to read
# the programs; where the tree is closed to others, copies are used.
transfers_prepare() {
  local build=$1
  transfer_dir=$2
  chimney_nc=$build/hostapi/chimney-nc
  chimney_libraries=$build/hostapi
  as_nobody test -x "$chimney_nc" && return 0
  mkdir -m 0755 "$transfer_dir/bin"
  cp -L "$chimney_nc" "$transfer_dir/bin/"
  cp -L "$build"/hostapi/libchimney.so* "$transfer_dir/bin/" 2>/dev/null || true
  chmod -R a+rX "$transfer_dir/bin"
  chimney_nc=$transfer_dir/bin/chimney-nc
  chimney_libraries=$transfer_dir/bin
}

# Runs a command without any privilege.
as_nobody() {
  setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \
    --bounding-set=-all --no-new-privs "$@"
}

# host_nc STATS ARGUMENT...: chimney-nc in the host's namespace, as nobody.
host_nc() {
  local stats=$1
  shift
  : >"$stats"
  chmod 0666 "$stats"
  exec timeout -k 5 "$TRANSFER_LIMIT_S" ip netns exec "$LAB_HOST" \
    setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \
    --bounding-set=-all --no-new-privs \
    env LD_LIBRARY_PATH="$chimney_libraries" \
    "$chimney_nc" --socket "$LAB_SOCKET" --stats "$stats" "$@"
}

peer_command() {
  exec timeout -k 5 "$TRANSFER_LIMIT_S" ip netns exec "$LAB_PEER" "$@"
}

transfer_random() { head -c $(($2 << 20)) /dev/urandom >"$1"; }

transfer_socat_listen() {
  if [[ $1 == *:* ]]; then
    echo "TCP6-LISTEN:$2,bind=[$1]"
  else
    echo "TCP4-LISTEN:$2,bind=$1"
  fi
}

# Whether something listens on a TCP port in a namespace.
transfer_listens() {
  ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q .
}

transfer_await_listener() {
  local tries
  for tries in {1..200}; do
    transfer_listens "$1" "$2" && return 0
    sleep 0.05
  done
  echo "nothing listens on port $2 in $1 after $tries tries"
  return 1
}

# transfer_start NAME connect|accept ADDRESS PORT MEBIBYTES: a connection
# between chimney-nc (in the role named) and socat or nc.
transfer_start() {
  local name=$1 role=$2 address=$3 port=$4 mebibytes=$5
  local at=$transfer_dir/${#transfer_names[@]}
  transfer_random "$at.host.sent" "$mebibytes"
  transfer_random "$at.peer.sent" "$mebibytes"
  if [[ $role == connect ]]; then
    peer_command socat -t "$TRANSFER_LIMIT_S" - \
      "$(transfer_socat_listen "$address" "$port")" \
      <"$at.peer.sent" >"$at.peer.got" 2>"$at.peer.log" &
    transfer_pids+=($!)
    transfer_await_listener "$LAB_PEER" "$port"
    host_nc "$at.stats" --cycle 20 "$address" "$port" \
      <"$at.host.sent" >"$at.host.got" 2>"$at.host.log" &
    transfer_pids+=($!)
  else
    host_nc "$at.stats" -l --cycle 20 "$address" "$port" \
      <"$at.host.sent" >"$at.host.got" 2>"$at.host.log" &
    transfer_pids+=($!)
    transfer_await_listener "$LAB_HOST" "$port"
    peer_command nc -N "$address" "$port" \
      <"$at.peer.sent" >"$at.peer.got" 2>"$at.peer.log" &
    transfer_pids+=($!)
  fi
  transfer_names+=("$name")
}

transfers_running() {
  local pid
  for pid in "${transfer_pids[@]}"; do
    kill -0 "$pid" 2>/dev/null && return 0
  done
  return 1
}

transfers_progress() {
  local index line="  ${1} s:"
  for index in "${!transfer_names[@]}"; do
    local at=$transfer_dir/$index
    line+="  [$((index + 1))] to the peer $(($(stat -c %s "$at.peer.got") >> 20))"
    line+=" MiB, to the host $(($(stat -c %s "$at.host.got") >> 20)) MiB"
  done
  echo "$line"
}

transfers_wait() {
  local from=$SECONDS next=1 index
  while transfers_running; do
    if ((SECONDS - from >= next)); then
      transfers_progress $((SECONDS - from))
      next=$((SECONDS - from + 1))
    fi
    sleep 0.1
  done
  transfers_progress $((SECONDS - from))
  for index in "${!transfer_names[@]}"; do
    transfer_judge "$index"
  done
  transfer_pids=()
}

transfer_judge() {
  local index=$1 at=$transfer_dir/$1 name=${transfer_names[$1]} status=0
  # Two processes a transfer, in the order in which they were started.
  wait "${transfer_pids[index * 2]}" || status=$?
  wait "${transfer_pids[index * 2 + 1]}" || status=$?
  if ((status)); then
    verdict_failed "$name: a program ended with $status" "$at"
    return 0
  fi
  echo "[$((index + 1))] $name"
  transfer_show_stats "$at.stats"
  transfer_compare "$name, host to peer" "$at.host.sent" "$at.peer.got"
  transfer_compare "$name, peer to host" "$at.peer.sent" "$at.host.got"
}

transfer_compare() {
  local name=$1 sent=$2 got=$3 sent_sum got_sum
  sent_sum=$(sha256sum <"$sent") got_sum=$(sha256sum <"$got")
  if [[ $sent_sum == "$got_sum" ]]; then
    verdicts+=("ok      $name: $(stat -c %s "$sent") bytes, SHA-256 \
${sent_sum:0:16}...")
  else
    verdicts+=("FAILED  $name: $(stat -c %s "$sent") bytes sent, \
$(stat -c %s "$got") arrived, SHA-256 ${sent_sum:0:16}... is not \
${got_sum:0:16}...")
  fi
}

verdict_failed() {
  local what=$1 at=$2 log
  verdicts+=("FAILED  $what")
  for log in "$at".*.log; do
    [[ ! -s $log ]] || { echo "${log##*/}:" && tail -n 5 "$log"; }
  done
  lab_show_log
}

# The times are from before the hold to after the release, in microseconds.
transfer_show_stats() {
  python3 - "$1" <<'PYTHON' || echo "    no statistics were written"
import json, sys
stats = json.load(open(sys.argv[1]))
print(f"    {stats['offloads']} times to the daemon, "
      f"{stats['uploads']} times back to the kernel")
for name, key in (("offload", "offload_us"), ("upload", "upload_us")):
    times = stats[key]
    print(f"    {name}: p50 {times['p50']} us, p99 {times['p99']} us, "
          f"max {times['max']} us")
PYTHON
}

# web_fetch NAME MEBIBYTES: python's web server in the peer; the host asks
# through chimney-nc.
web_fetch() {
  local name=$1 at=$transfer_dir/web pid status=0
  mkdir "$at"
  transfer_random "$at/file" "$2"
  peer_command python3 -m http.server --bind "$LAB_PEER_IPV4" \
    --directory "$at" 8080 >"$at.peer.log" 2>&1 </dev/null &
  pid=$!
  transfer_pids+=("$pid")
  transfer_await_listener "$LAB_PEER" 8080
  (printf 'GET /file HTTP/1.0\r\nHost: peer\r\n\r\n' |
    host_nc "$at.stats" --cycle 5 "$LAB_PEER_IPV4" 8080) \
    >"$at.response" 2>"$at.host.log" || status=$?
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  if ((status)); then
    verdict_failed "$name: chimney-nc ended with $status" "$at"
    return 0
  fi
  # The body is what follows the first empty line.
  sed '1,/^\r$/d' "$at.response" >"$at.body"
  echo "$name"
  transfer_show_stats "$at.stats"
  transfer_compare "$name" "$at/file" "$at.body"
}

# web_serve NAME MEBIBYTES: the host answers one request with chimney-nc -l;
# curl in the peer asks.
web_serve() {
  local name=$1 at=$transfer_dir/curl pid status=0
  transfer_random "$at.file" "$2"
  (printf 'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' $(($2 << 20)) &&
    cat "$at.file") >"$at.answer"
  host_nc "$at.stats" -l --cycle 5 "$LAB_HOST_IPV6" 8081 \
    <"$at.answer" >"$at.request" 2>"$at.host.log" &
  pid=$!
  transfer_pids+=("$pid")
  transfer_await_listener "$LAB_HOST" 8081
  (peer_command curl -sS --max-time 60 -o "$at.got" \
    "http://[$LAB_HOST_IPV6]:8081/file") >"$at.peer.log" 2>&1 || status=$?
  wait "$pid" || status=$?
  if ((status)); then
    verdict_failed "$name: a program ended with $status" "$at"
    return 0
  fi
  echo "$name"
  transfer_show_stats "$at.stats"
  transfer_compare "$name" "$at.file" "$at.got"
}

# Ends what still runs, by process id.
transfers_end() {
  local pid
  for pid in "${transfer_pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
}
