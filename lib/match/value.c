/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value is: the classes of its characters, gathered in one pass, and its type, which mostly
 * follows from them; only what they leave open is parsed.
 *
 * Types are judged by form alone, the same everywhere: "80" is an integer whether JSON had quotes
 * around it or not. Grammar of times: RFC 3339 and the HTTP date of RFC 9110 section 5.6.7;
 * quantities, names and durations as Kubernetes and Go write them.
 *
 * Thread: pure functions.
 */
#include <arpa/inet.h>

#include "match_priv.h"

#define NO64 CHAR_NO_BASE64
#define NONM (CHAR_NO_NAME | CHAR_NO_FIELD)
#define LOWER KS_CHAR_LOWER
#define UPPER (KS_CHAR_UPPER | CHAR_NO_NAME)
#define NAME_CHAR (KS_CHAR_NAME | CHAR_NO_FIELD)
#define SHELL (KS_CHAR_SHELL | NO64 | NONM)
#define BRACKET (KS_CHAR_BRACKET | NO64 | NONM)
#define QUOTE (KS_CHAR_QUOTE | NO64 | NONM)
#define LIST (KS_CHAR_LIST | NONM)
#define PATH (KS_CHAR_PATH | NONM)

const uint32_t ks_match_char[256] = {
	[0x00 ... 0x08] = KS_CHAR_CONTROL | NO64 | NONM,
	[0x0b ... 0x0c] = KS_CHAR_CONTROL | NO64 | NONM,
	[0x0e ... 0x1f] = KS_CHAR_CONTROL | NO64 | NONM,
	['\t'] = KS_CHAR_SPACE | NO64 | NONM,
	['\n'] = KS_CHAR_LINE | NO64 | NONM,
	['\r'] = KS_CHAR_LINE | NO64 | NONM,
	[' '] = KS_CHAR_SPACE | NO64 | NONM,
	['!'] = SHELL,
	['"'] = QUOTE,
	['#'] = SHELL,
	['$'] = SHELL | CHAR_DOLLAR,
	['%'] = SHELL | CHAR_PERCENT,
	['&'] = LIST | NO64 | CHAR_AMP,
	['\''] = QUOTE,
	['('] = BRACKET,
	[')'] = BRACKET,
	['*'] = SHELL | CHAR_STAR,
	['+'] = LIST | CHAR_PLUS,
	[','] = LIST | NO64 | CHAR_COMMA,
	['-'] = NAME_CHAR,
	['.'] = NAME_CHAR | NO64,
	['/'] = PATH | CHAR_SLASH,
	['0' ... '9'] = KS_CHAR_DIGIT,
	[':'] = PATH | NO64 | CHAR_COLON,
	[';'] = LIST | NO64 | CHAR_COMMA,
	['<'] = KS_CHAR_ANGLE | NO64 | NONM,
	['='] = LIST | CHAR_EQUALS,
	['>'] = KS_CHAR_ANGLE | NO64 | NONM,
	['?'] = SHELL,
	['@'] = PATH | NO64,
	['A' ... 'Z'] = UPPER,
	['['] = BRACKET,
	['\\'] = SHELL | CHAR_BACKSLASH,
	[']'] = BRACKET,
	['^'] = SHELL,
	['_'] = KS_CHAR_NAME | CHAR_NO_NAME,
	['`'] = QUOTE,
	['a' ... 'z'] = LOWER,
	['{'] = BRACKET,
	['|'] = SHELL,
	['}'] = BRACKET,
	['~'] = SHELL,
	[0x7f] = KS_CHAR_CONTROL | NO64 | NONM,
	[0x80 ... 0xbf] = KS_CHAR_HIGH | NO64 | NONM,
	[0xc0 ... 0xc1] = KS_CHAR_HIGH | NO64 | NONM | CHAR_ODD_UTF8,
	[0xc2 ... 0xdf] = KS_CHAR_HIGH | NO64 | NONM,
	[0xe0] = KS_CHAR_HIGH | NO64 | NONM | CHAR_ODD_UTF8,
	[0xe1 ... 0xee] = KS_CHAR_HIGH | NO64 | NONM,
	[0xef] = KS_CHAR_HIGH | NO64 | NONM | CHAR_ODD_UTF8,
	[0xf0 ... 0xff] = KS_CHAR_HIGH | NO64 | NONM,
};

