#!/bin/bash
# The measures. `l7`: what the gateway's core spends on a request, a connection, an idle connection, with
# everything inspected; over memif, against kubescope-load on another core. Builds what it needs, makes
# certificates of its own, prints one JSON line for each figure and run, ends by itself and leaves nothing
# behind. Where the bench lab stands beside the project, HAProxy (without inspection) is measured in the
# same run.
#
# environment:
#   KS_BUILD=build         build folder; must be a release build
#   GW_CORE=1 LOAD_CORE=0  cores of the gateway and of the load
#   KS_BENCH_LAB=DIR       the bench lab with the peers; "none": without
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LIB_DIR=$ROOT/scripts/lib
# shellcheck source=scripts/lib/bench-host.sh
. "$LIB_DIR/bench-host.sh"
# shellcheck source=scripts/lib/bench-peer.sh
. "$LIB_DIR/bench-peer.sh"

FIGURES=get,post4k,conn,resume,hs,idle,scale REPEAT=1 SECONDS_EACH=4
BENCH_DIR='' DRIVER=''

usage() {
	cat <<-TEXT
	usage: bench.sh l7 [--figures LIST] [--repeat N] [--seconds N]
	  --figures   of: get (mode learn, then enforce), post4k, conn (connect, full handshake, one request,
	              close), resume (the same with a ticket), hs (connect and full handshake), idle (memory of
	              a connection), scale (GET over 1 to 10 000 connections); all of them if left out
	  --repeat    runs of each figure (now $REPEAT)
	  --seconds   of measuring in each run (now $SECONDS_EACH)
	fields: us_per_op CPU time of the gateway's core for one operation, per_core_s its inverse; stages what of
	it is whose; clock_us_per_op the same by the clock, as kubescopectl status shows it; per_s what was reached
	(the load's core may be the limit: see core_share); p50_us, p99_us as clients saw it; calib_ms CPU time
	of a fixed piece of work: compare runs only where it is the same.
	TEXT
}

cleanup() {
	local status=$?
	trap - EXIT
	trap '' INT TERM
	if [ -n "$DRIVER" ] && kill "$DRIVER" 2>/dev/null; then wait "$DRIVER" || true; fi
	peer_cleanup
	if [ -n "$BENCH_DIR" ]; then rm -rf "$BENCH_DIR"; fi
	exit "$status"
}

# In the background and waited for, so that a signal is heeded at once.
drive() {	# CMD...
	local status=0
	"$@" &
	DRIVER=$!
	wait "$DRIVER" || status=$?
	DRIVER=
	return "$status"
}

l7() {
	local status=0
	BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/kubescope-bench.XXXXXX")
	bench_pki "$BENCH_DIR"
	bench_config "$BENCH_DIR" >"$BENCH_DIR/kubescope.conf"
	drive /usr/bin/python3 "$LIB_DIR/bench_l7.py" --dir "$BENCH_DIR" --build "$(bench_build_dir)" \
		--figures "$FIGURES" --repeat "$REPEAT" --seconds "$SECONDS_EACH" \
		--gw-core "$GW_CORE" --load-core "$LOAD_CORE" || status=$?
	if [ "$status" -ge 2 ]; then return "$status"; fi
	peer_l7 "$FIGURES" "$REPEAT" "$SECONDS_EACH" || status=1
	return "$status"
}

number() { [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || bench_fail "$1 wants a number"; }

[ $# -ge 1 ] || { usage >&2; exit 2; }
WHAT=$1
shift
while [ $# -gt 0 ]; do
	case $1 in
	--figures)
		[ -n "${2:-}" ] || bench_fail "--figures wants a list"
		FIGURES=$2
		;;
	--repeat)
		number "$@"
		REPEAT=$2
		;;
	--seconds)
		number "$@"
		SECONDS_EACH=$2
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift 2
done

case $WHAT in
-h | --help)
	usage
	exit 0
	;;
l7) ;;
*)
	usage >&2
	exit 2
	;;
esac
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
bench_cores
bench_build
bench_quiet
l7
