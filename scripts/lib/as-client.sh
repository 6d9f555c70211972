#!/bin/bash
# as-client.sh UID HOME SECRETS CMD...: the last step into a lab client, already inside the client
# namespace and a mount namespace of its own (ip netns exec makes one). A pod finds its
# service-account files where every pod does; everybody runs as their own user id, which is also
# what gives them their own address.
set -euo pipefail

uid=$1 home=$2 secrets=$3
shift 3
if [ -d "$secrets" ]; then
	mkdir -p /run/secrets
	mount --bind "$secrets" /run/secrets
fi
cd "$home"
exec env -u XDG_RUNTIME_DIR HOME="$home" KUBECONFIG="$home/../kubeconfig" \
	setpriv --reuid="$uid" --regid="$uid" --clear-groups --no-new-privs "$@"
