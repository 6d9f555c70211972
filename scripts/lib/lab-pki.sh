# shellcheck shell=bash
# Certificates and keys of the lab. All P-256, except the service-account key: Kubernetes signs its
# tokens with RS256 unless told otherwise. Two authorities, as in a real cluster: what the cluster
# CA signs may be a user, what the front-proxy CA signs may speak for users.
#
# With a real API server its own authorities take their place (see scripts/demo.sh): KS_CLIENT_CA and
# KS_CLIENT_CA_KEY sign the lab's users, KS_FRONT_PROXY_CERT and KS_FRONT_PROXY_KEY are the
# gateway's, KS_APISERVER_CA is what the API server's own certificate is checked against.

pki_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

pki_ca() {	# NAME COMMON-NAME
	pki_key "$1.key"
	openssl req -x509 -new -sha256 -key "$1.key" -days 30 -subj "/CN=$2" -out "$1.crt" \
		-addext 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'
}

pki_issue() {	# CA NAME SUBJECT serverAuth|clientAuth [SUBJECT-ALT-NAMES]
	local ca=$1 name=$2 subject=$3 usage=$4 names=${5:-} ext
	ext="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$usage
${names:+subjectAltName=$names}"
	pki_key "$name.key"
	openssl req -new -sha256 -key "$name.key" -subj "$subject" |
		openssl x509 -req -sha256 -days 30 -CA "$ca.crt" -CAkey "$ca.key" \
			-set_serial "0x$(openssl rand -hex 16)" -extfile <(echo "$ext") -out "$name.crt" 2>/dev/null
}

pki_authorities() {
	if [ -n "${KS_CLIENT_CA:-}" ]; then
		cp "$KS_CLIENT_CA" ca.crt
		cp "$KS_CLIENT_CA_KEY" ca.key
		cp "$KS_FRONT_PROXY_CERT" front-proxy-client.crt
		cp "$KS_FRONT_PROXY_KEY" front-proxy-client.key
		cp "$KS_APISERVER_CA" upstream-ca.crt
	else
		pki_ca ca kubescope-lab-ca
		pki_ca front-proxy-ca kubescope-lab-front-proxy-ca
		pki_issue front-proxy-ca front-proxy-client /CN=front-proxy-client clientAuth
		cp ca.crt upstream-ca.crt
	fi
}

pki_up() {
	local dir=$KS_LAB_DIR/pki names
	names="IP:$API_IP,IP:$GW_CLIENT_IP,IP:127.0.0.1,DNS:kubernetes.default.svc"
	names+=",DNS:kubernetes.default.svc.cluster.local,DNS:kubernetes,DNS:localhost"
	install -d -m 0700 "$dir"
	(
		cd "$dir" || exit
		umask 077
		pki_authorities
		pki_issue ca apiserver /CN=kube-apiserver serverAuth "$names"
		pki_issue ca gateway /CN=kubescope serverAuth "$names"
		openssl genrsa -out sa.key 2048 2>/dev/null
		openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
	)
}
