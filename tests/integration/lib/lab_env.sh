# SPDX-License-Identifier: BSD-3-Clause
# A lab of one's own for integration tests in shell. Sourced:
#
#   . "$(dirname "$0")/lib/lab_env.sh"
#   lab_begin [OPTION OF configs/lab/up...]
#   ping_works() { in_host ping -c1 -W2 "$PEER_IPV4"; }
#   check "ping over IPv4" ping_works
#   lab_end
#
# `check NAME COMMAND...` is one case. lab_end removes the lab and exits; it
# fails when a case failed, the daemon crashed, a sanitizer reported something
# or anything is left. Ending earlier, by an error or a signal, removes the lab
# too.
set -uo pipefail

CHIMNEY_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
BUILD=${CHIMNEY_BUILD:-$CHIMNEY_ROOT/build}
HOST_IPV4=10.77.0.1 PEER_IPV4=10.77.0.2 HOST_IPV6=fd77::1 PEER_IPV6=fd77::2

# The names are those of configs/lab/names.sh, so that the functions of
# configs/lab/daemon.sh work here as well.
. "$CHIMNEY_ROOT/configs/lab/packages.sh"
. "$CHIMNEY_ROOT/configs/lab/names.sh"
. "$CHIMNEY_ROOT/configs/lab/daemon.sh"

failures=0
lab_daemon_may_be_gone=0

lab_begin() {
  lab_names "${CHIMNEY_TEST_PREFIX:-t$$}x0"
  trap lab_remove EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  "$CHIMNEY_ROOT/configs/lab/up" --prefix "$LAB_PREFIX" --build "$BUILD" \
    --no_build --hugepages 0 --wait 60 \
    --forwarder "${CHIMNEY_FORWARDER:-chimneyd}" "$@" || exit 1
}

lab_remove() {
  "$CHIMNEY_ROOT/configs/lab/down" --prefix "$LAB_PREFIX" >/dev/null 2>&1
}

# check NAME COMMAND...: runs one case; its output is shown when it fails.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
  else
    printf '%s\n' "$output"
    echo "not ok $name"
    failures=$((failures + 1))
  fi
}

skip() { echo "skip $*"; }

# wait_until SECONDS COMMAND...: bounded polling.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || {
      echo "gave up waiting for: $*"
      return 1
    }
    sleep 0.05
  done
}

chimney_nc() { "$BUILD/hostapi/chimney-nc" --socket "$LAB_SOCKET" "$@"; }
chimneyctl() { "$BUILD/hostapi/chimneyctl" --socket "$LAB_SOCKET" "$@"; }

daemon_lives() { ((lab_daemon_may_be_gone)) || lab_daemon_pid >/dev/null; }

daemon_stops_on_sigterm() {
  LAB_DRAIN_S=20 lab_stop_daemon 2>&1 | grep 'did not end' && return 1
  return 0
}

log_is_clean() {
  ! grep -E 'Sanitizer|runtime error:|Check failure|terminate called' "$LAB_LOG"
}

nothing_is_left() {
  local left
  left=$(ls -d "/run/netns/$LAB_PREFIX"-* "$LAB_RUN" 2>/dev/null)
  [[ -z $left ]] || {
    echo "left behind: $left"
    return 1
  }
}

lab_end() {
  local before=$failures log
  check "the daemon lives to the end" daemon_lives
  check "the daemon ends on SIGTERM" daemon_stops_on_sigterm
  check "its log has no report of a crash or a sanitizer" log_is_clean
  log=$(tail -n 40 "$LAB_LOG" 2>/dev/null)
  lab_remove
  trap - EXIT
  check "nothing is left behind" nothing_is_left
  ((failures == before)) || printf '%s\n' "end of the daemon's log:" "$log"
  exit $((failures > 0))
}
