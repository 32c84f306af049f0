# SPDX-License-Identifier: BSD-3-Clause
# Starting, checking and stopping the forwarder of a lab: chimneyd, or testpmd
# as the yardstick of plain forwarding. Sourced; needs names.sh.

# The first two CPUs that this process may use, as "WORKER CONTROL".
lab_cores() {
  python3 -c 'import os
cpus = sorted(os.sched_getaffinity(0))
print(cpus[0], cpus[1 % len(cpus)])'
}

# The value of one flag in a flagfile.
lab_flag() { sed -n "s/^--$2=//p" "$1" | tail -n 1; }

# A process is named by pid and start time, so that a pid that was given out
# again is never mistaken for ours.
lab_process_start() { awk '{print $22}' "/proc/$1/stat" 2>/dev/null || true; }

lab_daemon_pid() {
  local pid start
  [[ -e $LAB_PIDFILE ]] || return 1
  read -r pid start <"$LAB_PIDFILE" || return 1
  [[ -n $start && $(lab_process_start "$pid") == "$start" ]] || return 1
  # A process that has ended and was not yet waited for is no daemon any more.
  [[ $(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null) != Z ]] || return 1
  echo "$pid"
}

# lab_start_process COMMAND...: in the host namespace, in a session of its
# own, output to the log.
lab_start_process() {
  # A killed predecessor may have left its XDP programs behind.
  local device
  for device in wire0 chimp0; do
    ip -n "$LAB_HOST" link set dev "$device" xdp off 2>/dev/null || true
  done
  # A worker has no core to itself here, and its group of processes would get
  # no more of one than the group of those that load it.
  # shellcheck disable=SC2016
  setsid sh -c '{ echo -15 >/proc/self/autogroup; } 2>/dev/null
    exec "$@"' sh ip netns exec "$LAB_HOST" "$@" \
    </dev/null >>"$LAB_LOG" 2>&1 8<&- 9<&- &
  echo "$! $(lab_process_start $!)" >"$LAB_PIDFILE"
  printf '%q ' "$@" >"$LAB_RUN/command"
}

# lab_start_chimneyd BUILD FLAGFILE MTU EXTRA...
lab_start_chimneyd() {
  local build=$1 flagfile=$2 mtu=$3 worker control
  shift 3
  read -r worker control < <(lab_cores)
  lab_start_process "$build/daemon/chimneyd" "--flagfile=$flagfile" \
    "--worker_cores=$worker" "--control_core=$control" \
    "--socket=$LAB_SOCKET" --huge=auto --host_interface=chim0 "--mtu=$mtu" \
    "$@"
}

# lab_start_testpmd FLAGFILE: the same two ports, forwarded by dpdk-testpmd in
# io mode with one core.
lab_start_testpmd() {
  local flagfile=$1 worker control
  shift
  read -r worker control < <(lab_cores)
  lab_start_process dpdk-testpmd -l "$worker,$control" \
    --main-lcore "$control" --no-huge -m 256 --no-pci --no-telemetry \
    --no-shconf --file-prefix "$LAB_PREFIX" \
    "--vdev=$(lab_flag "$flagfile" wire_port)" \
    "--vdev=$(lab_flag "$flagfile" host_port)" -- \
    --forward-mode=io --auto-start --nb-cores=1 --total-num-mbufs=32768 \
    --stats-period=3600
}

# Whether the daemon's socket accepts a connection.
lab_socket_accepts() {
  python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    s.connect(sys.argv[1])
except OSError:
    sys.exit(1)' "$LAB_SOCKET"
}

lab_traffic_passes() {
  in_host ping -n -q -c 1 -W 1 "$LAB_PEER_IPV4" >/dev/null 2>&1 &&
    in_host ping -n -q -c 1 -W 1 "$LAB_PEER_IPV6" >/dev/null 2>&1
}

lab_show_log() {
  [[ -s $LAB_LOG ]] || return 0
  echo "--- last lines of the forwarder's log ---" >&2
  tail -n 25 "$LAB_LOG" >&2
}

# lab_wait_for SECONDS WHAT COMMAND...: polls until the command succeeds;
# gives up at once when the forwarder has ended.
lab_wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if ! lab_daemon_pid >/dev/null; then
      lab_show_log
      die "the forwarder ended while waiting until $what"
    fi
    if ((SECONDS >= end)); then
      lab_show_log
      die "gave up waiting until $what"
    fi
    sleep 0.05
  done
}

# Stops the forwarder: SIGTERM drains it; after LAB_DRAIN_S seconds SIGKILL.
lab_stop_daemon() {
  local pid tries
  pid=$(lab_daemon_pid) || {
    rm -f "$LAB_PIDFILE"
    return 0
  }
  kill -s TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < ${LAB_DRAIN_S:-10} * 20; ++tries)); do
    lab_daemon_pid >/dev/null || break
    sleep 0.05
  done
  if lab_daemon_pid >/dev/null; then
    echo "note: the forwarder (pid $pid) did not end on SIGTERM, killing it" >&2
    kill -s KILL "$pid" 2>/dev/null || true
    while lab_daemon_pid >/dev/null; do sleep 0.05; done
  fi
  rm -f "$LAB_PIDFILE"
}
