/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setters, one per type of the schema. Each says exactly what it expected and what it found.
 * Thread: the control core, at load.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config_source.h"
#include "config_value.h"

const char *
config_setting_words(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "an integer";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	default:
		return "nothing";
	}
}

static bool
uint_store(void *dst, uint32_t size, uint64_t value)
{
	if (size == sizeof(uint8_t))
		*(uint8_t *)dst = (uint8_t)value;
	else if (size == sizeof(uint16_t))
		memcpy(dst, &(uint16_t){(uint16_t)value}, size);
	else if (size == sizeof(uint32_t))
		memcpy(dst, &(uint32_t){(uint32_t)value}, size);
	else
		memcpy(dst, &value, sizeof(value));
	return true;
}

static bool
uint_set(const struct config_spot *spot, const struct config_row *row, long long value, void *dst)
{
	const char *unit = row->unit != NULL ? row->unit : "";

	if (value < 0 || (uint64_t)value < row->min || (uint64_t)value > row->max) {
		config_error(spot->errors, spot->place, spot->key,
			     "%lld is out of range: %llu to %llu%s%s", value,
			     (unsigned long long)row->min, (unsigned long long)row->max,
			     unit[0] == '\0' ? "" : " ", unit);
		return false;
	}
	return uint_store(dst, row->size, (uint64_t)value);
}

static bool
text_set(const struct config_spot *spot, const struct config_row *row, const char *text, void *dst)
{
	size_t n = strlen(text);

	if (n >= row->size) {
		config_error(spot->errors, spot->place, spot->key,
			     "%zu characters are too many: at most %u", n, row->size - 1);
		return false;
	}
	if (row->required && n == 0) {
		config_error(spot->errors, spot->place, spot->key, "must not be empty");
		return false;
	}
	memcpy(dst, text, n + 1);
	return true;
}

static int
enum_index(const struct config_row *row, const char *text)
{
	for (int i = 0; row->names[i] != NULL; i++)
		if (text[0] != '\0' && strcmp(row->names[i], text) == 0)
			return i;
	return -1;
}

static bool
enum_set(const struct config_spot *spot, const struct config_row *row, const char *text, void *dst)
{
	char names[128];
	size_t used = 0;
	int index = enum_index(row, text);

	if (index >= 0)
		return uint_store(dst, row->size, (uint64_t)index);
	names[0] = '\0';
	for (int i = 0; row->names[i] != NULL && used < sizeof(names); i++)
		if (row->names[i][0] != '\0')
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used == 0 ? "" : ", ", row->names[i]);
	config_error(spot->errors, spot->place, spot->key, "\"%.40s\" is not one of %s", text,
		     names);
	return false;
}

static bool
prefix_parse(const char *text, struct ks_config_prefix *out)
{
	char addr[KS_ADDR_TEXT_BYTES];
	const char *slash = strchr(text, '/');
	char *end;
	unsigned long len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (slash[1] < '0' || slash[1] > '9' || ks_addr_parse(addr, &out->addr) != 0)
		return false;
	len = strtoul(slash + 1, &end, 10);
	out->len = (uint8_t)len;
	return *end == '\0' && len <= (ks_addr_is_v4(&out->addr) ? 32 : 128);
}

/** Addresses in their three forms. */
static bool
address_set(const struct config_spot *spot, const struct config_row *row, const char *text,
	    void *dst)
{
	const char *form;
	bool ok;

	if (row->type == CONFIG_ADDRESS) {
		form = "an address (\"10.0.0.1\")";
		ok = ks_addr_parse(text, dst) == 0;
	} else if (row->type == CONFIG_PREFIX) {
		form = "an address with the length of its network (\"10.0.0.1/24\")";
		ok = prefix_parse(text, dst);
	} else {
		form = "an address with a port (\"10.0.0.1:6443\")";
		ok = ks_endpoint_parse(text, dst) == 0 && ((struct ks_endpoint *)dst)->port != 0;
	}
	if (!ok)
		config_error(spot->errors, spot->place, spot->key, "\"%.80s\" is not %s", text,
			     form);
	return ok;
}

