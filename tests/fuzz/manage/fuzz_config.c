/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration: refused with reasons or a complete configuration, no file touched,
 * nothing leaked. What is accepted keeps the promises that the daemon builds on.
 */
#include <stdlib.h>

#include "ks_config.h"

static void
check(const struct ks_config *config)
{
	if (config->nworkers == 0 || config->nports == 0 || config->nservices == 0)
		abort();
	for (uint32_t i = 0; i < config->nservices; i++) {
		const struct ks_config_service *service = &config->services[i];

		if (service->nidentities == 0 || service->upstream.nservers == 0 ||
		    service->upstream.server_name[0] == '\0' || service->listen.port == 0 ||
		    service->upstream.ca.data != NULL)
			abort();
	}
	if ((config->link_depth & (config->link_depth - 1)) != 0)
		abort();
}

/* libconfig 1.5 forgets some strings when a syntax error follows them; the leak checker must know.
 */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ks_config_errors errors;
	struct ks_config *config = NULL;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ks_config_parse_string(text, NULL, &config, &errors) == 0) {
		check(config);
		if (errors.nerrors != 0)
			abort();
	} else if (errors.nerrors == 0 || config != NULL) {
		abort();
	}
	ks_config_free(config);
	free(text);
	return 0;
}
