/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange's own small mechanics: its life, its findings, whom it is charged to.
 * Thread: whoever holds the exchange.
 */
#include "ks_exchange.h"

#include <errno.h>

const char *
ks_mode_name(enum ks_mode mode)
{
	static const char *const names[] = {"learn", "detect", "enforce"};

	return mode < KS_ARRAY_SIZE(names) ? names[mode] : "?";
}

int
ks_mode_parse(const char *text, enum ks_mode *out)
{
	for (enum ks_mode mode = KS_MODE_LEARN; mode <= KS_MODE_ENFORCE; mode++) {
		if (strcmp(text, ks_mode_name(mode)) == 0) {
			*out = mode;
			return 0;
		}
	}
	return -EINVAL;
}

const char *
ks_verdict_name(enum ks_verdict verdict)
{
	static const char *const names[] = {"allow", "flag", "throttle", "block"};

	return verdict < KS_ARRAY_SIZE(names) ? names[verdict] : "?";
}

const char *
ks_exchange_end_name(enum ks_exchange_end end)
{
#define END_ROW(ID, name, help) name,
	static const char *const names[] = {KS_EXCHANGE_ENDS(END_ROW)};
#undef END_ROW

	return end < KS_END_MAX ? names[end] : "?";
}

const char *
ks_value_type_name(enum ks_value_type type)
{
#define TYPE_ROW(ID, name) name,
	static const char *const names[] = {KS_VALUE_TYPES(TYPE_ROW)};
#undef TYPE_ROW

	return type < KS_VALUE_TYPE_MAX ? names[type] : "?";
}

void
ks_field_list_init(struct ks_field_list *list, void *block, size_t bytes)
{
	/* Paths of Kubernetes bodies take about a third of the room of their rows. */
	size_t cap = block == NULL ? 0 : bytes * 3 / 4 / sizeof(struct ks_field);

	*list = (struct ks_field_list){.v = block, .cap = KS_MIN(cap, (size_t)UINT16_MAX)};
	if (block == NULL)
		return;
	list->text = (char *)(list->v + list->cap);
	list->text_cap = bytes - list->cap * sizeof(struct ks_field);
}

void
ks_exchange_init(struct ks_exchange *ex)
{
	/* Texts of findings and the rows of the head are written before they are read. */
	const size_t head = offsetof(struct ks_exchange, head);
	const size_t findings = offsetof(struct ks_exchange, findings);
	const size_t judged = offsetof(struct ks_exchange, nfindings);

	memset(ex, 0, head);
	memset(&ex->head, 0, offsetof(struct ks_http_head, fields));
	memset(&ex->call, 0, findings - offsetof(struct ks_exchange, call));
	memset((char *)ex + judged, 0, sizeof(*ex) - judged);
}

void
ks_exchange_fini(struct ks_exchange *ex, struct ks_arena *arena)
{
	ks_arena_free(arena, ex->block);
	ks_arena_free(arena, ex->field_block);
	ks_arena_free(arena, ex->body);
	ex->block = NULL;
	ex->field_block = NULL;
	ex->body = NULL;
}

static struct ks_finding *
weakest(struct ks_exchange *ex)
{
	struct ks_finding *weak = &ex->findings[0];

	for (uint8_t i = 1; i < ex->nfindings; i++)
		if (ex->findings[i].db < weak->db)
			weak = &ex->findings[i];
	return weak;
}

struct ks_finding *
ks_exchange_finding_add(struct ks_exchange *ex, enum ks_finding_code code, int db, uint32_t seen)
{
	struct ks_finding *f;

	db = KS_MAX(0, KS_MIN(db, 999));
	if (ks_likely(ex->nfindings < KS_EXCHANGE_FINDINGS_MAX)) {
		f = &ex->findings[ex->nfindings++];
	} else {
		f = weakest(ex);
		if (f->db >= db)
			return NULL;
	}
	f->code = code;
	f->certain = false;
	f->db = db;
	f->seen = seen;
	f->where[0] = f->observed[0] = f->expected[0] = '\0';
	return f;
}

int
ks_exchange_score_db(const struct ks_exchange *ex)
{
	int best[KS_CAUSE_MAX] = {0}, sum = 0;

	for (uint8_t i = 0; i < ex->nfindings; i++) {
		const struct ks_finding *f = &ex->findings[i];
		uint8_t cause = ks_finding_desc[f->code].cause;

		best[cause] = KS_MAX(best[cause], f->db);
	}
	for (int c = 0; c < KS_CAUSE_MAX; c++)
		sum += best[c];
	return KS_MIN(sum, INT16_MAX);
}

bool
ks_exchange_has(const struct ks_exchange *ex, enum ks_finding_code code)
{
	for (uint8_t i = 0; i < ex->nfindings; i++)
		if (ex->findings[i].code == code)
			return true;
	return false;
}

uint64_t
ks_exchange_actor_key(const struct ks_exchange *ex, uint64_t seed)
{
	const struct ks_principal *p = &ex->principal;
	struct {
		struct ks_addr source;
		uint8_t token[16];
	} claimed = {ex->source, {0}};

	if (p->proven)
		return ks_hash64(seed, p->name, strlen(p->name));
	memcpy(claimed.token, p->token_hash, sizeof(claimed.token));
	return ks_hash64(seed ^ 1, &claimed, sizeof(claimed));
}

uint32_t
ks_exchange_route(const struct ks_exchange *ex)
{
	const char *name = ex->principal.name;
	uint64_t hash = ex->principal.proven ? ks_hash64(0, name, strlen(name))
					     : ks_hash64(0, &ex->source, sizeof(ex->source));

	return (uint32_t)(hash >> 32);
}

bool
ks_exchange_teaches(const struct ks_exchange *ex)
{
	if (ex->passed_uninspected)
		return false;
	if (!ex->principal.proven && ex->principal.kind != KS_PRINCIPAL_ANONYMOUS)
		return false;
	if (ex->verdict >= KS_VERDICT_THROTTLE || ks_exchange_has(ex, KS_FINDING_SIGNATURE))
		return false;
	return ex->status >= 100 && ex->status < 500 && ex->status != 401 && ex->status != 403;
}
