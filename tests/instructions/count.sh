# Shared by the instruction gates of this folder: counting inside one function of an example.
#
# A gate sources this file, calls `build PACKAGE EXAMPLE`, then `per_item CASE PENDING` for each figure. The example
# takes CASE ITEMS PENDING and has one function per case, named like it and never inlined.
# Counts do not depend on the machine's load; they do depend on the compiler, which is pinned.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/need.sh

ITEMS=${ITEMS:-20000}
EXAMPLE=

build() {
    need valgrind valgrind
    cargo build --quiet --release --package "$1" --example "$2"
    EXAMPLE="${CARGO_TARGET_DIR:-target}/release/examples/$2"
    CASES=$("$EXAMPLE" cases)
}

# Instructions inside CASE over a number of items. Equal functions are folded into one and keep one of their names, so
# counting is switched on by any of the names; only one of them runs.
_count() {
    local toggles=() name
    for name in $CASES; do toggles+=("--toggle-collect=*::$name"); done
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no "${toggles[@]}" \
        "$EXAMPLE" "$1" "$2" "$3" 2>&1 >/dev/null | awk '/Collected/ { print $NF }'
}

# Instructions per item of CASE, where every PENDING-th poll is pending. What does not grow with the items drops out.
per_item() {
    local once twice
    once=$(_count "$1" "$ITEMS" "$2")
    twice=$(_count "$1" $((2 * ITEMS)) "$2")
    if [ "${once:-0}" -eq 0 ] || [ "$twice" -le "$once" ]; then
        echo "nothing was counted in $1" >&2
        exit 2
    fi
    awk -v a="$once" -v b="$twice" -v n="$ITEMS" 'BEGIN { printf "%.2f", (b - a) / n }'
}

# `ratio OURS HAND` prints OURS / HAND; `within OURS HAND LIMIT` says whether it is at most LIMIT.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }
within() { awk -v a="$1" -v b="$2" -v limit="$3" 'BEGIN { exit !(a <= b * limit + 0.005) }'; }
