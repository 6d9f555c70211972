#!/bin/bash
# All tests: sets up what they need, builds three ways, runs everything, ends by itself. The last line is
# "N passed, N failed" over all of them; exit status 0 when none failed.
#
#   asan      compiles with AddressSanitizer and UBSan (gcc)
#   unit      CUnit programs, packet scripts, layers check, on that build
#   fuzz      every parser with its seeds and mutations of them, on that build
#   release   compiles as it is shipped
#   sim       whole gateways in a simulated network: many seeds; some twice under sanitizers,
#             byte for byte the same
#   clang     compiles with clang, where there is one
#   apiserver the stand-in API server's own tests
#   scripts   syntax of the shell scripts
#   e2e       curl, openssl and kubectl through the gateway in the lab
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LOGS=${KS_TEST_LOGS:-$ROOT/build-asan/test-logs}
ALL=(asan unit fuzz release sim clang apiserver scripts e2e)
QUICK=(asan unit scripts)
SEEDS=${KS_TEST_SEEDS:-2000} SEEDS_ASAN=${KS_TEST_SEEDS_ASAN:-60}
PASSED=0 FAILED=0

usage() {
	cat <<-TEXT
	usage: test.sh [--quick] [--suite NAME[,NAME...]] [--no-setup]
	  --quick      ${QUICK[*]}
	  --suite      of: ${ALL[*]}
	  --no-setup   do not look for missing packages
	environment: KS_TEST_SEEDS (now $SEEDS), KS_TEST_SEEDS_ASAN (now $SEEDS_ASAN)
	TEXT
}

say() { echo "test: $*"; }

# Runs a step, counts its cases, goes on whatever comes of it.
step() {	# KIND NAME TIMEOUT-S CMD...
	local kind=$1 name=$2 limit=$3 log=$LOGS/$2.log status=0 began=$SECONDS counts passed failed
	shift 3
	say "$name ..."
	timeout --kill-after=20 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$kind" = meson ]; then log=$ROOT/build-asan/meson-logs/$name.json; fi
	counts=$(python3 "$ROOT/scripts/lib/test_count.py" "$kind" "$log" "$status")
	read -r passed failed <<<"$counts"
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
	say "$name: $passed good, $failed bad, $((SECONDS - began)) s"
	if [ "$failed" -ne 0 ]; then
		[ "$status" -ne 124 ] || say "$name was ended after $limit s"
		say "the end of $LOGS/$name.log:"
		tail -n 40 "$LOGS/$name.log" | sed 's/^/    /'
	fi
}

build() {	# FOLDER COMPILER OPTION...
	local folder=$ROOT/$1 compiler=$2
	shift 2
	if [ ! -e "$folder/build.ninja" ]; then
		CC=$compiler meson setup "$folder" "$ROOT" "$@"
	fi
	ninja -k 0 -C "$folder"
}

meson_suite() {	# SUITE
	# The lab, the simulation and half of the tests want whole cores: no more at a time than there are.
	meson test -C "$ROOT/build-asan" --suite "$1" --logbase "$1" --no-rebuild --num-processes "$(nproc)" \
		--print-errorlogs
}

# As many at a time as there are cores; each has its own part of the seeds.
sim_many() {	# PROGRAM SEEDS OPTION...
	local program=$1 part i status=0 pids=()
	part=$((($2 + $(nproc) - 1) / $(nproc)))
	shift 2
	for ((i = 0; i < $(nproc); i++)); do
		"$program" --seed $((1 + i * part)) --seeds "$part" "$@" >"$LOGS/seeds.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || status=1; done
	cat "$LOGS"/seeds.*
	awk '$1 == "sim:" {good += $2; bad += $4} END {printf "%d passed, %d failed\n", good, bad}' "$LOGS"/seeds.*
	rm -f "$LOGS"/seeds.*
	return $status
}

run_scripts() {
	local script bad=0 good=0
	while IFS= read -r script; do
		if bash -n "$script"; then good=$((good + 1)); else bad=$((bad + 1)); fi
	done < <(grep -rlE '^#!/bin/bash|^# shellcheck shell=bash' "$ROOT/scripts" "$ROOT/tests" "$ROOT/.ci" --include='*.sh' --include=run)
	echo "$good passed, $bad failed"
	[ "$bad" -eq 0 ]
}

# So that `timeout` can run them in a process group of their own.
export -f build meson_suite sim_many run_scripts
export ROOT LOGS

skip() { say "$1: left out, $2"; }

suite() {	# NAME
	case $1 in
	asan) step text build-asan 1500 bash -c 'build build-asan gcc -Db_sanitize=address,undefined' ;;
	unit) step meson unit 900 bash -c 'meson_suite unit' ;;
	fuzz) step meson fuzz 900 bash -c 'meson_suite fuzz' ;;
	release) step text build-release 1500 bash -c 'build build gcc --buildtype=release' ;;
	clang)
		if ! command -v clang >/dev/null; then skip clang "there is none"; return; fi
		step text build-clang 1500 bash -c 'build build-clang clang'
		;;
	sim)
		if [ -x "$ROOT/build/tests/sim/ks-sim" ]; then step text sim 1200 bash -c 'sim_many "$@"' sim "$ROOT/build/tests/sim/ks-sim" "$SEEDS"; fi
		if [ -x "$ROOT/build-asan/tests/sim/ks-sim" ]; then step text sim-asan 900 bash -c 'sim_many "$@"' sim "$ROOT/build-asan/tests/sim/ks-sim" "$SEEDS_ASAN" --replay; fi
		;;
	apiserver) step text apiserver 300 /usr/bin/python3 "$ROOT/tests/apiserver/test_apiserver.py" ;;
	scripts) step text scripts 60 bash -c run_scripts ;;
	e2e)
		if [ ! -x "$ROOT/tests/e2e/run.sh" ]; then skip e2e "tests/e2e/run.sh is not there"; return; fi
		if [ "$(id -u)" -ne 0 ]; then skip e2e "network namespaces need root"; return; fi
		step text e2e 1500 "$ROOT/tests/e2e/run.sh"
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
}

SUITES=("${ALL[@]}") SETUP=1
while [ $# -gt 0 ]; do
	case $1 in
	--quick) SUITES=("${QUICK[@]}") ;;
	--suite)
		IFS=, read -r -a SUITES <<<"${2:-}"
		[ ${#SUITES[@]} -gt 0 ] || { usage >&2; exit 2; }
		shift
		;;
	--no-setup) SETUP=0 ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done

cd "$ROOT"
# Tests do without huge pages: a run leaves the machine's memory as it was.
if [ "$SETUP" = 1 ]; then "$ROOT/scripts/setup.sh" --no-hugepages; fi
mkdir -p "$LOGS"
for name in "${SUITES[@]}"; do suite "$name"; done
say "$((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
