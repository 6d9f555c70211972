# shellcheck shell=bash
# What every bench needs: programs, certificates, a configuration, a quiet machine. ROOT and LIB_DIR are
# set by whoever sources this file.

bench_say() { echo "bench: $*" >&2; }
bench_fail() { echo "bench: $*" >&2; exit 1; }

bench_build_dir() { (cd "$ROOT" && realpath -m "${KS_BUILD:-build}"); }

# Figures of a debugging build would be nobody's.
bench_release() {	# FOLDER
	meson introspect "$1" --buildoptions | /usr/bin/python3 -c '
import json, sys
o = {row["name"]: row["value"] for row in json.load(sys.stdin)}
sys.exit(not (o["optimization"] in ("2", "3") and o["b_sanitize"] == "none"))'
}

bench_build() {
	local dir log
	dir=$(bench_build_dir)
	if [ ! -e "$dir/build.ninja" ]; then
		bench_say "configuring $dir"
		meson setup "$dir" "$ROOT" --buildtype=release >/dev/null || bench_fail "meson setup failed"
	fi
	bench_release "$dir" || bench_fail "$dir is no release build; KS_BUILD names another folder"
	log=$dir/bench-build.log
	bench_say "building"
	ninja -C "$dir" app/kubescope/kubescope app/kubescopectl/kubescopectl app/load/kubescope-load \
		>"$log" || { tail -n 20 "$log" >&2; bench_fail "the build failed"; }
}

bench_cores() {
	GW_CORE=${GW_CORE:-1} LOAD_CORE=${LOAD_CORE:-0}
	if [ "$(nproc)" -ge 2 ]; then return 0; fi
	bench_say "one core only: gateway and load share it, the figures mean little"
	GW_CORE=0 LOAD_CORE=0
}

bench_quiet() {
	local load
	read -r load _ </proc/loadavg
	if awk -v l="$load" 'BEGIN {exit !(l > 0.5)}'; then
		bench_say "warning: load average is $load; other work on this machine makes every figure worse"
	fi
}

# Certificates as the lab makes them, and one service account's token, in a folder of this run.
bench_pki() {	# FOLDER
	local account=clients/bench/secrets/kubernetes.io/serviceaccount
	(
		umask 077
		KS_LAB_DIR=$1
		# shellcheck source=scripts/lib/lab-env.sh
		. "$LIB_DIR/lab-env.sh"
		# shellcheck source=scripts/lib/lab-pki.sh
		. "$LIB_DIR/lab-pki.sh"
		pki_up
		mkdir -p "$1/$account" "$1/telemetry"
		printf 'bench\t%s\t0\tpod\tsa|default|bench|bench-1|node-1\n' "$CLIENT_NET.10" >"$1/clients.tsv"
		/usr/bin/python3 "$LIB_DIR/lab_tokens.py" "$1"
		mv "$1/$account/token" "$1/token"
	) || bench_fail "certificates and token could not be made"
}

# conf/bench.conf with the paths and cores of this run.
bench_config() {	# FOLDER
	sed -e "s#/run/kubescope-bench#$1#g" -e "s#\"rules\"#\"$ROOT/conf/rules\"#" \
		-e "s#0@1,1@1#0@$GW_CORE,1@$GW_CORE#" "$ROOT/conf/bench.conf"
}
