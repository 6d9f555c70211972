/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims of JSON Web Tokens: RFC 7519, 7515 section 7.1; service-account tokens bound and legacy
 * (authentication pages).
 *
 * A claim is never guessed. Readers differ in duplicate keys (first, last, error) and in the case
 * of keys, so a token that makes a difference there claims nothing and is opaque. Thread: pure
 * functions over the caller's memory.
 */
#include <errno.h>

#include "ks_codec.h"
#include "ks_json.h"
#include "token.h"

#define CLAIMS_DEPTH_MAX 16
#define KEY_BYTES_MAX 64
#define EXP_DIGITS_MAX 12

/* Objects whose members count. */
enum claims_object {
	OBJECT_NONE,
	OBJECT_HEADER,
	OBJECT_TOP,
	OBJECT_KUBERNETES,
	OBJECT_POD,
	OBJECT_NODE,
	OBJECT_ACCOUNT,
};

enum member_type { MEMBER_STRING, MEMBER_SECONDS, MEMBER_OBJECT };

struct member {
	uint8_t object; /* where it stands */
	uint8_t type;
	uint8_t opens; /* the object that it is */
	uint16_t at;   /* in struct claims_reader */
	uint16_t cap;
	const char *key;
};

struct claims_reader {
	struct ks_token_claims claims;
	char alg[16];
	uint8_t object[CLAIMS_DEPTH_MAX + 1]; /* by depth of the members */
	const struct member *pending;	      /* whose value comes next */
	uint32_t seen;			      /* a bit per member */
};

#define CLAIM(object, key, field)                                                          \
	{                                                                                  \
		object, MEMBER_STRING, OBJECT_NONE, offsetof(struct claims_reader, field), \
			sizeof(((struct claims_reader *)NULL)->field), key                 \
	}
#define OPENS(object, key, opens)                       \
	{                                               \
		object, MEMBER_OBJECT, opens, 0, 0, key \
	}

static const struct member members[] = {
	CLAIM(OBJECT_HEADER, "alg", alg),
	CLAIM(OBJECT_TOP, "iss", claims.iss),
	CLAIM(OBJECT_TOP, "sub", claims.sub),
	{OBJECT_TOP, MEMBER_SECONDS, OBJECT_NONE, offsetof(struct claims_reader, claims.exp_s), 0,
	 "exp"},
	OPENS(OBJECT_TOP, "kubernetes.io", OBJECT_KUBERNETES),
	CLAIM(OBJECT_TOP, "kubernetes.io/serviceaccount/namespace", claims.ns),
	CLAIM(OBJECT_TOP, "kubernetes.io/serviceaccount/service-account.name", claims.account),
	CLAIM(OBJECT_KUBERNETES, "namespace", claims.ns),
	OPENS(OBJECT_KUBERNETES, "pod", OBJECT_POD),
	OPENS(OBJECT_KUBERNETES, "node", OBJECT_NODE),
	OPENS(OBJECT_KUBERNETES, "serviceaccount", OBJECT_ACCOUNT),
	CLAIM(OBJECT_POD, "name", claims.pod),
	CLAIM(OBJECT_POD, "uid", claims.pod_uid),
	CLAIM(OBJECT_NODE, "name", claims.node),
	CLAIM(OBJECT_ACCOUNT, "name", claims.account),
};
_Static_assert(KS_ARRAY_SIZE(members) <= 32, "one bit for each member");

static int
find_member(struct claims_reader *r, uint8_t object, struct ks_str key)
{
	r->pending = NULL;
	for (size_t i = 0; i < KS_ARRAY_SIZE(members); i++) {
		const struct member *member = &members[i];

		if (member->object != object || strlen(member->key) != key.n ||
		    strncasecmp(member->key, key.p, key.n) != 0)
			continue;
		if (memcmp(member->key, key.p, key.n) != 0 || (r->seen & 1u << i) != 0)
			return -EBADMSG;
		r->seen |= 1u << i;
		r->pending = member;
		return 0;
	}
	return 0;
}

static int
on_key(struct claims_reader *r, const struct ks_json_item *item)
{
	uint8_t object = r->object[item->depth];
	char buf[KEY_BYTES_MAX];
	struct ks_str key = item->text;
	int n;

	if (object == OBJECT_NONE) {
		r->pending = NULL;
		return 0;
	}
	if (item->escaped) {
		n = ks_json_unescape(key, buf, sizeof(buf));
		/* longer than any key of ours */
		if (n < 0) {
			r->pending = NULL;
			return 0;
		}
		key = (struct ks_str){buf, (uint32_t)n};
	}
	return find_member(r, object, key);
}

