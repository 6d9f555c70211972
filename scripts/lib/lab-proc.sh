# shellcheck shell=bash
# Programs the lab starts in the background. Each leaves a file with its process id and start time:
# the time guards against ending a stranger that was given the same id later.

proc_start_time() { awk '{print $22}' "/proc/$1/stat" 2>/dev/null; }

proc_alive() {	# LABEL
	local pid time
	read -r pid time 2>/dev/null <"$KS_LAB_DIR/run/$1.pid" || return 1
	[ "$(proc_start_time "$pid")" = "$time" ]
}

proc_start() {	# LABEL CMD...
	local label=$1 pid
	shift
	if proc_alive "$label"; then die "$label runs already (see $KS_LAB_DIR/run/$label.pid)"; fi
	setsid "$@" >"$KS_LAB_DIR/logs/$label.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid $(proc_start_time "$pid")" >"$KS_LAB_DIR/run/$label.pid"
}

proc_stop() {	# LABEL
	local pid file=$KS_LAB_DIR/run/$1.pid tries=50
	if proc_alive "$1"; then
		read -r pid _ <"$file"
		kill "$pid" 2>/dev/null || true
		while proc_alive "$1" && ((tries-- > 0)); do sleep 0.1; done
		if proc_alive "$1"; then kill -9 "$pid" 2>/dev/null || true; fi
	fi
	rm -f "$file"
}

proc_labels() { find "$KS_LAB_DIR/run" -name '*.pid' -printf '%f\n' 2>/dev/null | sed 's/\.pid$//' | sort; }

proc_stop_all() {
	local label
	for label in $(proc_labels); do proc_stop "$label"; done
}

proc_status() {
	local label
	for label in $(proc_labels); do
		if proc_alive "$label"; then echo "program $label: runs"; else echo "program $label: has ended"; fi
	done
}
