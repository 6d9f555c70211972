/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a configuration names: finding them from the folder of the file that names them, and
 * reading them whole with a bound. Refuses what is not a regular file (a FIFO would hold the start
 * for ever). Thread: the control core, at load.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_source.h"

int
config_path_resolve(const char *base, const char *path, char out[KS_CONFIG_PATH_BYTES])
{
	const char *slash = strrchr(base, '/');
	size_t dir = path[0] == '/' || slash == NULL ? 0 : (size_t)(slash - base) + 1;
	size_t n = strlen(path);

	if (dir + n >= KS_CONFIG_PATH_BYTES)
		return -ENAMETOOLONG;
	memcpy(out, base, dir);
	memcpy(out + dir, path, n + 1);
	return 0;
}

static int
read_all(int fd, char *data, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t rc = read(fd, data + got, n - got);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return rc == 0 ? -EIO : -errno;
		got += (size_t)rc;
	}
	return 0;
}

static int
file_read_open(int fd, size_t max, char **data, size_t *bytes)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	if ((uint64_t)st.st_size > max)
		return -E2BIG;
	*bytes = (size_t)st.st_size;
	*data = malloc(*bytes + 1);
	if (*data == NULL)
		return -ENOMEM;
	rc = read_all(fd, *data, *bytes);
	if (rc != 0) {
		free(*data);
		*data = NULL;
		return rc;
	}
	(*data)[*bytes] = '\0';
	return 0;
}

int
config_file_read(const char *path, size_t max, char **data, size_t *bytes)
{
	/* Without O_NONBLOCK opening a FIFO would wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	*data = NULL;
	*bytes = 0;
	if (fd < 0)
		return -errno;
	rc = file_read_open(fd, max, data, bytes);
	close(fd);
	return rc;
}