static bool
has_control(const char *text, int n)
{
	for (int i = 0; i < n; i++)
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

/* One place may be told of twice, in the old and in the new form: that is a duplicate too. */
static int
on_string(struct claims_reader *r, const struct member *member, struct ks_str text)
{
	char *to = (char *)r + member->at;
	int n;

	if (member->type != MEMBER_STRING || to[0] != '\0')
		return -EBADMSG;
	n = ks_json_unescape(text, to, member->cap - 1u);
	if (n < 0 || has_control(to, n))
		return -EBADMSG;
	to[n] = '\0';
	return 0;
}

/* NumericDate: seconds; a fraction is cut off, an exponent is not what anybody writes. */
static int
on_number(struct claims_reader *r, const struct member *member, struct ks_str text)
{
	uint64_t seconds = 0;
	uint32_t i;

	if (member->type != MEMBER_SECONDS)
		return -EBADMSG;
	for (i = 0; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
		if (i == EXP_DIGITS_MAX)
			return -EBADMSG;
		seconds = seconds * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (i == 0 || (i < text.n && text.p[i] != '.') || memchr(text.p, 'e', text.n) != NULL ||
	    memchr(text.p, 'E', text.n) != NULL)
		return -EBADMSG;
	r->claims.exp_s = seconds;
	return 0;
}

static int
on_object(struct claims_reader *r, uint16_t depth)
{
	const struct member *member = r->pending;

	r->pending = NULL;
	if (depth > 0)
		r->object[depth + 1] = OBJECT_NONE;
	if (member == NULL)
		return 0;
	if (member->type != MEMBER_OBJECT)
		return -EBADMSG;
	r->object[depth + 1] = member->opens;
	return 0;
}

static int
on_value(struct claims_reader *r, const struct ks_json_item *item)
{
	const struct member *member = r->pending;

	/* a document that is no object has no claims */
	if (item->depth == 0)
		return -EBADMSG;
	if (member == NULL)
		return 0;
	r->pending = NULL;
	switch (item->event) {
	case KS_JSON_STRING:
		return on_string(r, member, item->text);
	case KS_JSON_NUMBER:
		return on_number(r, member, item->text);
	case KS_JSON_NULL:
		return 0;
	default:
		return -EBADMSG;
	}
}

static int
visit(void *arg, const struct ks_json_item *item)
{
	struct claims_reader *r = arg;

	switch (item->event) {
	case KS_JSON_OBJECT_BEGIN:
		return on_object(r, item->depth);
	case KS_JSON_OBJECT_END:
	case KS_JSON_ARRAY_END:
		return 0;
	case KS_JSON_ARRAY_BEGIN:
		/* keys of objects within it belong to no object of ours */
		r->object[item->depth + 1] = OBJECT_NONE;
		return on_value(r, item);
	case KS_JSON_KEY:
		return on_key(r, item);
	default:
		return on_value(r, item);
	}
}

static int
read_part(struct claims_reader *r, struct ks_str part, enum claims_object object)
{
	char json[KS_TOKEN_BYTES_MAX];
	int n = ks_base64_decode(part, json, sizeof(json));

	if (n <= 0)
		return -EBADMSG;
	r->object[1] = object;
	r->pending = NULL;
	n = ks_json_visit((struct ks_str){json, (uint32_t)n}, CLAIMS_DEPTH_MAX, visit, r, NULL);
	return n == 0 ? 0 : -EBADMSG;
}

/* Three parts in the URL alphabet, none of them empty: an empty signature proves nothing. */
static bool
split(struct ks_str token, struct ks_str parts[3])
{
	const char *p = token.p, *end = token.p + token.n;

	for (int i = 0; i < 3; i++) {
		const char *dot = memchr(p, '.', (size_t)(end - p));

		if ((dot == NULL) != (i == 2))
			return false;
		if (dot == NULL)
			dot = end;
		parts[i] = (struct ks_str){p, (uint32_t)(dot - p)};
		if (parts[i].n == 0)
			return false;
		p = dot + 1;
	}
	return memchr(token.p, '+', token.n) == NULL && memchr(token.p, '/', token.n) == NULL &&
	       memchr(token.p, '=', token.n) == NULL;
}

static bool
is_base64(struct ks_str part)
{
	char bytes[KS_TOKEN_BYTES_MAX];

	return ks_base64_decode(part, bytes, sizeof(bytes)) > 0;
}

int
ks_token_claims_read(struct ks_str token, struct ks_token_claims *claims)
{
	struct claims_reader r;
	struct ks_str parts[3];

	if (token.n == 0 || token.n > KS_TOKEN_BYTES_MAX || !split(token, parts))
		return -EBADMSG;
	memset(&r, 0, sizeof(r));
	if (read_part(&r, parts[0], OBJECT_HEADER) < 0 || r.alg[0] == '\0' ||
	    strcasecmp(r.alg, "none") == 0)
		return -EBADMSG;
	if (read_part(&r, parts[1], OBJECT_TOP) < 0 || !is_base64(parts[2]))
		return -EBADMSG;
	*claims = r.claims;
	return 0;
}

static bool
all_small(const char *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9')))
			return false;
	return true;
}

bool
ks_token_is_bootstrap(struct ks_str token)
{
	return token.n == 23 && token.p[6] == '.' && all_small(token.p, 6) &&
	       all_small(token.p + 7, 16);
}
