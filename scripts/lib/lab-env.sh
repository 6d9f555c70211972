# shellcheck shell=bash
# shellcheck disable=SC2034  # everything here is for the scripts that source this file
# Settings of the lab, in one place. Every one of them can be overridden by the environment, so
# that two labs can stand side by side on one machine.

KS_LAB_DIR=${KS_LAB_DIR:-/run/kubescope-lab}     # keys, kubeconfigs, logs, pids; made by up, removed by down
KS_NS_CLIENT=${KS_NS_CLIENT:-ks-client}
KS_NS_GW=${KS_NS_GW:-ks-gw}
KS_NS_API=${KS_NS_API:-ks-api}

# client c0 10.98.0.1 <-> g0 (10.98.0.2, owned by the gateway) and
# api    a0 10.99.0.1 <-> g1 (10.99.0.2, owned by the gateway)
CLIENT_NET=10.98.0
CLIENT_IP=10.98.0.1 GW_CLIENT_IP=10.98.0.2
API_IP=10.99.0.1 GW_API_IP=10.99.0.2
KS_PORT=6443
MAC_C=02:00:00:98:00:01 MAC_GC=02:00:00:98:00:02
MAC_GA=02:00:00:99:00:02 MAC_A=02:00:00:99:00:01

# Each lab client is a name, an address on c0 and a user id of the kernel. A routing rule ties the
# user id to the address: a program that cannot choose its source address (kubectl) gets its own.
KS_UID_BASE=${KS_UID_BASE:-70980000}             # the user id is this plus the last octet

# Addresses that no named client has, for tests which bind many sources from one process.
SPARE_FIRST=100 SPARE_LAST=199

# The table of lab clients:  name | last octet | kind | credential
#   cert|COMMON-NAME|ORGANISATION          (no organisation: empty)
#   sa|NAMESPACE|SERVICEACCOUNT|POD|NODE   (POD and NODE are "-" for a token outside of a pod)
# Octets 10-19 users, 20-29 nodes, 30-39 controllers, 50-79 pods, 90-99 machines without an identity.
lab_clients() {
	cat <<-'TABLE'
	admin              10 user       cert|kubernetes-admin|system:masters
	alice              11 user       cert|alice|dev
	bob                12 user       cert|bob|dev
	ci                 13 user       sa|ci|deployer|-|-
	node-1             20 node       cert|system:node:node-1|system:nodes
	node-2             21 node       cert|system:node:node-2|system:nodes
	node-3             22 node       cert|system:node:node-3|system:nodes
	controller-manager 30 controller cert|system:kube-controller-manager|
	scheduler          31 controller cert|system:kube-scheduler|
	web                50 pod        sa|shop|web|web-1|node-1
	metrics            51 pod        sa|monitoring|metrics|metrics-1|node-2
	batch              52 pod        sa|shop|batch|batch-1|node-2
	tenant             53 pod        sa|guest|tenant|tenant-1|node-3
	visitor            90 machine    none
	TABLE
}

die() { echo "${0##*/}: $*" >&2; exit 1; }

# One row of the table, or an error that says which names there are.
lab_client_row() {
	local row
	row=$(lab_clients | awk -v n="$1" '$1 == n') || true
	[ -n "$row" ] || die "no lab client named '$1'; there are: $(lab_clients | awk '{printf "%s ", $1}')"
	echo "$row"
}
