/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles as files: written beside, synced, renamed, the folder synced; at every moment the name
 * holds a whole profile, the old one or the new one. Thread: the control core; blocks on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ks_store.h"

/* No profile within the limits of `score` comes near this. */
#define PROFILE_MAX_BYTES (1ll << 32)

static int
write_all(int fd, const uint8_t *data, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, data, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		data += put;
		n -= (size_t)put;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

/* The name is what makes it the profile: without this the rename may be lost with the power. */
static int
folder_sync(const char *path)
{
	char *copy = strdup(path);
	int fd, rc;

	if (copy == NULL)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

static int
file_replace(const char *path, const char *beside, const void *data, size_t n)
{
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, n);
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(beside, path) != 0)
		rc = -errno;
	if (rc != 0)
		unlink(beside);
	return rc != 0 ? rc : folder_sync(path);
}

int
ks_store_profile_save(const char *path, const struct ks_profile *profile)
{
	size_t n, cap = strlen(path) + sizeof(".new");
	char *beside = malloc(cap);
	void *data;
	int rc;

	if (beside == NULL)
		return -ENOMEM;
	snprintf(beside, cap, "%s.new", path);
	data = ks_profile_encode(profile, &n);
	rc = data == NULL ? -errno : file_replace(path, beside, data, n);
	free(data);
	free(beside);
	return rc;
}

static int
read_all(int fd, uint8_t *data, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, data, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		data += got;
		n -= (size_t)got;
	}
	return 0;
}

static int
file_read(int fd, void **data, size_t *n)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > PROFILE_MAX_BYTES)
		return -EBADMSG;
	*n = (size_t)st.st_size;
	*data = malloc(*n + 1);
	if (*data == NULL)
		return -ENOMEM;
	rc = read_all(fd, *data, *n);
	if (rc != 0)
		free(*data);
	return rc;
}

int
ks_store_profile_load(const char *path, struct ks_profile **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	void *data = NULL;
	size_t n = 0;

	*out = NULL;
	if (fd < 0)
		return -errno;
	rc = file_read(fd, &data, &n);
	close(fd);
	if (rc != 0)
		return rc;
	*out = ks_profile_decode(data, n);
	rc = *out == NULL ? -errno : 0;
	free(data);
	return rc;
}
