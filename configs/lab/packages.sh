# SPDX-License-Identifier: BSD-3-Clause
# What has to be installed, and how the tree is built. Sourced by the lab, by
# tests/run and by .ci/run, so that there is one list. The caller sets
# CHIMNEY_ROOT to the top of the source tree.

readonly PACKAGES_BUILD=(
  g++ meson ninja-build pkg-config python3
  libdpdk-dev libgflags-dev libgoogle-glog-dev libabsl-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  libbpf-dev libmnl-dev libnetfilter-conntrack-dev
)
readonly PACKAGES_LAB=(iproute2 nftables ethtool iputils-ping procps util-linux)
readonly PACKAGES_DEMO=(netcat-openbsd socat curl coreutils)
readonly PACKAGES_TEST=(
  git iperf3 openssl tcpdump universal-ctags dpdk-dev gcovr valgrind
  clang libclang-rt-dev llvm
)
readonly PACKAGES_CI=(clang-format clang-tidy)

# Prints what went wrong, in words, and ends the script.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Installs those of the named Debian packages that are missing. Costs one
# dpkg-query when none is.
install_missing() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null; then
    echo "note: not a Debian system; these packages are needed: $*" >&2
    return 0
  fi
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" \
    2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || die "these packages are missing and only root can install \
them: ${missing[*]}"
  echo "installing ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 install "${missing[@]}"; } \
      >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt-get could not install: ${missing[*]}"
  fi
  rm -f "$log"
}

# build_tree DIR [TARGET...]: configures DIR (relative to the source tree) if
# that has not happened and builds the targets, all of them when none is
# named. MESON_OPTIONS (an array) is used when DIR is configured. Two callers
# at once wait for each other.
build_tree() {
  local dir=$1
  shift
  (
    cd "$CHIMNEY_ROOT"
    exec 9<meson.build
    flock 9
    if [[ ! -f $dir/build.ninja ]]; then
      meson setup "$dir" "${MESON_OPTIONS[@]:---buildtype=release}" \
        </dev/null >"$dir.setup.log" 2>&1 9<&- || {
        cat "$dir.setup.log" >&2
        rm -f "$dir.setup.log"
        exit 1
      }
      rm -f "$dir.setup.log"
    fi
    ninja -C "$dir" --quiet "$@" 9<&-
  )
}
