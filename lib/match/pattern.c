/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at a pattern before it is compiled and says why it would be dear: what it costs to scan
 * depends on whether Hyperscan finds a literal that every match must hold, and on how much text a
 * broad part of it may run over. Measured: broad expressions cost 4 to 7 times as much as the same
 * number with a literal in front.
 *
 * This is an estimate from the text alone, so the same file is accepted on every machine. Syntax
 * that it does not know it takes for a class; Hyperscan's own parser has the last word on what is
 * valid. Thread: pure functions (control core, at load).
 */
#include <ctype.h>
#include <stdlib.h>

#include "match_priv.h"

#define NESTING_MAX 16
#define LITERAL_MIN 3
#define BROAD_REPEAT_MAX 256
#define UNBOUNDED UINT32_MAX

struct scan {
	const char *p;
	const char *why; /* first reason for refusal */
	int nesting;
};

/* One element and how often it may come. */
struct atom {
	uint32_t literal; /* longest literal that it must hold; 1 for a plain character */
	uint32_t min, max;
	bool broad; /* class of most characters */
	bool fixed; /* a plain character: continues the literal before it */
	bool empty; /* an anchor */
};

static uint32_t parse_branches(struct scan *s);

static void
refuse(struct scan *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
}

/* From '[' to after ']'. A class of one character is that character. */
static void
parse_class(struct scan *s, struct atom *atom)
{
	const char *p = s->p + 1;
	uint32_t members = 0;

	atom->broad = *p == '^';
	if (*p == '^')
		p++;
	do {
		if (*p == '\\' && p[1] != '\0') {
			atom->broad |= strchr("SWD", p[1]) != NULL;
			members += strchr("swdSWDx", p[1]) != NULL ? 2 : 1;
			p++;
		} else if (*p == '[' && p[1] == ':') {
			members += 2;
		} else {
			members++;
		}
		if (*p != '\0')
			p++;
	} while (*p != '\0' && *p != ']');
	atom->fixed = members == 1 && !atom->broad;
	atom->literal = atom->fixed ? 1 : 0;
	s->p = *p == ']' ? p + 1 : p;
}

static void
parse_escape(struct scan *s, struct atom *atom)
{
	char c = s->p[1];

	s->p += c == '\0' ? 1 : 2;
	if (c == 'b' || c == 'B' || c == 'A' || c == 'z' || c == 'Z') {
		atom->empty = true;
		return;
	}
	atom->broad = c == 'S' || c == 'W' || c == 'D';
	atom->fixed = !atom->broad && strchr("swdhvRpP", c) == NULL;
	atom->literal = atom->fixed ? 1 : 0;
	if (c == 'x')
		for (int i = 0; i < 2 && isxdigit((unsigned char)*s->p); i++)
			s->p++;
}

/* From '(' to after ')'. */
static void
parse_group(struct scan *s, struct atom *atom)
{
	s->p++;
	if (*s->p == '?') {
		s->p++;
		if (*s->p == '=' || *s->p == '!' || *s->p == '<')
			refuse(s, "look-around cannot be matched");
		while (*s->p != '\0' && *s->p != ':' && *s->p != ')')
			s->p++;
		if (*s->p == ':')
			s->p++;
	}
	if (++s->nesting > NESTING_MAX)
		refuse(s, "groups nested too deep");
	else
		atom->literal = parse_branches(s);
	s->nesting--;
	if (*s->p == ')')
		s->p++;
}

static void
parse_braces(struct scan *s, struct atom *atom)
{
	char *end;
	unsigned long min, max;

	if (!isdigit((unsigned char)s->p[1]))
		return;
	min = max = strtoul(s->p + 1, &end, 10);
	if (*end == ',') {
		const char *digits = end + 1;

		max = strtoul(digits, &end, 10);
		if (end == digits)
			max = UNBOUNDED;
	}
	if (*end != '}')
		return;
	atom->min = (uint32_t)KS_MIN(min, UNBOUNDED);
	atom->max = (uint32_t)KS_MIN(max, UNBOUNDED);
	s->p = end + 1;
}

static void
parse_quantifier(struct scan *s, struct atom *atom)
{
	atom->min = atom->max = 1;
	switch (*s->p) {
	case '?':
	case '*':
		atom->min = 0;
		/* fall through */
	case '+':
		if (*s->p != '?')
			atom->max = UNBOUNDED;
		s->p++;
		break;
	case '{':
		parse_braces(s, atom);
		break;
	default:
		return;
	}
	if (*s->p == '?' || *s->p == '+')
		s->p++;
}

static struct atom
parse_atom(struct scan *s)
{
	struct atom atom = {0};

	switch (*s->p) {
	case '[':
		parse_class(s, &atom);
		break;
	case '\\':
		parse_escape(s, &atom);
		break;
	case '(':
		parse_group(s, &atom);
		break;
	case '^':
	case '$':
		atom.empty = true;
		s->p++;
		break;
	case '.':
		atom.broad = true;
		s->p++;
		break;
	default:
		atom.fixed = true;
		atom.literal = 1;
		s->p++;
		break;
	}
	parse_quantifier(s, &atom);
	return atom;
}

static void
check_repeat(struct scan *s, const struct atom *atom, bool leading)
{
	if (leading && (atom->max == UNBOUNDED || (atom->broad && atom->max > 1)))
		refuse(s, "it begins with an unbounded or broad repeat");
	if (atom->broad && atom->max == UNBOUNDED)
		refuse(s, "an unbounded repeat of a broad class: give it a limit");
	if (atom->max != UNBOUNDED && atom->max > BROAD_REPEAT_MAX)
		refuse(s, "a repeat of more than 256");
}

/* Elements up to '|', ')' or the end. @return length of the longest literal every match holds. */
static uint32_t
parse_sequence(struct scan *s)
{
	uint32_t best = 0, run = 0;
	bool leading = s->nesting == 0;

	while (*s->p != '\0' && *s->p != '|' && *s->p != ')' && s->why == NULL) {
		struct atom atom = parse_atom(s);

		if (atom.empty)
			continue;
		check_repeat(s, &atom, leading);
		leading = false;
		if (atom.fixed && atom.min == 1 && atom.max == 1) {
			best = KS_MAX(best, ++run);
			continue;
		}
		if (atom.fixed && atom.min > 0)
			run += KS_MIN(atom.min, BROAD_REPEAT_MAX);
		best = KS_MAX(best, run);
		if (!atom.fixed && atom.min > 0)
			best = KS_MAX(best, atom.literal);
		run = 0;
	}
	return best;
}

static uint32_t
parse_branches(struct scan *s)
{
	uint32_t least = parse_sequence(s);

	while (*s->p == '|' && s->why == NULL) {
		s->p++;
		uint32_t n = parse_sequence(s);

		least = KS_MIN(least, n);
	}
	return least;
}

const char *
ks_match_pattern_check(const char *pattern)
{
	struct scan s = {.p = pattern};
	uint32_t literal = parse_branches(&s);

	if (s.why == NULL && *s.p != '\0')
		refuse(&s, "a ')' without '('");
	if (s.why == NULL && literal < LITERAL_MIN)
		refuse(&s, "no literal of 3 characters that every match must hold");
	return s.why;
}
