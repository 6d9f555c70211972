# shellcheck shell=bash
# What each lab client holds: a directory of its own, readable by its user id alone, with a
# certificate or a token, a kubeconfig and a home. Pods also get the secrets directory that a
# kubelet would mount.

client_kubeconfig() {	# NAME credential lines on stdin
	cat <<-YAML
	apiVersion: v1
	kind: Config
	current-context: lab
	clusters:
	- name: lab
	  cluster:
	    server: https://$GW_CLIENT_IP:$KS_PORT
	    certificate-authority: $KS_LAB_DIR/clients/$1/ca.crt
	contexts:
	- name: lab
	  context: {cluster: lab, user: $1}
	users:
	- name: $1
	  user:
	YAML
	sed 's/^/    /'
}

client_certificate() {	# NAME COMMON-NAME ORGANISATION
	local dir=$KS_LAB_DIR/clients/$1
	pki_issue "$KS_LAB_DIR/pki/ca" "$dir/client" "${3:+/O=$3}/CN=$2" clientAuth
	printf 'client-certificate: %s\nclient-key: %s\n' "$dir/client.crt" "$dir/client.key" |
		client_kubeconfig "$1" >"$dir/kubeconfig"
}

# The token itself is written by lab_tokens.py, once for all clients.
client_token() {	# NAME NAMESPACE
	local dir=$KS_LAB_DIR/clients/$1
	local mount=$dir/secrets/kubernetes.io/serviceaccount
	install -d "$mount"
	cp "$KS_LAB_DIR/pki/ca.crt" "$mount/ca.crt"
	printf %s "$2" >"$mount/namespace"
	ln -s secrets/kubernetes.io/serviceaccount/token "$dir/token"
	printf 'tokenFile: %s\n' "$dir/token" | client_kubeconfig "$1" >"$dir/kubeconfig"
}

client_up() {	# NAME OCTET CREDENTIAL
	local dir=$KS_LAB_DIR/clients/$1 kind first second
	IFS='|' read -r kind first second _ <<<"$3"
	install -d -m 0700 "$dir" "$dir/home"
	cp "$KS_LAB_DIR/pki/ca.crt" "$dir/ca.crt"
	case $kind in
	cert) client_certificate "$1" "$first" "$second" ;;
	sa) client_token "$1" "$first" ;;
	none) ;;
	*) die "client $1: credential '$3' is not cert|..., sa|... or none" ;;
	esac
}

clients_own() {
	local name octet
	while read -r name octet _; do
		chown -R "$((KS_UID_BASE + octet)):$((KS_UID_BASE + octet))" "$KS_LAB_DIR/clients/$name"
	done < <(lab_clients)
}

clients_up() {
	local name octet kind credential
	install -d -m 0755 "$KS_LAB_DIR/clients"
	lab_clients | awk -v net="$CLIENT_NET" -v base="$KS_UID_BASE" -v OFS='\t' \
		'{print $1, net "." $2, base + $2, $3, $4}' >"$KS_LAB_DIR/clients.tsv"
	while read -r name octet kind credential; do
		client_up "$name" "$octet" "$credential"
	done < <(lab_clients)
	/usr/bin/python3 "$LIB_DIR/lab_tokens.py" "$KS_LAB_DIR"
	clients_own
}
