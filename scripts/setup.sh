#!/bin/bash
# Readies a Debian 12 machine to build and run KubeScope: packages, huge pages. Does only what is missing,
# so it may be run again and again; `--undo` gives back the memory that it reserved.
set -Eeuo pipefail

STATE=${KS_SETUP_STATE:-/run/kubescope-setup}   # what was there before; as short-lived as the pages themselves
HUGE=/sys/kernel/mm/hugepages/hugepages-2048kB
PAGES=256
WITH_CLANG=0 WITH_PACKAGES=1 WITH_HUGE=1 ONLY_CHECK=0

# Building, then the lab and the tests.
PACKAGES=(
	build-essential meson ninja-build pkg-config libdpdk-dev libhyperscan-dev libssl-dev libjemalloc-dev
	libconfig-dev libcunit1-dev libnghttp2-dev libipsec-mb-dev libsqlite3-dev libsodium-dev libxxhash-dev
	libjansson-dev zlib1g-dev libpcap-dev
	iproute2 ethtool procps curl openssl ca-certificates util-linux
	python3 python3-jwt python3-cryptography python3-yaml
)

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

usage() {
	cat <<-TEXT
	usage: setup.sh [--check] [--clang] [--hugepages N] [--no-hugepages] [--no-packages]
	       setup.sh --undo
	  --check          say what is missing, change nothing; exit status 1 when something is
	  --clang          install clang too (fuzzing, second compiler)
	  --hugepages N    2 MiB pages to reserve (now $PAGES)
	  --no-hugepages   leave memory alone
	  --no-packages    leave packages alone
	  --undo           give back the huge pages that an earlier run reserved
	TEXT
}

need_root() { [ "$(id -u)" -eq 0 ] || fail "$1: run it as root"; }

# ---- packages ----

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

packages_missing() {
	local package
	for package in "${PACKAGES[@]}"; do
		installed "$package" || echo "$package"
	done
	if [ "$WITH_CLANG" = 1 ] && ! command -v clang >/dev/null; then echo clang libclang-rt-14-dev llvm; fi
	# Another kubectl's package clashes with Debian's: any that is there will do.
	command -v kubectl >/dev/null || echo kubernetes-client
}

packages_setup() {
	local missing
	command -v dpkg-query >/dev/null || fail "this is not Debian; install by hand: ${PACKAGES[*]}"
	mapfile -t missing < <(packages_missing | tr ' ' '\n')
	if [ ${#missing[@]} -eq 0 ]; then
		say "packages: all there"
		return 0
	fi
	if [ "$ONLY_CHECK" = 1 ]; then
		say "packages missing: ${missing[*]}"
		return 1
	fi
	need_root "packages are missing (${missing[*]})"
	say "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update || say "apt-get update failed; going on with the lists that are there"
	apt-get -qq install -y --no-install-recommends "${missing[@]}" ||
		fail "apt-get could not install ${missing[*]}"
}

# ---- huge pages ----

huge_count() { cat "$HUGE/$1" 2>/dev/null || echo 0; }

huge_mounted() { awk '$3 == "hugetlbfs" {found = 1} END {exit !found}' /proc/mounts; }

without_huge() {
	say "no huge pages ($*): KubeScope will run without (eal.huge = false), somewhat slower"
}

huge_mount() {
	huge_mounted && return 0
	mkdir -p /dev/hugepages
	mount -t hugetlbfs nodev /dev/hugepages 2>/dev/null || return 1
	touch "$STATE/mounted"
}

huge_reserve() {
	local before after available
	before=$(huge_count nr_hugepages)
	if [ "$before" -ge "$PAGES" ]; then return 0; fi
	available=$(awk '$1 == "MemAvailable:" {print int($2 / 1024)}' /proc/meminfo)
	if [ $((2 * (PAGES - before) * 2)) -gt "$available" ]; then
		say "only $available MiB of memory are available: none taken for huge pages"
		return 1
	fi
	[ -e "$STATE/pages" ] || echo "$before" >"$STATE/pages"
	echo "$PAGES" 2>/dev/null >"$HUGE/nr_hugepages" || true
	after=$(huge_count nr_hugepages)
	if [ "$after" -lt "$PAGES" ]; then
		say "$after of $PAGES pages could be had"
		echo "$(cat "$STATE/pages")" 2>/dev/null >"$HUGE/nr_hugepages" || true
		rm -f "$STATE/pages"
		return 1
	fi
}

huge_setup() {
	if [ ! -e "$HUGE/nr_hugepages" ]; then
		without_huge "the kernel has none of 2 MiB"
	elif [ "$ONLY_CHECK" = 1 ]; then
		say "huge pages: $(huge_count nr_hugepages) of $PAGES reserved"
		[ "$(huge_count nr_hugepages)" -ge "$PAGES" ] && huge_mounted ||
			say "without them KubeScope runs with eal.huge = false, somewhat slower"
	elif [ "$(huge_count nr_hugepages)" -ge "$PAGES" ] && huge_mounted; then
		say "huge pages: $(huge_count nr_hugepages) there"
	else
		need_root "huge pages are to be reserved (--no-hugepages leaves them alone)"
		mkdir -p "$STATE"
		if ! huge_reserve; then
			without_huge "they could not be reserved"
		elif ! huge_mount; then
			without_huge "hugetlbfs could not be mounted"
		else
			say "huge pages: $(huge_count nr_hugepages) of 2 MiB"
		fi
	fi
}

undo() {
	if [ ! -d "$STATE" ]; then
		say "nothing to give back"
		return 0
	fi
	need_root "giving back"
	if [ -e "$STATE/mounted" ]; then umount /dev/hugepages 2>/dev/null || say "/dev/hugepages is in use: it stays"; fi
	if [ -e "$STATE/pages" ]; then
		cat "$STATE/pages" >"$HUGE/nr_hugepages" || fail "the pages could not be given back"
		say "huge pages: back to $(huge_count nr_hugepages)"
	fi
	rm -rf "$STATE"
}

while [ $# -gt 0 ]; do
	case $1 in
	--check) ONLY_CHECK=1 ;;
	--clang) WITH_CLANG=1 ;;
	--hugepages)
		[[ ${2:-} =~ ^[0-9]+$ ]] || fail "--hugepages wants a number"
		PAGES=$2
		shift
		;;
	--no-hugepages) WITH_HUGE=0 ;;
	--no-packages) WITH_PACKAGES=0 ;;
	--undo)
		undo
		exit 0
		;;
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

status=0
if [ "$WITH_PACKAGES" = 1 ]; then packages_setup || status=1; fi
if [ "$WITH_HUGE" = 1 ]; then huge_setup; fi
exit "$status"
