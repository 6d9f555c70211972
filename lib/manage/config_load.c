/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: text → libconfig's tree → values → checks between values. Never exits, never keeps half
 * a configuration.
 * Thread: the control core.
 */
#include <errno.h>
#include <stdlib.h>

#include "config_check.h"
#include "config_schema.h"
#include "config_walk.h"

_Static_assert(KS_MODE_LEARN == 0 && KS_MODE_DETECT == 1 && KS_MODE_ENFORCE == 2,
	       "the schema names modes by index");

const char *
ks_config_stage_name(enum ks_config_stage stage)
{
	const struct config_row *row = config_schema_find("placement[].stages");

	return stage < KS_CONFIG_STAGE_MAX ? row->names[stage] : "";
}

static void
file_free(struct ks_config_file *file)
{
	if (file->data != NULL)
		ks_wipe(file->data, file->bytes);
	free(file->data);
}

static void
identity_free(struct ks_config_identity *identity)
{
	file_free(&identity->certificate);
	file_free(&identity->key);
}

void
ks_config_free(struct ks_config *config)
{
	if (config == NULL)
		return;
	for (uint32_t i = 0; i < KS_CONFIG_SERVICES_MAX; i++) {
		struct ks_config_service *service = &config->services[i];

		for (uint32_t j = 0; j < KS_CONFIG_IDENTITIES_MAX; j++)
			identity_free(&service->identities[j]);
		file_free(&service->client_ca);
		file_free(&service->crl);
		file_free(&service->upstream.ca);
		identity_free(&service->upstream.front_proxy);
	}
	free(config);
}

static void
tree_fill(const struct config_source *source, bool touch_files, const config_t *tree,
	  struct ks_config *config)
{
	struct config_walk walk = {
		.source = source, .errors = source->errors, .touch_files = touch_files};

	config_walk_root(&walk, config_root_setting(tree), config);
	/* Half a configuration would only bring errors that follow from the ones already told. */
	if (source->errors->nerrors == 0)
		config_check(config, source->errors);
}

static int
source_fill(const struct config_source *source, bool touch_files, struct ks_config *config)
{
	config_t tree;

	config_init(&tree);
	/* Includes are in the text already; should one be left, it must not find a file. */
	config_set_include_dir(&tree, "/dev/null");
	if (config_read_string(&tree, source->text) == CONFIG_TRUE)
		tree_fill(source, touch_files, &tree, config);
	else
		config_error(source->errors,
			     config_source_place(source, (unsigned int)config_error_line(&tree)),
			     "", "%s", config_error_text(&tree));
	config_destroy(&tree);
	return source->errors->nerrors == 0 ? 0 : -EINVAL;
}

static int
config_build(const struct config_source *source, bool touch_files, struct ks_config **out)
{
	struct ks_config *config = calloc(1, sizeof(*config));
	int rc;

	if (config == NULL)
		return -ENOMEM;
	rc = source_fill(source, touch_files, config);
	if (rc != 0) {
		ks_config_free(config);
		return rc;
	}
	*out = config;
	return 0;
}

int
ks_config_load(const char *path, struct ks_config **out, struct ks_config_errors *errors)
{
	struct config_source source;
	int rc;

	memset(errors, 0, sizeof(*errors));
	*out = NULL;
	rc = config_source_init(&source, errors);
	if (rc != 0)
		return rc;
	rc = config_source_read(&source, path);
	if (rc == -ENOENT)
		config_error(errors, (struct config_place){"", 0}, path, "no such file");
	if (rc == 0)
		rc = config_build(&source, true, out);
	if (rc == 0)
		strcpy((*out)->path, path);
	config_source_fini(&source);
	return rc;
}

int
ks_config_parse_string(const char *text, const char *dir, struct ks_config **out,
		       struct ks_config_errors *errors)
{
	char name[KS_CONFIG_PATH_BYTES];
	struct config_source source;
	int rc;

	memset(errors, 0, sizeof(*errors));
	*out = NULL;
	if (dir == NULL)
		strcpy(name, "(text)");
	else if ((size_t)snprintf(name, sizeof(name), "%s/(text)", dir) >= sizeof(name))
		return -EINVAL;
	rc = config_source_init(&source, errors);
	if (rc != 0)
		return rc;
	rc = config_source_string(&source, text, name, dir != NULL);
	if (rc == 0)
		rc = config_build(&source, dir != NULL, out);
	config_source_fini(&source);
	return rc;
}
