/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <inttypes.h>

static void
histogram_print(FILE *out, const char *name, const struct histogram *h)
{
	fprintf(out,
		"\"%s\":{\"n\":%" PRIu64 ",\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
		",\"p999\":%" PRIu64 ",\"max\":%" PRIu64 "}",
		name, h->n, histogram_quantile(h, 0.5), histogram_quantile(h, 0.9),
		histogram_quantile(h, 0.99), histogram_quantile(h, 0.999), h->max);
}

void
report_print(FILE *out, const struct report *report)
{
	const struct clients *clients = report->clients;
	const struct server *server = report->server;
	const struct clients_stats *s = &clients->stats, *before = &report->before;
	double seconds = (double)report->us / 1e6, opening_s = (double)report->opening_us / 1e6;
	uint64_t answered = s->answered - before->answered;
	uint64_t handshakes = s->handshakes - before->handshakes;

	fprintf(out,
		"{\"seconds\":%.3f,\"opening_s\":%.3f,\"clients\":%u,\"open\":%u,\"answered\":"
		"%" PRIu64 ",\"per_s\":%.1f,\"handshakes\":%" PRIu64 ",\"handshakes_per_s\":%.1f,"
		"\"resumed\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",",
		seconds, opening_s, clients->p.n, clients->open, answered,
		(double)answered / seconds, handshakes,
		(double)handshakes / (clients->p.idle ? opening_s : seconds),
		s->resumed - before->resumed, s->bytes_in - before->bytes_in);
	fprintf(out,
		"\"status\":{\"2xx\":%" PRIu64 ",\"3xx\":%" PRIu64 ",\"4xx\":%" PRIu64
		",\"5xx\":%" PRIu64 "},\"failed\":%" PRIu64 ",\"retried\":%" PRIu64
		",\"bad_answers\":%" PRIu64 ",",
		s->status[2] - before->status[2], s->status[3] - before->status[3],
		s->status[4] - before->status[4], s->status[5] - before->status[5],
		s->failed - before->failed, s->retried - before->retried, s->bad_answers);
	histogram_print(out, "latency_us", &clients->latency_us);
	fputc(',', out);
	histogram_print(out, "handshake_us", &clients->handshake_us);
	fprintf(out,
		",\"api\":{\"accepted\":%" PRIu64 ",\"requests\":%" PRIu64
		",\"bad_requests\":%" PRIu64 ",\"bad_bodies\":%" PRIu64 "}}\n",
		server->accepted, server->requests, server->bad_requests, server->bad_bodies);
}
