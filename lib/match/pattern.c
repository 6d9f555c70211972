/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at a pattern before it is compiled and says why it would be dear: what it costs to scan
 * depends on whether Hyperscan finds a literal that every match must hold, and on how much text a
 * broad part of it may run over. Measured: broad expressions cost 4 to 7 times as much as the same
 * number with a literal in front.
 *
 * This is an estimate from the text alone, so the same file is accepted on every machine. Syntax
 * that it does not know it takes for a class; Hyperscan's own parser has the last word on what is
 * valid.
 *
 * Thread: pure functions (control core, at load).
 */
#include <ctype.h>
#include <stdlib.h>

#include "match_priv.h"

#define NESTING_MAX 16
#define LITERAL_MIN 3
#define LITERAL_PLAIN_MIN 2
#define SMALL_CLASS 10
#define BROAD_REPEAT_MAX 256
#define UNBOUNDED UINT32_MAX

struct scan {
	const char *p;
	const char *why; /* first reason for refusal */
	int nesting;
};

/* A run of characters, of small classes that Hyperscan spells out, and of groups of such. */
struct run {
	uint32_t all;
	uint32_t plain; /* of which characters … */
	uint32_t marks; /* … and of those, neither letters nor digits */
};

/* What a part of the pattern gives a literal matcher. */
struct literal {
	uint32_t best;	/* longest run that every match holds */
	struct run run; /* of the whole part … */
	bool whole; /* … if it is nothing but a run: then it continues what stands before it */
};

/* One element and how often it may come. */
struct atom {
	struct literal literal;
	uint32_t min, max;
	bool broad; /* class of most characters */
	bool empty; /* an anchor */
};

static struct literal parse_branches(struct scan *s);

static void
refuse(struct scan *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
}

/* From '[' to after ']'. */
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
			members += p[1] == 'd' ? 10 : p[1] == 's' ? 6 : p[1] == 'w' ? 63 : 1;
			p++;
		} else if (*p == '-' && p[1] != ']' && members > 0) {
			members += (uint8_t)p[1] > (uint8_t)p[-1] ? (uint32_t)(p[1] - p[-1]) : 1;
			p++;
		} else {
			members++;
		}
		if (*p != '\0')
			p++;
	} while (*p != '\0' && *p != ']');
	atom->literal.whole = members <= SMALL_CLASS && !atom->broad;
	atom->literal.run = (struct run){.all = 1, .plain = members == 1};
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
	atom->literal.whole = c == 's' || c == 'd' || strchr("wSWDhvRpP", c) == NULL;
	atom->literal.run = (struct run){
		.all = 1,
		.plain = c != 's' && c != 'd',
		.marks = c == 'x' || !isalnum((unsigned char)c),
	};
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
		atom.literal = (struct literal){
			.run = {1, 1, !isalnum((unsigned char)*s->p) && *s->p != ' '},
			.whole = true,
		};
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

/* Two marks side by side ("{{", "${", "<%") are as rare in ordinary text as three letters. */
static uint32_t
run_worth(const struct run *run)
{
	if (run->marks >= LITERAL_PLAIN_MIN)
		return KS_MAX(run->all, (uint32_t)LITERAL_MIN);
	return run->plain >= LITERAL_PLAIN_MIN ? run->all : 0;
}

/* Adds an element to the run before it. @return false when the run ends with it. */
static bool
run_add(struct run *run, const struct atom *atom)
{
	if (!atom->literal.whole || atom->min == 0)
		return false;
	run->all += atom->literal.run.all * atom->min;
	run->plain += atom->literal.run.plain * atom->min;
	run->marks += atom->literal.run.marks * atom->min;
	return atom->min == atom->max;
}

/* Elements up to '|', ')' or the end. */
static struct literal
parse_sequence(struct scan *s)
{
	struct literal result = {.whole = true};
	bool leading = s->nesting == 0;

	while (*s->p != '\0' && *s->p != '|' && *s->p != ')' && s->why == NULL) {
		struct atom atom = parse_atom(s);

		if (atom.empty)
			continue;
		check_repeat(s, &atom, leading);
		leading = false;
		if (atom.min > 0)
			result.best = KS_MAX(result.best, atom.literal.best);
		if (run_add(&result.run, &atom))
			continue;
		result.whole = false;
		result.best = KS_MAX(result.best, run_worth(&result.run));
		result.run = (struct run){0};
	}
	result.best = KS_MAX(result.best, run_worth(&result.run));
	return result;
}

static struct literal
parse_branches(struct scan *s)
{
	struct literal least = parse_sequence(s);

	while (*s->p == '|' && s->why == NULL) {
		s->p++;
		struct literal next = parse_sequence(s);

		least.best = KS_MIN(least.best, next.best);
		least.run.all = KS_MIN(least.run.all, next.run.all);
		least.run.plain = KS_MIN(least.run.plain, next.run.plain);
		least.run.marks = KS_MIN(least.run.marks, next.run.marks);
		least.whole &= next.whole;
	}
	return least;
}

const char *
ks_match_pattern_check(const char *pattern)
{
	struct scan s = {.p = pattern};
	struct literal literal = parse_branches(&s);

	if (s.why == NULL && *s.p != '\0')
		refuse(&s, "a ')' without '('");
	if (s.why == NULL && literal.best < LITERAL_MIN)
		refuse(&s, "no literal of 3 letters or 2 marks that every match must hold");
	return s.why;
}
