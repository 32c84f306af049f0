# SPDX-License-Identifier: BSD-3-Clause
# Namespaces, interfaces and the rules that keep the kernel off the daemon's
# ports. Sourced; needs names.sh.

# Features that would show the daemon something else than what a NIC would:
# unfinished checksums, segments larger than the MTU, VLAN tags outside the
# frame.
readonly LAB_OFFLOADS_OFF=(
  tx off rx off sg off tso off gso off gro off
  txvlan off rxvlan off
  tx-vlan-stag-hw-insert off rx-vlan-stag-hw-parse off
)

# Runs a command; when it fails, says what could not be done and what the
# command said.
lab_step() {
  local what=$1 output
  shift
  output=$("$@" 2>&1) || die "cannot $what: ${output:-no message} (command: $*)"
}

lab_create_namespace() {
  local name=$1
  lab_has_netns "$name" && die "network namespace $name exists and is not \
this lab's: choose another --prefix, or remove it with: ip netns del $name"
  lab_step "create a network namespace (is this root in a container without \
CAP_SYS_ADMIN?)" ip netns add "$name"
  # No duplicate address detection and no router solicitations: the addresses
  # are usable at once, and the wire is silent until somebody speaks.
  lab_step "set up IPv6 in $name (is IPv6 disabled in this kernel?)" \
    ip netns exec "$name" sysctl -qw \
    net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
    net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.router_solicitations=0
  lab_step "set lo up in $name" ip -n "$name" link set lo up
}

# An interface whose frames belong to the daemon: no addresses, no ARP, no
# IPv6, no multicast of its own.
lab_port_interface() {
  local name=$1
  lab_step "silence $name" in_host sysctl -qw \
    "net.ipv6.conf.$name.disable_ipv6=1"
  lab_step "silence $name" ip -n "$LAB_HOST" link set "$name" arp off \
    multicast off
}

# The kernel's own stack must not see what arrives at the daemon's ports. The
# hook runs after XDP and after packet sockets, so neither kind of port loses
# a frame by it; it bites while no daemon runs, and with af_packet ports,
# which get copies.
lab_block_kernel() {
  lab_step "install the rule that keeps the kernel off the daemon's ports \
(does this kernel have nf_tables with the netdev family?)" in_host nft -f - <<'NFT'
table netdev chimney_lab {
  chain daemon_ports {
    type filter hook ingress devices = { wire0, chimp0 } priority -500
    policy drop
    counter drop
  }
}
NFT
}

lab_create_namespaces() {
  lab_create_namespace "$LAB_HOST"
  lab_create_namespace "$LAB_PEER"
}

lab_create_veths() {
  local mtu=$1 device
  lab_step "create a veth pair (does this kernel have veth?)" \
    ip link add wire0 mtu "$mtu" netns "$LAB_HOST" type veth \
    peer name wire mtu "$mtu" netns "$LAB_PEER"
  lab_step "create a veth pair" \
    ip link add chim0 mtu "$mtu" netns "$LAB_HOST" type veth \
    peer name chimp0 mtu "$mtu" netns "$LAB_HOST"
  for device in wire0 chim0 chimp0; do
    lab_step "switch offloads of $device off" \
      in_host ethtool -K "$device" "${LAB_OFFLOADS_OFF[@]}"
  done
  lab_step "switch offloads of wire off" \
    in_peer ethtool -K wire "${LAB_OFFLOADS_OFF[@]}"
  lab_port_interface wire0
  lab_port_interface chimp0
  lab_block_kernel
  lab_step "set wire0 up" ip -n "$LAB_HOST" link set wire0 up
  lab_step "set chimp0 up" ip -n "$LAB_HOST" link set chimp0 up
  lab_addresses
}

# Up, that is: the port has been started.
lab_taps_are_up() {
  local device
  for device in wiretap chim0; do
    [[ -n $(ip -n "$LAB_HOST" link show up dev "$device" 2>/dev/null) ]] ||
      return 1
  done
}

# With tap ports the forwarder itself makes both interfaces, in its own
# namespace; the wire's kernel end moves to the peer.
lab_adopt_taps() {
  local mtu=$1
  lab_step "move the wire's tap to $LAB_PEER" \
    ip -n "$LAB_HOST" link set wiretap netns "$LAB_PEER" name wire
  lab_step "set the MTU of wire" ip -n "$LAB_PEER" link set wire mtu "$mtu"
  lab_step "set the MTU of chim0" ip -n "$LAB_HOST" link set chim0 mtu "$mtu"
  lab_addresses
}

lab_addresses() {
  lab_address "$LAB_HOST" chim0 "$LAB_HOST_IPV4" "$LAB_HOST_IPV6"
  lab_address "$LAB_PEER" wire "$LAB_PEER_IPV4" "$LAB_PEER_IPV6"
}

lab_address() {
  local namespace=$1 device=$2 ipv4=$3 ipv6=$4
  lab_step "give $device an IPv4 address" \
    ip -n "$namespace" addr add "$ipv4/24" dev "$device"
  lab_step "give $device an IPv6 address" \
    ip -n "$namespace" addr add "$ipv6/64" dev "$device" nodad
  lab_step "set $device up" ip -n "$namespace" link set "$device" up
}

# Ends what still runs in the namespaces (they exist for the lab alone), then
# removes interfaces and namespaces. Works on any half-built state.
lab_remove_network() {
  local name
  for name in "$LAB_HOST" "$LAB_PEER"; do
    lab_has_netns "$name" || continue
    lab_end_processes_of "$name"
    ip -n "$name" link del wire0 2>/dev/null || true
    ip -n "$name" link del chim0 2>/dev/null || true
    ip -n "$name" link del wire 2>/dev/null || true
    ip netns del "$name"
  done
}

# The processes of a namespace, without this script and its ancestors.
lab_processes_of() {
  local pid ancestors=" " parent=$$
  while ((parent > 1)); do
    ancestors+="$parent "
    parent=$(awk '$1 == "PPid:" {print $2}' "/proc/$parent/status" 2>/dev/null ||
      echo 1)
  done
  for pid in $(ip netns pids "$1" 2>/dev/null); do
    [[ $ancestors == *" $pid "* ]] || echo "$pid"
  done
}

lab_end_processes_of() {
  local name=$1 signal pids tries
  for signal in TERM KILL; do
    for tries in {1..20}; do
      pids=$(lab_processes_of "$name")
      [[ -n $pids ]] || return 0
      # Word splitting is wanted: one argument a process.
      # shellcheck disable=SC2086
      ((tries > 1)) || kill -s "$signal" $pids 2>/dev/null || true
      sleep 0.05
    done
  done
}

# Removes every trace of the lab whose lock is held, the lock's directory last.
lab_take_down() {
  lab_stop_daemon
  lab_remove_network
  rm -rf "/run/dpdk/$LAB_PREFIX" "$LAB_RUN"
  hugepages_return "$LAB_PREFIX"
  # EAL and libxdp leave empty folders; the last lab takes them along.
  if ! compgen -G '/run/*/.chimney-lab' >/dev/null; then
    rmdir /run/dpdk /run/xdp 2>/dev/null || true
  fi
}
