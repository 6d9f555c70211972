# shellcheck shell=bash
# shellcheck disable=SC2153  # the KS_* settings are the user's
# The demo with a real API server: a relay into the lab, objects for the demo's clients, tokens for its pods.

REAL_NAMESPACES=(shop monitoring guest ci)
REAL_NODES=(node-1 node-2 node-3)

real_check() {
	local name
	for name in KS_APISERVER_CA KS_CLIENT_CA KS_CLIENT_CA_KEY KS_FRONT_PROXY_CERT KS_FRONT_PROXY_KEY; do
		[ -n "${!name:-}" ] || fail "with KS_APISERVER, $name is needed too; see the head of scripts/demo.sh"
		[ -r "${!name}" ] || fail "$name: cannot read ${!name}"
	done
	[[ $KS_APISERVER =~ ^https://([^/]+):([0-9]+)/?$ ]] || fail "KS_APISERVER is not https://HOST:PORT: $KS_APISERVER"
	REAL_HOST=${BASH_REMATCH[1]} REAL_PORT=${BASH_REMATCH[2]}
	export KS_UPSTREAM_NAME=$REAL_HOST
}

real_kubectl() {	# as the demo's administrator, past the gateway
	local home=$KS_LAB_DIR/clients/admin
	env HOME="$home/home" kubectl --server "$KS_APISERVER" --certificate-authority "$KS_APISERVER_CA" \
		--kubeconfig "$home/kubeconfig" "$@"
}

# Rights as such programs have them; the lodger and the batch pod get no more than ConfigMaps.
real_roles() {
	local row space account
	for row in "shop web" "shop batch" "guest tenant"; do
		read -r space account <<<"$row"
		real_kubectl -n "$space" create role "$account" --verb=get,list,watch,create,update \
			--resource=configmaps,endpoints --dry-run=client -o yaml
		echo ---
		real_kubectl -n "$space" create rolebinding "$account" --role="$account" \
			--serviceaccount="$space:$account" --dry-run=client -o yaml
		echo ---
	done
	real_kubectl create clusterrole kubescope-demo-metrics --verb=get,list,watch --resource=pods --dry-run=client -o yaml
	echo ---
	real_kubectl create clusterrolebinding kubescope-demo-metrics --clusterrole=kubescope-demo-metrics \
		--serviceaccount=monitoring:metrics --dry-run=client -o yaml
	echo ---
	real_kubectl create clusterrolebinding kubescope-demo-monitoring --clusterrole=system:monitoring \
		--serviceaccount=monitoring:metrics --dry-run=client -o yaml
	echo ---
	real_kubectl create clusterrolebinding kubescope-demo-dev --clusterrole=admin --group=dev --dry-run=client -o yaml
	echo ---
	real_kubectl create clusterrole kubescope-demo-nodes --verb=get,list,watch --resource=nodes --dry-run=client -o yaml
	echo ---
	real_kubectl create clusterrolebinding kubescope-demo-nodes --clusterrole=kubescope-demo-nodes --group=dev --dry-run=client -o yaml
	echo ---
	real_kubectl -n shop create role control-plane --verb=get,list,watch,create,update,patch,delete \
		--resource=pods,pods/binding,endpoints,events,leases.coordination.k8s.io,deployments.apps,deployments.apps/status \
		--dry-run=client -o yaml
	echo ---
	real_kubectl -n shop create rolebinding control-plane --role=control-plane \
		--user=system:kube-controller-manager --user=system:kube-scheduler --dry-run=client -o yaml
}

# What the demo makes it deletes; so nothing of these names may be there before.
real_check_clean() {
	local there
	there=$(real_kubectl get --ignore-not-found -o name namespace "${REAL_NAMESPACES[@]}"
		real_kubectl get --ignore-not-found -o name node "${REAL_NODES[@]}")
	[ -z "$there" ] || fail "the cluster has ${there//$'\n'/, } already, and the demo would delete it at its end"
	touch "$KS_LAB_DIR/real-cluster-used"
}

real_objects() {	# one by one: not every API server's OpenAPI has a word for "List"
	/usr/bin/python3 -c 'import json, sys; [print(json.dumps(o)) for o in json.load(open(sys.argv[1]))["items"]]' \
		"$KS_LAB_DIR/seed.json"
}

real_tokens() {
	local name kind credential space account pod
	while read -r name _ _ credential; do
		IFS='|' read -r kind space account pod _ <<<"$credential"
		[ "$kind" = sa ] || continue
		if [ "$pod" = - ]; then
			real_kubectl -n "$space" create token "$account" --duration=1h
		else
			real_kubectl -n "$space" create token "$account" --duration=1h \
				--bound-object-kind=Pod --bound-object-name="$pod"
		fi >"$KS_LAB_DIR/clients/$name/secrets/kubernetes.io/serviceaccount/token"
	done < <(. "$ROOT/scripts/lib/lab-env.sh"; lab_clients)
}

real_up() {
	"$LAB" start relay host /usr/bin/python3 "$ROOT/scripts/lib/relay.py" "$KS_NS_API" 10.99.0.1:6443 "$REAL_HOST:$REAL_PORT"
	sleep 1
	real_kubectl version >/dev/null || fail "$KS_APISERVER does not accept the demo's administrator"
	real_check_clean
	real_objects | real_kubectl apply -f - >/dev/null
	real_roles | real_kubectl apply -f - >/dev/null
	real_tokens
}

real_cleanup() {
	[ -e "$KS_LAB_DIR/real-cluster-used" ] || return 0
	real_kubectl delete --ignore-not-found --wait=false namespace "${REAL_NAMESPACES[@]}"
	real_kubectl delete --ignore-not-found --wait=false node "${REAL_NODES[@]}"
	real_kubectl delete --ignore-not-found clusterrole kubescope-demo-metrics kubescope-demo-nodes
	real_kubectl delete --ignore-not-found clusterrolebinding kubescope-demo-metrics kubescope-demo-monitoring \
		kubescope-demo-dev kubescope-demo-nodes
	real_kubectl -n kube-system delete --ignore-not-found pod node-helper node-helper-2
}