#define ALNUM (KS_CHAR_LOWER | KS_CHAR_UPPER | KS_CHAR_DIGIT)

static inline bool
is_digit(char c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline bool
is_hex(char c)
{
	return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
}

static uint32_t
digits(struct ks_str text, uint32_t from)
{
	uint32_t i = from;

	while (i < text.n && is_digit(text.p[i]))
		i++;
	return i - from;
}

/* Length of an optional sign, digits and fraction at the front; 0 when there is no number. */
static uint32_t
number_prefix(struct ks_str text)
{
	uint32_t i = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;
	uint32_t n = digits(text, i);

	if (n == 0)
		return 0;
	i += n;
	if (i + 1 < text.n && text.p[i] == '.' && is_digit(text.p[i + 1]))
		i += 1 + digits(text, i + 1);
	return i;
}

static uint32_t
exponent(struct ks_str text, uint32_t at)
{
	uint32_t i = at + 1, n;

	if (at >= text.n || (text.p[at] | 0x20) != 'e')
		return 0;
	if (i < text.n && (text.p[i] == '-' || text.p[i] == '+'))
		i++;
	n = digits(text, i);
	return n == 0 ? 0 : i + n - at;
}

static bool
is_duration(struct ks_str text)
{
	uint32_t i = 0;

	while (i < text.n) {
		struct ks_str rest = {text.p + i, text.n - i};
		uint32_t n = number_prefix(rest);

		if (n == 0 || n == rest.n)
			return false;
		i += n;
		if (i + 1 < text.n && text.p[i + 1] == 's' && strchr("num", text.p[i]) != NULL)
			i += 2;
		else if (text.p[i] == 's' || text.p[i] == 'm' || text.p[i] == 'h')
			i++;
		else
			return false;
	}
	return true;
}

static bool
is_quantity(struct ks_str text, uint32_t n)
{
	struct ks_str unit = {text.p + n, text.n - n};

	if (unit.n == 1)
		return strchr("numkMGTPE", unit.p[0]) != NULL;
	return unit.n == 2 && unit.p[1] == 'i' && strchr("KMGTPE", unit.p[0]) != NULL;
}

/* "100m" is a quantity to the API and a duration to Go: here it is a quantity. */
static int
number_type(struct ks_str text)
{
	uint32_t n = number_prefix(text), e;

	if (n == 0)
		return -1;
	if (n == text.n)
		return digits(text, is_digit(text.p[0]) ? 0 : 1) + !is_digit(text.p[0]) == n
			       ? KS_VALUE_INT
			       : KS_VALUE_NUMBER;
	e = exponent(text, n);
	if (e > 0 && n + e == text.n)
		return KS_VALUE_NUMBER;
	if (is_quantity(text, n))
		return KS_VALUE_QUANTITY;
	return is_duration(text) ? KS_VALUE_DURATION : -1;
}

/* Address with an optional prefix length. */
static int
address_type(struct ks_str text)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	const char *slash = memchr(text.p, '/', text.n);
	uint32_t n = slash != NULL ? (uint32_t)(slash - text.p) : text.n;

	if (n == 0 || n >= sizeof(copy))
		return -1;
	if (slash != NULL && (text.n - n > 4 || digits(text, n + 1) != text.n - n - 1))
		return -1;
	memcpy(copy, text.p, n);
	copy[n] = '\0';
	if (inet_pton(memchr(copy, ':', n) != NULL ? AF_INET6 : AF_INET, copy, &addr) != 1)
		return -1;
	return slash != NULL && text.n > n + 1 ? KS_VALUE_CIDR : KS_VALUE_IP;
}

static bool
is_uuid(struct ks_str text)
{
	if (text.n != 36)
		return false;
	for (uint32_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.p[i] != '-' : !is_hex(text.p[i]))
			return false;
	}
	return true;
}

static bool
is_time(struct ks_str text)
{
	static const char http[] = "aaa, 00 aaa 0000 00:00:00 GMT";

	if (text.n == sizeof(http) - 1 && text.p[3] == ',')
		return digits(text, 5) == 2 && digits(text, 12) == 4 && text.p[19] == ':' &&
		       memcmp(text.p + 26, "GMT", 3) == 0;
	if (text.n < 10 || digits(text, 0) != 4 || text.p[4] != '-' || digits(text, 5) != 2 ||
	    text.p[7] != '-' || digits(text, 8) != 2)
		return false;
	if (text.n == 10)
		return true;
	return text.n >= 20 && text.n <= 35 && (text.p[10] == 'T' || text.p[10] == ' ') &&
	       digits(text, 11) == 2 && text.p[13] == ':' && digits(text, 14) == 2;
}

