#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The lab itself: refuses what it cannot do in plain words, is idempotent, and
# leaves nothing. Without a daemon, so that it says something about the lab
# alone.
. "$(dirname "${BASH_SOURCE[0]}")/lib/lab_env.sh"
up=$CHIMNEY_ROOT/configs/lab/up down=$CHIMNEY_ROOT/configs/lab/down
base=${CHIMNEY_TEST_PREFIX:-t$$}

# refuses PATTERN COMMAND...: fails, with a message that says why.
refuses() {
  local pattern=$1 output
  shift
  output=$("$@" 2>&1) && {
    echo "succeeded: $output"
    return 1
  }
  grep -qE "$pattern" <<<"$output" || {
    echo "said: $output"
    return 1
  }
}

plain() { "$up" --prefix "$1" --forwarder none --hugepages 0; }

up_twice() { plain "${base}a" && plain "${base}a"; }

two_at_once() {
  plain "${base}b" && [[ -e /run/netns/${base}a-host ]] &&
    [[ -e /run/netns/${base}b-host ]]
}

interfaces_are_as_promised() {
  local host=${base}a-host peer=${base}a-peer
  ip -n "$host" -br addr show chim0 | grep -q '10.77.0.1/24.*fd77::1/64' &&
    ip -n "$peer" -br addr show wire | grep -q '10.77.0.2/24.*fd77::2/64' &&
    ! ip -n "$peer" addr show wire tentative | grep -q fd77 &&
    ! ip netns exec "$host" ethtool -k chim0 |
    grep -E '^(tcp-segm|generic-(segm|receive)|[rt]x-checksumming).*: on'
}

ports_are_silent() {
  # Nothing listens on the daemon's side: no ARP answer, no IPv6 neighbor.
  ! ip netns exec "${base}a-peer" ping -c1 -W1 10.77.0.1 >/dev/null 2>&1 &&
    ! ip -n "${base}a-peer" neigh show 10.77.0.1 | grep -q lladdr
}

down_takes_processes_along() {
  local pid
  ip netns exec "${base}a-peer" sleep 600 &
  pid=$!
  "$down" --prefix "${base}a" && wait "$pid"
  ! kill -0 "$pid" 2>/dev/null && [[ ! -e /run/netns/${base}a-peer ]]
}

down_twice() { "$down" --prefix "${base}b" && "$down" --prefix "${base}b"; }

interrupted_up_leaves_nothing() {
  local pid
  "$up" --prefix "${base}c" --forwarder testpmd --hugepages 0 &
  pid=$!
  wait_until 10 test -e "/run/netns/${base}c-peer" || return 1
  kill -TERM "$pid"
  wait "$pid"
  [[ ! -e /run/netns/${base}c-host && ! -e /run/netns/${base}c-peer &&
    ! -e /run/${base}c ]]
}

failed_daemon_leaves_nothing() {
  local folder=/run/${base}fake
  mkdir -p "$folder/daemon" || return 1
  # A "daemon" that ends at once.
  ln -s "$(type -P false)" "$folder/daemon/chimneyd"
  refuses 'ended while waiting' "$up" --prefix "${base}d" --no_build \
    --build "$folder" --hugepages 0
  local status=$?
  rm -r "$folder"
  [[ $status == 0 && ! -e /run/netns/${base}d-host && ! -e /run/${base}d ]]
}

hugepages_come_back() {
  [[ -w /proc/sys/vm/nr_hugepages ]] || return 0
  local before
  before=$(</proc/sys/vm/nr_hugepages)
  "$up" --prefix "${base}e" --forwarder none --hugepages 4 || return 1
  "$down" --prefix "${base}e"
  [[ $(</proc/sys/vm/nr_hugepages) == "$before" ]]
}

no_traces() { ! ls -d /run/netns/"$base"[a-e]-* /run/"$base"[a-e] 2>/dev/null; }

check "refuses a prefix with capitals" refuses 'not usable' "$up" --prefix Lab
check "refuses a prefix with a slash" refuses 'not usable' "$down" --prefix ../x
check "refuses a prefix of 17 characters" \
  refuses 'not usable' "$up" --prefix abcdefghijklmnopq
mkdir "/run/${base}f"
check "refuses the folder of something else" \
  refuses "not a lab's" "$up" --prefix "${base}f" --forwarder none
check "down refuses it too" refuses "not a lab's" "$down" --prefix "${base}f"
rmdir "/run/${base}f"
check "refuses an MTU below IPv6's" refuses '1280' "$up" --mtu 1000
check "refuses unknown ports" refuses 'af_xdp' "$up" --ports vhost
check "refuses an unknown option" refuses 'unknown option' "$up" --fast=1
check "up, and up again" up_twice
check "a second lab beside it" two_at_once
check "interfaces, addresses and offloads" interfaces_are_as_promised
check "the kernel does not answer on the daemon's ports" ports_are_silent
check "down ends what runs inside" down_takes_processes_along
check "down, and down again" down_twice
check "an interrupted up leaves nothing" interrupted_up_leaves_nothing
check "a daemon that does not start leaves nothing" failed_daemon_leaves_nothing
check "borrowed hugepages come back" hugepages_come_back
check "no traces" no_traces
exit $((failures > 0))
