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
#include "scorer.h"

#define VERB(id) (1u << KS_KUBE_##id)
#define READS (VERB(GET) | VERB(LIST) | VERB(WATCH))
#define WRITES (VERB(CREATE) | VERB(UPDATE) | VERB(PATCH))
#define DELETES (VERB(DELETE) | VERB(DELETECOLLECTION))
#define ANY (READS | WRITES | DELETES | VERB(PROXY))

static const struct power {
	uint32_t verbs;
	const char *group;
	const char *resource;
	const char *subresource; /**< NULL: any */
	uint8_t db;
	const char *words;
} powers[] = {
	{READS, "", "secrets", NULL, 20, "reads credentials"},
	{VERB(CREATE), "", "serviceaccounts", "token", 20, "mints a token for another account"},
	{ANY, "", "pods", "exec", 20, "runs a program in a pod"},
	{ANY, "", "pods", "attach", 20, "enters a running program"},
	{ANY, "", "pods", "portforward", 15, "opens a tunnel into a pod"},
	{ANY, "", "pods", "ephemeralcontainers", 20, "adds a container to a running pod"},
	{ANY, "", "pods", "proxy", 15, "speaks through the API server to a pod"},
	{ANY, "", "services", "proxy", 15, "speaks through the API server to a service"},
	{ANY, "", "nodes", "proxy", 20, "commands a kubelet directly"},
	{READS, "", "pods", "log", 10, "reads another program's output"},
	{WRITES, "", "pods", "", 15, "starts or changes a workload"},
	{WRITES, "apps", "daemonsets", "", 20, "starts a workload on every node"},
	{WRITES, "apps", "deployments", "", 10, "starts or changes a workload"},
	{WRITES, "apps", "statefulsets", "", 10, "starts or changes a workload"},
	{WRITES, "batch", "jobs", "", 10, "starts a workload"},
	{WRITES, "batch", "cronjobs", "", 15, "starts a workload that comes back"},
	{DELETES, "", "pods", "", 10, "stops a workload"},
	{DELETES, "", "events", "", 20, "removes traces"},
	{READS, "", "nodes", "", 10, "looks around in the cluster"},
	{READS, "", "namespaces", "", 10, "looks around in the cluster"},
	{READS, "", "serviceaccounts", "", 10, "looks for accounts to take"},
	{READS, "rbac.authorization.k8s.io", NULL, NULL, 15, "looks for rights to take"},
	{WRITES, "rbac.authorization.k8s.io", NULL, NULL, 20, "gives rights"},
	{WRITES, "admissionregistration.k8s.io", NULL, NULL, 20,
	 "sees or changes every request of a kind"},
	{WRITES, "apiregistration.k8s.io", NULL, NULL, 20, "answers in the API server's name"},
	{WRITES, "certificates.k8s.io", NULL, NULL, 20, "issues certificates"},
	{VERB(CREATE), "authorization.k8s.io", "selfsubjectrulesreviews", NULL, 20,
	 "asks what it may do"},
	{VERB(CREATE), "authorization.k8s.io", "selfsubjectaccessreviews", NULL, 15,
	 "asks what it may do"},
	{VERB(CREATE), "authentication.k8s.io", "selfsubjectreviews", NULL, 15, "asks who it is"},
	{VERB(CREATE), "authentication.k8s.io", "tokenreviews", NULL, 15, "tries a token"},
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

static ks_cold void
raise_power(struct judge *j, const struct power *power, int db)
{
	struct ks_finding *f =
		ks_exchange_finding_add(j->ex, KS_FINDING_MEANING, db, (uint32_t)j->who->requests);

	if (f == NULL)
		return;
	ks_finding_text_set(f->where, KS_STR("the call"));
	ks_kube_call_text(&j->ex->call, f->observed, sizeof(f->observed));
	ks_finding_text_set(f->expected, (struct ks_str){power->words, strlen(power->words)});
}

void
ks_score_judge_meaning(struct judge *j)
{
	const struct ks_kube_call *call = &j->ex->call;
	const struct power *strongest = NULL;

	if (!call->resource_request || j->who == NULL)
		return;
	for (size_t i = 0; i < KS_ARRAY_SIZE(powers); i++)
		if (power_fits(&powers[i], call) &&
		    (strongest == NULL || powers[i].db > strongest->db))
			strongest = &powers[i];
	if (strongest != NULL)
		raise_power(j, strongest, strongest->db);
}
