# SPDX-License-Identifier: BSD-3-Clause
# The names of one lab, all derived from its prefix, and the claim on them.
# Sourced; needs packages.sh for die().
#
#   P-peer                          P-host
#   wire  ======================  wire0 [daemon] chimp0 ============ chim0
#   10.77.0.2/24 fd77::2/64                              10.77.0.1/24 fd77::1/64

readonly LAB_HOST_IPV4=10.77.0.1
readonly LAB_PEER_IPV4=10.77.0.2
readonly LAB_HOST_IPV6=fd77::1
readonly LAB_PEER_IPV6=fd77::2

# Checks the prefix and sets every name. The limit of 16 characters keeps
# /run/P/chimneyd.sock far below the 107 that a socket address holds.
lab_names() {
  local prefix=$1
  [[ $prefix =~ ^[a-z][a-z0-9-]{0,15}$ ]] || die "prefix '$prefix' is not \
usable: it must be a lower-case letter followed by at most 15 lower-case \
letters, digits or hyphens"
  LAB_PREFIX=$prefix
  LAB_HOST=$prefix-host
  LAB_PEER=$prefix-peer
  LAB_RUN=/run/$prefix
  LAB_SOCKET=$LAB_RUN/chimneyd.sock
  LAB_PIDFILE=$LAB_RUN/chimneyd.pid
  LAB_LOG=$LAB_RUN/chimneyd.log
  LAB_MARK=$LAB_RUN/.chimney-lab
}

# Takes the lock of this prefix (file descriptor 8) until the script ends, so
# that `up` and `down` of one prefix wait for each other. With "create" the
# directory is made; without, returns 1 if there is none. The directory may
# have been removed by the previous holder while we waited, or its maker may
# not have marked it yet: then try again. A directory without the mark is
# never touched.
lab_lock() {
  local mode=${1:-} tries
  for tries in {1..40}; do
    ((tries == 1)) || sleep 0.05
    if [[ $mode == create ]] && mkdir -m 0755 "$LAB_RUN" 2>/dev/null; then
      : >"$LAB_MARK"
    fi
    [[ -d $LAB_RUN || $mode == create ]] || return 1
    { exec 8<"$LAB_RUN"; } 2>/dev/null || continue
    flock 8
    [[ $(stat -Lc %i /dev/fd/8) == "$(stat -c %i "$LAB_RUN" 2>/dev/null)" ]] ||
      continue
    [[ ! -e $LAB_MARK ]] || return 0
    exec 8<&-
  done
  die "$LAB_RUN exists and is not a lab's: choose another --prefix"
}

lab_has_netns() { [[ -e /run/netns/$1 ]]; }

in_host() { ip netns exec "$LAB_HOST" "$@"; }
in_peer() { ip netns exec "$LAB_PEER" "$@"; }
