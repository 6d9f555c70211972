/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for calls: the key of their model and a line for people.
 * Thread: pure functions over the caller's memory.
 */
#include "ks_kube.h"

struct text {
	char *to;
	size_t cap;
	size_t n;
};

static void
add(struct text *t, struct ks_str s)
{
	size_t n = KS_MIN((size_t)s.n, t->cap - t->n);

	if (n > 0)
		memcpy(t->to + t->n, s.p, n);
	t->n += n;
}

static void
add_with(struct text *t, char before, struct ks_str s)
{
	if (s.n == 0)
		return;
	add(t, (struct ks_str){&before, 1});
	add(t, s);
}

const char *
ks_kube_verb_name(enum ks_kube_verb verb)
{
#define NAME(ID, name) [KS_KUBE_##ID] = name,
	static const char *const names[] = {KS_KUBE_VERBS(NAME)};
#undef NAME

	return (unsigned int)verb < KS_ARRAY_SIZE(names) ? names[verb] : "";
}

static void
add_verb(struct text *t, const struct ks_kube_call *call)
{
	const char *name = ks_kube_verb_name(call->verb);

	if (call->verb != KS_KUBE_HTTP) {
		add(t, (struct ks_str){name, (uint32_t)strlen(name)});
		return;
	}
	for (uint32_t i = 0; i < call->method.n; i++) {
		char c = call->method.p[i];

		c = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
		add(t, (struct ks_str){&c, 1});
	}
}

static uint32_t
finish(struct text *t)
{
	t->to[t->n] = '\0';
	return (uint32_t)t->n;
}

uint32_t
ks_kube_call_key(const struct ks_kube_call *call, char key[KS_KUBE_CALL_KEY_BYTES])
{
	struct text t = {key, KS_KUBE_CALL_KEY_BYTES - 1, 0};

	add_verb(&t, call);
	add(&t, KS_STR(" "));
	if (!call->resource_request) {
		add(&t, call->path);
		return finish(&t);
	}
	if (call->group.n > 0) {
		add(&t, call->group);
		add(&t, KS_STR("/"));
	}
	add(&t, call->version);
	add_with(&t, ' ', call->resource);
	add_with(&t, '/', call->subresource);
	return finish(&t);
}

/* A namespace's own calls carry its name twice. */
static void
add_object(struct text *t, const struct ks_kube_call *call)
{
	bool own = ks_str_is(call->resource, "namespaces") && ks_str_eq(call->ns, call->name);

	if (call->name.n == 0) {
		if (call->ns.n > 0)
			add(t, KS_STR(" -n"));
		add_with(t, ' ', call->ns);
		return;
	}
	if (call->ns.n > 0 && !own) {
		add_with(t, ' ', call->ns);
		add_with(t, '/', call->name);
		return;
	}
	add_with(t, ' ', call->name);
}

uint32_t
ks_kube_call_text(const struct ks_kube_call *call, char *text, size_t cap)
{
	struct text t = {text, cap - 1, 0};

	if (cap == 0)
		return 0;
	add_verb(&t, call);
	if (!call->resource_request) {
		add_with(&t, ' ', call->path);
		return finish(&t);
	}
	add_with(&t, ' ', call->resource);
	add_with(&t, '.', call->group);
	add_with(&t, '/', call->subresource);
	add_object(&t, call);
	return finish(&t);
}
