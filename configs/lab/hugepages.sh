# SPDX-License-Identifier: BSD-3-Clause
# Borrowing 2 MiB hugepages from the machine and giving them back. Sourced.
#
# Several labs can be up at once, so the record is shared: `before` is the
# machine's own number, `ours` what the labs last set, `users/P` one file a
# lab. The last one to leave restores the number. All steps run under a lock
# on the directory /run itself, which leaves no file behind.

readonly HUGEPAGES=/sys/kernel/mm/hugepages/hugepages-2048kB
readonly HUGEPAGES_RECORD=/run/chimney-lab-hugepages

# hugepages_borrow PREFIX COUNT: makes COUNT free pages available if they can
# be had without taking more than a quarter of the available memory. Never
# fails: the daemon runs without hugepages too (--huge=auto).
hugepages_borrow() {
  local prefix=$1 want=$2
  [[ -w $HUGEPAGES/nr_hugepages ]] || return 0
  (
    exec 7</run
    flock 7
    local free missing total available_kib
    free=$(($(<$HUGEPAGES/free_hugepages) - $(<$HUGEPAGES/resv_hugepages)))
    missing=$((want - free))
    total=$(<$HUGEPAGES/nr_hugepages)
    available_kib=$(awk '$1 == "MemAvailable:" {print $2}' /proc/meminfo)
    if ((missing > 0 && missing * 2048 > available_kib / 4)); then
      echo "note: too little memory for $want hugepages, running without"
      exit 0
    fi
    if ((missing <= 0)) && [[ ! -d $HUGEPAGES_RECORD ]]; then
      exit 0
    fi
    mkdir -p "$HUGEPAGES_RECORD/users"
    [[ -e $HUGEPAGES_RECORD/before ]] || echo "$total" >"$HUGEPAGES_RECORD/before"
    : >"$HUGEPAGES_RECORD/users/$prefix"
    if ((missing > 0)); then
      echo $((total + missing)) >"$HUGEPAGES/nr_hugepages" || true
    fi
    cat "$HUGEPAGES/nr_hugepages" >"$HUGEPAGES_RECORD/ours"
  )
}

# hugepages_return PREFIX: the opposite. A number that somebody else has
# changed since is left alone.
hugepages_return() {
  local prefix=$1
  [[ -e $HUGEPAGES_RECORD/users/$prefix ]] || return 0
  (
    exec 7</run
    flock 7
    rm -f "$HUGEPAGES_RECORD/users/$prefix"
    [[ -z $(ls -A "$HUGEPAGES_RECORD/users") ]] || exit 0
    if [[ $(<$HUGEPAGES/nr_hugepages) == "$(<$HUGEPAGES_RECORD/ours)" ]]; then
      cat "$HUGEPAGES_RECORD/before" >"$HUGEPAGES/nr_hugepages" || true
    fi
    rm -rf "$HUGEPAGES_RECORD"
  )
}
