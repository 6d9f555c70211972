/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of findings and how one becomes a sentence. Pure; any thread.
 */
#include "ks_finding.h"

#include <stdio.h>

#define FINDING_ROW(ID, name, family, cause, words) \
	[KS_FINDING_##ID] = {name, words, KS_FAMILY_##family, KS_CAUSE_##cause},
const struct ks_finding_desc ks_finding_desc[KS_FINDING_MAX] = {KS_FINDING_CODES(FINDING_ROW)};

const char *
ks_family_name(enum ks_family family)
{
	static const char *const names[KS_FAMILY_MAX] = {
		[KS_FAMILY_UNKNOWN] = "unknown",
		[KS_FAMILY_INVALID] = "invalid",
		[KS_FAMILY_ANOMALOUS] = "anomalous",
	};

	return family < KS_FAMILY_MAX ? names[family] : "?";
}

struct text {
	char *p;
	size_t n, cap;
};

static void
put(struct text *t, const char *s, size_t len)
{
	size_t room = t->cap - t->n - 1;

	len = KS_MIN(len, room);
	memcpy(t->p + t->n, s, len);
	t->n += len;
	t->p[t->n] = '\0';
}

/** Thousands apart by a thin blank, as people read numbers: 12 331. */
static void
put_count(struct text *t, uint32_t value)
{
	char digits[16], grouped[24];
	int n = snprintf(digits, sizeof(digits), "%u", value), out = 0;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			grouped[out++] = ' ';
		grouped[out++] = digits[i];
	}
	put(t, grouped, out);
}

static void
put_placeholder(struct text *t, const struct ks_finding *f, char kind)
{
	switch (kind) {
	case 'w':
		put(t, f->where, strlen(f->where));
		break;
	case 'o':
		put(t, f->observed, strlen(f->observed));
		break;
	case 'e':
		put(t, f->expected, strlen(f->expected));
		break;
	case 'n':
		put_count(t, f->seen);
		break;
	default:
		put(t, &kind, 1);
	}
}

size_t
ks_finding_words(const struct ks_finding *finding, char *text, size_t cap)
{
	struct text t = {text, 0, cap};
	const char *w = finding->code < KS_FINDING_MAX ? ks_finding_desc[finding->code].words : "?";
	char tail[24];

	if (cap == 0)
		return 0;
	text[0] = '\0';
	for (; *w != '\0'; w++) {
		if (*w == '%' && w[1] != '\0')
			put_placeholder(&t, finding, *++w);
		else
			put(&t, w, 1);
	}
	put(&t, tail, snprintf(tail, sizeof(tail), ": %d dB", finding->db));
	return t.n;
}

void
ks_finding_text_set(char text[KS_FINDING_TEXT_BYTES], struct ks_str in)
{
	static const char ellipsis[] = "...";
	uint32_t n = KS_MIN(in.n, (uint32_t)KS_FINDING_TEXT_BYTES - 1);

	for (uint32_t i = 0; i < n; i++) {
		unsigned char c = in.p[i];

		text[i] = c >= 0x20 && c < 0x7f ? c : '.';
	}
	if (in.n > n)
		memcpy(text + n - 3, ellipsis, 3);
	text[n] = '\0';
}
