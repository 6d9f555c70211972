/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value in all its forms: as it is, and with one layer of disguise less per round. Each form goes
 * to the scanner. Rounds and bytes are limited; what then still is encoded becomes a gap.
 *
 * Most values of most requests hold nothing that a decoder could take off: their characters say so,
 * and they are done after one copy.
 *
 * Thread: the matcher's worker.
 */
#include "match_priv.h"

/* Decoded bytes are charged before they are made: the pass over the text is the cost. */
static bool
charge(struct ks_matcher *m, uint32_t bytes)
{
	if (ks_unlikely(bytes > MATCH_DECODE_BYTES || bytes > m->decode_left)) {
		ks_match_gap(m, GAP_DECODED);
		return false;
	}
	m->decode_left -= bytes;
	return true;
}

/* The data of a data: URL or of a header that names its encoding. */
static bool
named_base64(struct ks_str *text, uint32_t *chars)
{
	const char *mark;

	if ((*chars & CHAR_COMMA) == 0 || text->n < 24)
		return false;
	mark = memmem(text->p, KS_MIN(text->n, 256u), "base64,", 7);
	if (mark == NULL)
		return false;
	mark += 7;
	*text = (struct ks_str){mark, (uint32_t)(text->p + text->n - mark)};
	*chars = ks_match_chars(*text);
	return true;
}

static int64_t
base64_form(struct ks_matcher *m, struct ks_str text, uint32_t chars, char *out)
{
	named_base64(&text, &chars);
	if ((chars & CHAR_NO_BASE64) != 0 || !charge(m, text.n))
		return -1;
	return ks_match_decode_base64(text, chars, out, MATCH_DECODE_BYTES);
}

static int64_t
next_form(struct ks_matcher *m, struct ks_str text, uint32_t chars, char *out, bool *hidden)
{
	int64_t n = base64_form(m, text, chars, out);

	*hidden = n >= 0;
	if (n < 0 && (chars & MATCH_DECODABLE) && charge(m, text.n))
		n = ks_match_decode(text, out, hidden);
	return n;
}

/* Text that is meant to be text of that sort (a page, a script) may well hold more layers. */
static void
rounds_over(struct ks_matcher *m, const struct match_value *value, bool hidden)
{
	if (hidden && value->nature == NATURE_PLAIN)
		ks_match_gap(m, GAP_ROUNDS);
}

static ks_noinline void
decoded_forms(struct ks_matcher *m, const struct match_value *first, struct ks_str text,
	      uint32_t chars)
{
	struct match_value value = *first;

	/* Bytes that come out of a value may be a file. */
	if (value.where & KS_WHERE_BODY)
		value.where |= KS_WHERE_RAW;

	for (uint8_t round = 0; round <= m->db->limits.decode_rounds; round++) {
		char *out = m->decode[round & 1];
		bool hidden;
		int64_t n = next_form(m, text, chars, out, &hidden);

		if (n < 0)
			return;
		if (round == m->db->limits.decode_rounds) {
			rounds_over(m, &value, hidden);
			return;
		}
		text = (struct ks_str){out, (uint32_t)n};
		chars = ks_match_chars(text);
		ks_match_scan_add(m, &value, text);
	}
}

void
ks_match_text(struct ks_matcher *m, const struct match_value *value, struct ks_str text,
	      uint32_t chars)
{
	const uint32_t mixed = KS_CHAR_LOWER | KS_CHAR_UPPER;

	m->stats.values++;
	ks_match_scan_add(m, value, text);
	if (ks_unlikely((chars & MATCH_DECODABLE) != 0) ||
	    ((chars & mixed) == mixed && text.n >= 16 &&
	     (chars & (CHAR_NO_BASE64 | CHAR_COMMA)) != CHAR_NO_BASE64))
		decoded_forms(m, value, text, chars);
}
