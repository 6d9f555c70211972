/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of a fuzz target where libFuzzer is not to be had: runs every seed, then mutations of it.
 * The mutations follow from a number alone, so a failing run fails again.
 *
 *   fuzz_x [-n MUTATIONS] [-s NUMBER] [-w FILE] SEED_FILE_OR_FOLDER…
 *
 * -w keeps the input at hand in FILE while it runs: after a crash it is the culprit. A target that
 * aborts says which seed and which mutation it was.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEDS_MAX 4096
#define INPUT_MAX (1u << 20)
#define GROWTH_MAX 256u
#define MUTATIONS 2000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	size_t n;
	uint8_t *bytes;
	char *path;
};

struct driver {
	struct input seed[SEEDS_MAX];
	uint32_t nseeds;
	uint32_t mutations;
	uint64_t random;
	const char *keep;
	uint64_t runs;
	char at[512]; /* which input is at hand */
};

static struct driver driver = {.mutations = MUTATIONS, .random = 1};

/* Only what a signal handler may do. */
static void
on_abort(int signo)
{
	if (write(STDERR_FILENO, driver.at, strlen(driver.at)) < 0)
		_exit(2);
}

/* splitmix64 */
static uint64_t
next_random(struct driver *d)
{
	uint64_t z = d->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t
below(struct driver *d, size_t n)
{
	return n == 0 ? 0 : next_random(d) % n;
}

static bool
read_file(struct driver *d, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(INPUT_MAX);

	if (file == NULL || bytes == NULL || d->nseeds == SEEDS_MAX) {
		fprintf(stderr, "%s: cannot be read\n", path);
		free(bytes);
		if (file != NULL)
			fclose(file);
		return false;
	}
	d->seed[d->nseeds++] =
		(struct input){fread(bytes, 1, INPUT_MAX, file), bytes, strdup(path)};
	fclose(file);
	return true;
}

static int
no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names: that of the file system differs from machine to machine. */
static bool
read_folder(struct driver *d, const char *path)
{
	struct dirent **entry;
	int n = scandir(path, &entry, no_dots, alphasort);
	bool ok = n >= 0;

	if (!ok)
		perror(path);
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name) <
		    (int)sizeof(file))
			ok = read_file(d, file) && ok;
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return ok;
}

static bool
read_seeds(struct driver *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		perror(path);
		return false;
	}
	return S_ISDIR(st.st_mode) ? read_folder(d, path) : read_file(d, path);
}

static void
keep_input(const struct driver *d, const uint8_t *bytes, size_t n)
{
	FILE *file = fopen(d->keep, "wb");

	if (file == NULL || fwrite(bytes, 1, n, file) != n)
		perror(d->keep);
	if (file != NULL)
		fclose(file);
}

static void
say_where(struct driver *d, const struct input *seed, uint32_t mutation)
{
	snprintf(d->at, sizeof(d->at), "\naborted: seed %s, mutation %u\n", seed->path, mutation);
}

/* The target gets memory of exactly the right size, so that AddressSanitizer sees each overrun. */
static void
run_one(struct driver *d, const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n == 0 ? 1 : n);

	if (exact == NULL)
		abort();
	memcpy(exact, bytes, n);
	if (d->keep != NULL)
		keep_input(d, bytes, n);
	LLVMFuzzerTestOneInput(exact, n);
	d->runs++;
	free(exact);
}

static void
set_byte(struct driver *d, struct input *in)
{
	static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\\', '\r', '\n', ' ', '0'};

	if (in->n == 0)
		return;
	in->bytes[below(d, in->n)] =
		below(d, 2) == 0 ? telling[below(d, sizeof(telling))] : (uint8_t)next_random(d);
}

static void
flip_bit(struct driver *d, struct input *in)
{
	if (in->n > 0)
		in->bytes[below(d, in->n)] ^= (uint8_t)(1u << below(d, 8));
}

/* Lengths and numbers live in the neighbourhood of right ones. */
static void
add_small(struct driver *d, struct input *in)
{
	if (in->n > 0)
		in->bytes[below(d, in->n)] += (uint8_t)(below(d, 9) - 4);
}

static void
cut_end(struct driver *d, struct input *in)
{
	in->n = below(d, in->n + 1);
}

static void
remove_part(struct driver *d, struct input *in)
{
	size_t at = below(d, in->n), n = below(d, in->n - at + 1);

	memmove(in->bytes + at, in->bytes + at + n, in->n - at - n);
	in->n -= n;
}

static void
insert_part(struct driver *d, struct input *in, const uint8_t *from, size_t n)
{
	size_t at = below(d, in->n + 1);

	memmove(in->bytes + at + n, in->bytes + at, in->n - at);
	memmove(in->bytes + at, from, n);
	in->n += n;
}

static void
insert_random(struct driver *d, struct input *in)
{
	uint8_t part[8];
	size_t n = below(d, sizeof(part)) + 1;

	for (size_t i = 0; i < n; i++)
		part[i] = (uint8_t)next_random(d);
	insert_part(d, in, part, n);
}

static void
insert_of_other(struct driver *d, struct input *in)
{
	const struct input *other = &d->seed[below(d, d->nseeds)];
	size_t at = below(d, other->n), left = other->n - at;
	size_t n = below(d, left > GROWTH_MAX ? GROWTH_MAX : left + 1);

	insert_part(d, in, other->bytes + at, n);
}

/* One to eight changes; each may add at most GROWTH_MAX bytes. */
static void
mutate(struct driver *d, struct input *in)
{
	static void (*const change[])(struct driver *, struct input *) = {
		set_byte, set_byte,    flip_bit,      flip_bit,	       add_small,
		cut_end,  remove_part, insert_random, insert_of_other,
	};
	size_t changes = (size_t)1 << below(d, 4);

	for (size_t i = 0; i < changes; i++)
		change[below(d, sizeof(change) / sizeof(change[0]))](d, in);
}

static bool
run_all(struct driver *d)
{
	uint8_t *bytes = malloc(INPUT_MAX + 8 * GROWTH_MAX);

	if (bytes == NULL)
		return false;
	for (uint32_t s = 0; s < d->nseeds; s++) {
		const struct input *seed = &d->seed[s];

		say_where(d, seed, 0);
		run_one(d, seed->bytes, seed->n);
		for (uint32_t i = 1; i <= d->mutations; i++) {
			struct input in = {seed->n, bytes, NULL};

			memcpy(bytes, seed->bytes, in.n);
			mutate(d, &in);
			say_where(d, seed, i);
			run_one(d, in.bytes, in.n);
		}
	}
	free(bytes);
	return true;
}

static bool
read_arguments(struct driver *d, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "n:s:w:")) != -1) {
		if (opt == 'n')
			d->mutations = (uint32_t)strtoul(optarg, NULL, 10);
		else if (opt == 's')
			d->random = strtoull(optarg, NULL, 10);
		else if (opt == 'w')
			d->keep = optarg;
		else
			return false;
	}
	for (; optind < argc; optind++)
		if (!read_seeds(d, argv[optind]))
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	struct driver *d = &driver;

	if (!read_arguments(d, argc, argv) || d->nseeds == 0) {
		fprintf(stderr, "usage: %s [-n MUTATIONS] [-s NUMBER] [-w FILE] SEEDS…\n", argv[0]);
		return 2;
	}
	signal(SIGABRT, on_abort);
	if (!run_all(d))
		return 2;
	printf("%u seeds, %llu runs\n", d->nseeds, (unsigned long long)d->runs);
	for (uint32_t s = 0; s < d->nseeds; s++) {
		free(d->seed[s].bytes);
		free(d->seed[s].path);
	}
	return 0;
}