static bool
path_set(const struct config_spot *spot, const struct config_row *row, const char *text, char *dst)
{
	char folder[KS_CONFIG_PATH_BYTES], *slash;
	struct stat st;

	if (text[0] == '\0' && !row->required)
		return true;
	if (!spot->touch_files)
		return text_set(spot, row, text, dst);
	if (config_path_resolve(spot->place.file, text, dst) != 0) {
		config_error(spot->errors, spot->place, spot->key, "the path is too long");
		return false;
	}
	strcpy(folder, dst);
	slash = strrchr(folder, '/');
	if (row->type == CONFIG_PATH && slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	else if (row->type == CONFIG_PATH)
		strcpy(folder, ".");
	if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
		config_error(spot->errors, spot->place, spot->key, "no folder %s", folder);
		return false;
	}
	return true;
}

static bool
file_check(const struct config_spot *spot, const struct config_row *row,
	   const struct ks_config_file *file)
{
	char mark[64];
	struct stat st;

	snprintf(mark, sizeof(mark), "%s-----", row->pem);
	if (strlen(file->data) != file->bytes || strstr(file->data, "-----BEGIN ") == NULL ||
	    strstr(file->data, mark) == NULL) {
		config_error(spot->errors, spot->place, spot->key, "%s holds no %s in PEM form",
			     file->path, row->pem);
		return false;
	}
	if (row->secret && stat(file->path, &st) == 0 && (st.st_mode & 077) != 0)
		config_warning(spot->errors, spot->place, spot->key,
			       "%s can be read by others (mode %03o): chmod 600", file->path,
			       (unsigned int)st.st_mode & 0777);
	return true;
}

static bool
file_set(const struct config_spot *spot, const struct config_row *row, const char *text,
	 struct ks_config_file *file)
{
	int rc;

	if (text[0] == '\0' && !row->required)
		return true;
	rc = spot->touch_files ? config_path_resolve(spot->place.file, text, file->path)
			       : (strlen(text) < sizeof(file->path) ? 0 : -ENAMETOOLONG);
	if (rc == 0 && !spot->touch_files) {
		strcpy(file->path, text);
		return true;
	}
	if (rc == 0)
		rc = config_file_read(file->path, KS_CONFIG_FILE_BYTES_MAX, &file->data,
				      &file->bytes);
	if (rc == 0)
		return file_check(spot, row, file);
	config_error(spot->errors, spot->place, spot->key, "%s: %s",
		     file->path[0] != '\0' ? file->path : text,
		     rc == -EISDIR ? "not a regular file" : strerror(-rc));
	return false;
}

static bool
string_set(const struct config_spot *spot, const struct config_row *row, const char *text,
	   void *dst)
{
	switch (row->type) {
	case CONFIG_TEXT:
		return text_set(spot, row, text, dst);
	case CONFIG_ENUM:
		return enum_set(spot, row, text, dst);
	case CONFIG_FILE:
		return file_set(spot, row, text, dst);
	case CONFIG_PATH:
	case CONFIG_FOLDER:
		return path_set(spot, row, text, dst);
	default:
		return (text[0] == '\0' && !row->required && !row->many) ||
		       address_set(spot, row, text, dst);
	}
}

bool
config_value_set(const struct config_spot *spot, const struct config_row *row,
		 const config_setting_t *setting, void *dst)
{
	int type = config_setting_type(setting);
	const char *expected;

	if (row->type == CONFIG_BOOL) {
		if (type == CONFIG_TYPE_BOOL) {
			*(bool *)dst = config_setting_get_bool(setting) != 0;
			return true;
		}
		expected = "true or false";
	} else if (row->type == CONFIG_UINT) {
		if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
			return uint_set(spot, row, config_setting_get_int64(setting), dst);
		expected = "an integer";
	} else {
		if (type == CONFIG_TYPE_STRING)
			return string_set(spot, row, config_setting_get_string(setting), dst);
		expected = "a string";
	}
	config_error(spot->errors, spot->place, spot->key, "expected %s, found %s", expected,
		     config_setting_words(setting));
	return false;
}

void
config_value_default(const struct config_row *row, void *dst)
{
	if (row->def == NULL)
		return;
	if (row->type == CONFIG_BOOL)
		*(bool *)dst = strcmp(row->def, "true") == 0;
	else if (row->type == CONFIG_UINT)
		uint_store(dst, row->size, strtoull(row->def, NULL, 10));
	else if (row->type == CONFIG_ENUM)
		uint_store(dst, row->size, (uint64_t)enum_index(row, row->def));
	else
		memcpy(dst, row->def, strlen(row->def) + 1);
}