static bool
is_name(struct ks_str text)
{
	char first = text.p[0], last = text.p[text.n - 1];

	return text.n <= 253 && first != '-' && first != '.' && last != '-' && last != '.';
}

/* Words may be base64 by chance; data has both cases and digits, or says so by its padding. */
static bool
is_base64(struct ks_str text, uint32_t chars)
{
	uint32_t mixed = KS_CHAR_LOWER | KS_CHAR_UPPER;

	if ((chars & CHAR_NO_BASE64) != 0 || text.n < 8 || text.n % 4 != 0)
		return false;
	if (chars & CHAR_EQUALS)
		return text.p[text.n - 1] == '=' && memchr(text.p, '=', text.n - 2) == NULL;
	return text.n >= 24 && (chars & (mixed | KS_CHAR_DIGIT)) == (mixed | KS_CHAR_DIGIT) &&
	       (chars & KS_CHAR_NAME) == 0;
}

/* What begins with a digit or a sign, or holds what only addresses and times hold together. */
static int
numeric_type(struct ks_str text, uint32_t chars)
{
	int type = -1;

	if (text.n > 45)
		return -1;
	if (is_digit(text.p[0]) || text.p[0] == '-' || text.p[0] == '+')
		type = number_type(text);
	if (type < 0 && (chars & (CHAR_COLON | KS_CHAR_NAME)) && is_hex(text.p[0]) &&
	    (chars & KS_CHAR_DIGIT) && is_uuid(text))
		return KS_VALUE_UUID;
	if (type < 0 && is_time(text))
		return KS_VALUE_TIME;
	if (type < 0 && ((chars & CHAR_COLON) || (chars & (KS_CHAR_LOWER | KS_CHAR_UPPER)) == 0))
		type = address_type(text);
	return type;
}

/* The types that characters alone decide, from narrow to wide. */
static enum ks_value_type
wide_type(struct ks_str text, uint32_t chars)
{
	const uint32_t word = ALNUM | KS_CHAR_NAME | KS_CHAR_PATH;
	uint32_t public = chars & MATCH_CHARS_PUBLIC;
	bool url = (chars & CHAR_COLON) && (chars & CHAR_SLASH) &&
		   (public & ~(word | KS_CHAR_LIST | KS_CHAR_SHELL)) == 0 &&
		   memmem(text.p, KS_MIN(text.n, 16u), "://", 3) != NULL;

	if ((public & ~word) == 0 || url)
		return chars & CHAR_SLASH ? KS_VALUE_PATH : KS_VALUE_WORD;
	if ((public & ~(word | KS_CHAR_LIST)) == 0)
		return KS_VALUE_LIST;
	if ((public & ~(word | KS_CHAR_LIST | KS_CHAR_SPACE)) == 0 && (chars & CHAR_COMMA))
		return KS_VALUE_LIST;
	return KS_VALUE_TEXT;
}

enum ks_value_type
ks_match_type(struct ks_str text, uint32_t chars)
{
	int type;

	if (text.n == 0)
		return KS_VALUE_EMPTY;
	if (chars & KS_CHAR_CONTROL)
		return KS_VALUE_BINARY;
	if ((chars & MATCH_CHARS_PUBLIC) == KS_CHAR_DIGIT)
		return KS_VALUE_INT;
	if ((text.n == 4 && memcmp(text.p, "true", 4) == 0) ||
	    (text.n == 5 && memcmp(text.p, "false", 5) == 0))
		return KS_VALUE_BOOL;
	if (chars & (KS_CHAR_DIGIT | CHAR_COLON)) {
		type = numeric_type(text, chars);
		if (type >= 0)
			return (enum ks_value_type)type;
	}
	if ((chars & CHAR_NO_NAME) == 0 && is_name(text))
		return KS_VALUE_NAME;
	if (is_base64(text, chars))
		return KS_VALUE_BASE64;
	return wide_type(text, chars);
}
