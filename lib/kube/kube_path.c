/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: percent-decoding and segments.
 *
 * Nothing is cleaned up. The API server, its router and what stands behind a proxy call clean paths
 * in different ways ("//", "/./", "/../", "%2f"), so a path that would need it has no one meaning
 * and is refused. One slash at the end is allowed: the API server cuts it off, proxy calls need it.
 * RFC 3986 sections 2.1, 3.3 and 6.2.2.
 * Thread: pure functions over the caller's memory.
 */
#include <errno.h>

#include "kube_path.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Raw bytes must be visible ASCII, decoded ones no control character and no slash. */
static int
decode(struct ks_str raw, char *out)
{
	char *start = out;

	for (uint32_t i = 0; i < raw.n; i++) {
		uint8_t c = (uint8_t)raw.p[i];

		if (ks_unlikely(c <= 0x20 || c >= 0x7f || c == '#'))
			return -EBADMSG;
		if (c == '%') {
			int high = raw.n - i > 2 ? hex_value(raw.p[i + 1]) : -1;
			int low = high >= 0 ? hex_value(raw.p[i + 2]) : -1;

			if (low < 0)
				return -EBADMSG;
			c = (uint8_t)(high << 4 | low);
			i += 2;
			if (c < 0x20 || c == 0x7f || c == '/')
				return -EBADMSG;
		}
		*out++ = (char)c;
	}
	return (int)(out - start);
}

static bool
segment_valid(struct ks_str segment)
{
	if (segment.n == 0)
		return false;
	return segment.p[0] != '.' || (!ks_str_is(segment, ".") && !ks_str_is(segment, ".."));
}

static int
split(struct ks_kube_path *path)
{
	const char *p = path->decoded.p + 1, *end = path->decoded.p + path->decoded.n;

	path->nsegments = 0;
	while (p < end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		const char *stop = slash == NULL ? end : slash;
		struct ks_str segment = {p, (uint32_t)(stop - p)};

		if (!segment_valid(segment))
			return -EBADMSG;
		if (path->nsegments < KS_KUBE_SEGMENTS_MAX)
			path->segments[path->nsegments] = segment;
		path->nsegments++;
		p = stop + 1;
	}
	return 0;
}

int
ks_kube_path_parse(struct ks_str raw, char *scratch, struct ks_kube_path *path)
{
	int n;

	if (raw.n == 0 || raw.p[0] != '/')
		return -EBADMSG;
	n = decode(raw, scratch);
	if (n < 0)
		return n;
	path->decoded = (struct ks_str){scratch, (uint32_t)n};
	return split(path);
}
