/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line to the gateway: DPDK's telemetry socket (version 2), a Unix socket of sequenced packets.
 * It greets with one packet, then answers each packet "command,parameters" with one packet of JSON.
 * What comes is bounded by the buffer; a gateway that does not answer ends the command, not the
 * user's day.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"

#define ANSWER_TIMEOUT_S 15

static int
connect_fail(const struct ctl *ctl, const char *reason)
{
	fprintf(stderr, "kubescopectl: %s/dpdk_telemetry.v2: %s\n", ctl->directory, reason);
	return CTL_CONNECT;
}

/** @return bytes, or -1 with the reason told. */
static ssize_t
packet_read(struct ctl *ctl)
{
	ssize_t n = recv(ctl->socket, ctl->reply, sizeof(ctl->reply) - 1, 0);

	if (n > 0) {
		ctl->reply[n] = '\0';
		return n;
	}
	if (n == 0)
		connect_fail(ctl, "the gateway closed the connection (it is ending, or ten "
				  "clients are connected already)");
	else
		connect_fail(ctl, errno == EAGAIN || errno == EWOULDBLOCK
					  ? "the gateway does not answer"
					  : strerror(errno));
	return -1;
}

int
ctl_connect(struct ctl *ctl)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk_telemetry.v2",
			 ctl->directory);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return connect_fail(ctl, "the path is too long for a socket");
	ctl->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (ctl->socket < 0)
		return connect_fail(ctl, strerror(errno));
	setsockopt(ctl->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(ctl->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(ctl->socket, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		const char *reason = errno == ENOENT ? "no such socket: does the gateway run?"
				     : errno == ECONNREFUSED
					     ? "nobody listens: the gateway has ended"
					     : strerror(errno);

		return connect_fail(ctl, reason);
	}
	return packet_read(ctl) < 0 ? CTL_CONNECT : CTL_OK;
}

void
ctl_disconnect(struct ctl *ctl)
{
	if (ctl->socket >= 0)
		close(ctl->socket);
	ctl->socket = -1;
}

static int
refused(const char *command, const char *reason)
{
	fprintf(stderr, "kubescopectl: %s: ", command);
	ctl_text_print(reason);
	fputc('\n', stderr);
	return CTL_REFUSED;
}

static int
reply_read(struct ctl *ctl, const char *command, json_t **out)
{
	json_error_t error;
	json_t *whole = json_loads(ctl->reply, JSON_REJECT_DUPLICATES, &error), *value;

	if (whole == NULL)
		return refused(command, "the reply is not JSON");
	value = json_object_get(whole, command);
	if (json_is_object(value))
		*out = json_incref(value);
	json_decref(whole);
	if (*out == NULL)
		return refused(command, "the gateway does not know this command");
	value = json_object_get(*out, "error");
	if (value == NULL)
		return CTL_OK;
	refused(command, json_is_string(value) ? json_string_value(value) : "refused");
	json_decref(*out);
	*out = NULL;
	return CTL_REFUSED;
}

int
ctl_request(struct ctl *ctl, const char *command, const char *params, json_t **out)
{
	char request[512];
	int n = snprintf(request, sizeof(request), "%s%s%s", command, params == NULL ? "" : ",",
			 params == NULL ? "" : params);

	*out = NULL;
	if (n < 0 || (size_t)n >= sizeof(request))
		return refused(command, "the parameter is too long");
	if (send(ctl->socket, request, (size_t)n, MSG_NOSIGNAL) != n)
		return connect_fail(ctl, strerror(errno));
	if (packet_read(ctl) < 0)
		return CTL_CONNECT;
	return reply_read(ctl, command, out);
}
