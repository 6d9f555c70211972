/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a configuration with its includes put in, and where each line of it came from.
 *
 * libconfig 1.5 would do includes itself, but cannot take an absolute path, ends the process when
 * the path is a folder, and cuts integers over 32 bits without a word; so it gets one complete
 * text.
 */
#ifndef KS_CONFIG_SOURCE_H
#define KS_CONFIG_SOURCE_H

#include "config_error.h"

#define CONFIG_SOURCE_FILES_MAX 64
#define CONFIG_SOURCE_PARTS_MAX 160
#define CONFIG_SOURCE_BYTES_MAX (4u << 20)
#define CONFIG_SOURCE_DEPTH_MAX 8

struct config_source {
	char *text;
	size_t n, cap;
	unsigned int lines; /**< complete lines in `text` */
	char (*files)[KS_CONFIG_PATH_BYTES];
	uint32_t nfiles;
	/** From line `first` (counted from 0) on, the text is line `line` (from 1) of file `file`.
	 */
	struct {
		unsigned int first, line;
		uint32_t file;
	} parts[CONFIG_SOURCE_PARTS_MAX];
	uint32_t nparts;
	struct ks_config_errors *errors;
	bool includes; /**< allowed */
};

/** @param errors stays borrowed. @return 0 or -ENOMEM. */
int config_source_init(struct config_source *source, struct ks_config_errors *errors);
void config_source_fini(struct config_source *source);
/** @return 0; -ENOENT no such file (no error added); -EINVAL with errors added. */
int config_source_read(struct config_source *source, const char *path);
/** `name` stands for the text in errors; relative includes are looked up beside it.
 *  @param includes false: an include is an error. */
int config_source_string(struct config_source *source, const char *text, const char *name,
			 bool includes);
/** @param line of the whole text, from 1. */
struct config_place config_source_place(const struct config_source *source, unsigned int line);

/** Reads a regular file of at most `max` bytes, with a '\0' behind them.
 *  @return 0, -errno; -EISDIR not a regular file, -E2BIG too large. */
int config_file_read(const char *path, size_t max, char **data, size_t *bytes);
/** `path` as seen from the folder of `base` (a file's path). @return 0 or -ENAMETOOLONG. */
int config_path_resolve(const char *base, const char *path, char out[KS_CONFIG_PATH_BYTES]);

#endif
