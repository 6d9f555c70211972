/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that give their caller power over others, or that thieves make first. What is listed here
 * is knowledge of Kubernetes, not learned; it weighs only when the call is new to its caller, so
 * that who does such things every day is left alone.
 *
 * Sources: Kubernetes documentation "Role Based Access Control Good Practices" (privilege
 * escalation risks) and the API reference; the technique matrix for containers of MITRE ATT&CK.
 * Thread: pure.
 */
#include "power.h"
#include "scorer.h"

#define VERB(id) (1u << KS_KUBE_##id)
#define READS (VERB(GET) | VERB(LIST) | VERB(WATCH))
#define WRITES (VERB(CREATE) | VERB(UPDATE) | VERB(PATCH))
#define DELETES (VERB(DELETE) | VERB(DELETECOLLECTION))
#define ANY (READS | WRITES | DELETES | VERB(PROXY))

static const struct power {
	uint8_t sort; /**< enum power_sort */
	uint32_t verbs;
	const char *group;
	const char *resource;
	const char *subresource; /**< NULL: any */
	uint8_t db;
	const char *words;
} powers[] = {
	{POWER_CREDENTIALS, READS, "", "secrets", NULL, 20, "reads credentials"},
	{POWER_CREDENTIALS, VERB(CREATE), "", "serviceaccounts", "token", 20,
	 "mints a token for another account"},
	{POWER_ENTER, ANY, "", "pods", "exec", 20, "runs a program in a pod"},
	{POWER_ENTER, ANY, "", "pods", "attach", 20, "enters a running program"},
	{POWER_ENTER, ANY, "", "pods", "portforward", 15, "opens a tunnel into a pod"},
	{POWER_ENTER, ANY, "", "pods", "ephemeralcontainers", 20,
	 "adds a container to a running pod"},
	{POWER_ENTER, ANY, "", "pods", "proxy", 15, "speaks through the API server to a pod"},
	{POWER_ENTER, ANY, "", "services", "proxy", 15,
	 "speaks through the API server to a service"},
	{POWER_ENTER, ANY, "", "nodes", "proxy", 20, "commands a kubelet directly"},
	{POWER_LOOK, READS, "", "pods", "log", 10, "reads another program's output"},
	{POWER_WORKLOAD, WRITES, "", "pods", "", 15, "starts or changes a workload"},
	{POWER_WORKLOAD, WRITES, "apps", "daemonsets", "", 20, "starts a workload on every node"},
	{POWER_WORKLOAD, WRITES, "apps", "deployments", "", 10, "starts or changes a workload"},
	{POWER_WORKLOAD, WRITES, "apps", "statefulsets", "", 10, "starts or changes a workload"},
	{POWER_WORKLOAD, WRITES, "batch", "jobs", "", 10, "starts a workload"},
	{POWER_WORKLOAD, WRITES, "batch", "cronjobs", "", 15, "starts a workload that comes back"},
	{POWER_WORKLOAD, DELETES, "", "pods", "", 10, "stops a workload"},
	{POWER_TRACES, DELETES, "", "events", "", 20, "removes traces"},
	{POWER_LOOK, READS, "", "nodes", "", 10, "looks around in the cluster"},
	{POWER_LOOK, READS, "", "namespaces", "", 10, "looks around in the cluster"},
	{POWER_LOOK, READS, "", "serviceaccounts", "", 10, "looks for accounts to take"},
	{POWER_LOOK, READS, "rbac.authorization.k8s.io", NULL, NULL, 15,
	 "looks for rights to take"},
	{POWER_RIGHTS, WRITES, "rbac.authorization.k8s.io", NULL, NULL, 20, "gives rights"},
	{POWER_RIGHTS, WRITES, "admissionregistration.k8s.io", NULL, NULL, 20,
	 "sees or changes every request of a kind"},
	{POWER_RIGHTS, WRITES, "apiregistration.k8s.io", NULL, NULL, 20,
	 "answers in the API server's name"},
	{POWER_RIGHTS, WRITES, "certificates.k8s.io", NULL, NULL, 20, "issues certificates"},
	{POWER_SELF, VERB(CREATE), "authorization.k8s.io", "selfsubjectrulesreviews", NULL, 20,
	 "asks what it may do"},
	{POWER_SELF, VERB(CREATE), "authorization.k8s.io", "selfsubjectaccessreviews", NULL, 15,
	 "asks what it may do"},
	{POWER_SELF, VERB(CREATE), "authentication.k8s.io", "selfsubjectreviews", NULL, 15,
	 "asks who it is"},
	{POWER_SELF, VERB(CREATE), "authentication.k8s.io", "tokenreviews", NULL, 15,
	 "tries a token"},
};

static bool
power_fits(const struct power *power, const struct ks_kube_call *call)
{
	if (!(power->verbs & (1u << call->verb)) || !ks_str_is(call->group, power->group))
		return false;
	if (power->resource != NULL && !ks_str_is(call->resource, power->resource))
		return false;
	return power->subresource == NULL || ks_str_is(call->subresource, power->subresource);
}

static const struct power *
power_strongest(const struct ks_kube_call *call)
{
	const struct power *strongest = NULL;

	if (!call->resource_request)
		return NULL;
	for (size_t i = 0; i < KS_ARRAY_SIZE(powers); i++)
		if (power_fits(&powers[i], call) &&
		    (strongest == NULL || powers[i].db > strongest->db))
			strongest = &powers[i];
	return strongest;
}

static unsigned int
reach_of(uint8_t scope)
{
	switch (scope & ~SCOPE_IMPERSONATE) {
	case SCOPE_OWN:
		return 0;
	case SCOPE_OTHER:
		return 1;
	default:
		return 2;
	}
}

uint8_t
ks_score_power_of(const struct ks_kube_call *call, uint8_t scope)
{
	const struct power *power = power_strongest(call);

	return power == NULL ? 0 : 1 + power->sort * POWER_REACHES + reach_of(scope);
}

/* Who has used this sort of power that far, or further, gains nothing new. */
static bool
power_known(const struct judge *j, const struct power *power)
{
	for (unsigned int reach = reach_of(j->rq.scope); reach < POWER_REACHES; reach++)
		if (j->who != NULL &&
		    (j->who->powers & (1u << (1 + power->sort * POWER_REACHES + reach))))
			return true;
	return false;
}

void
ks_score_judge_meaning(struct judge *j)
{
	const struct power *power = power_strongest(&j->ex->call);
	uint64_t n = j->who != NULL ? j->who->requests : j->profile->group[j->rq.group].member.n;
	struct ks_finding *f;
	int db;

	if (power == NULL || power_known(j, power))
		return;
	/* People try things; programs do what they were written for. */
	db = ks_score_weighed_db(j->rq.group == GROUP_USER ? power->db / 2 : power->db, n);
	if (db < EVIDENCE_LEAST_DB)
		return;
	f = ks_exchange_finding_add(j->ex, KS_FINDING_MEANING, db, (uint32_t)n);
	if (f == NULL)
		return;
	ks_finding_text_set(f->where, KS_STR("the call"));
	ks_kube_call_text(&j->ex->call, f->observed, sizeof(f->observed));
	ks_finding_text_set(f->expected, (struct ks_str){power->words, strlen(power->words)});
}
