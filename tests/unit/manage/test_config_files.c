/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration on the disk: includes, files that it names, and what is wrong with them.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_text.h"

static struct ks_config_errors errors;
static char dir[64];

static const char pem_cert[] = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
static const char pem_key[] = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";

static const char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	chmod(path_of(name), mode);
}

/** A folder where the smallest configuration loads. */
static void
folder_make(void)
{
	strcpy(dir, "/tmp/ks-config-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	mkdir(path_of("rules"), 0700);
	put("s.crt", pem_cert, 0644);
	put("ca.crt", pem_cert, 0644);
	put("s.key", pem_key, 0600);
	put("main.conf", CONFIG_TEXT, 0644);
}

static void
folder_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(command), 0);
}

static struct ks_config *
load(void)
{
	struct ks_config *config = NULL;
	int rc = ks_config_load(path_of("main.conf"), &config, &errors);

	CU_ASSERT_EQUAL(rc == 0, config != NULL);
	CU_ASSERT_TRUE(rc == 0 || rc == -EINVAL || rc == -ENOENT);
	return config;
}

static void
expect(const char *said)
{
	struct ks_config *config = load();

	CU_ASSERT_PTR_NULL(config);
	if (!errors_hold(&errors, said)) {
		CU_FAIL("not told as expected");
		printf("\n  expected: %s\n", said);
		ks_config_errors_print(&errors, stdout);
	}
	ks_config_free(config);
}

static void
test_load(void)
{
	struct ks_config *config;

	folder_make();
	config = load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_STRING_EQUAL(config->path, path_of("main.conf"));
	CU_ASSERT_STRING_EQUAL(config->services[0].identities[0].key.data, pem_key);
	CU_ASSERT_EQUAL(config->services[0].identities[0].key.bytes, sizeof(pem_key) - 1);
	CU_ASSERT_STRING_EQUAL(config->services[0].upstream.ca.path, path_of("ca.crt"));
	CU_ASSERT_STRING_EQUAL(config->rules.directories[0], path_of("rules"));
	CU_ASSERT_EQUAL(errors.nwarnings, 0);
	ks_config_free(config);
	folder_remove();
}

static void
test_missing(void)
{
	folder_make();
	unlink(path_of("s.key"));
	rmdir(path_of("rules"));
	expect("main.conf:6: services[0].identities[0].key: ");
	CU_ASSERT_TRUE(errors_hold(&errors, "s.key: No such file"));
	CU_ASSERT_TRUE(errors_hold(&errors, "main.conf:9: rules.directories[0]: no folder"));
	unlink(path_of("main.conf"));
	expect("main.conf: no such file");
	folder_remove();
}

static void
test_wrong_content(void)
{
	folder_make();
	put("ca.crt", "hello", 0644);
	expect("holds no CERTIFICATE in PEM form");
	put("ca.crt", pem_key, 0644);
	expect("holds no CERTIFICATE in PEM form");
	put("ca.crt", "", 0644);
	expect("holds no CERTIFICATE in PEM form");
	CU_ASSERT_EQUAL(truncate(path_of("ca.crt"), KS_CONFIG_FILE_BYTES_MAX + 1), 0);
	expect("services[0].upstream.ca: ");
	unlink(path_of("ca.crt"));
	CU_ASSERT_EQUAL(mkfifo(path_of("ca.crt"), 0600), 0);
	expect("ca.crt: not a regular file");
	folder_remove();
}

static void
test_key_mode(void)
{
	struct ks_config *config;

	folder_make();
	chmod(path_of("s.key"), 0644);
	config = load();
	CU_ASSERT_PTR_NOT_NULL(config);
	CU_ASSERT_EQUAL(errors.nwarnings, 1);
	CU_ASSERT_TRUE(errors_hold(&errors, "s.key can be read by others (mode 644)"));
	ks_config_free(config);
	folder_remove();
}

static void
test_include(void)
{
	struct ks_config *config;
	char *text, line[300];

	folder_make();
	mkdir(path_of("part"), 0700);
	/* A path in an included file counts from that file's folder. */
	put("part/rules.conf", "\n\nrules = { directories = [ \"../rules\" ]; };\n", 0644);
	text = text_replace(CONFIG_TEXT, "rules = { directories = [ \"rules\" ]; };\n",
			    "  @include \"part/rules.conf\" # more\nwrong = 1;\n");
	put("main.conf", text, 0644);
	expect("main.conf:10: wrong: unknown key");
	CU_ASSERT_EQUAL(errors.nerrors, 1);
	put("part/rules.conf", "\n\nrules = { dir = [ ]; };\n", 0644);
	expect("part/rules.conf:3: rules.dir: unknown key");
	put("part/rules.conf", "a =\n;\n", 0644);
	expect("part/rules.conf:2: syntax error");
	put("part/rules.conf", "@include \"rules.conf\"\n", 0644);
	expect("part/rules.conf:1: @include: more than 8 files deep");
	put("part/rules.conf", "\n@include \"none.conf\"\n", 0644);
	expect("part/rules.conf:2: @include: none.conf: No such file");
	put("part/rules.conf", "\n@include \"../rules\"\n", 0644);
	expect("part/rules.conf:2: @include: ../rules: Is a directory");
	put("part/rules.conf", "@include rules.conf\n", 0644);
	expect("expected a path in double quotes");
	put("part/rules.conf", "rules = { directories = [ \"../rules\" ]; };", 0644);
	free(text);
	snprintf(line, sizeof(line), "@include \"%s\"\nlinks = { depth = 64; };\n",
		 path_of("part/rules.conf"));
	text = text_replace(CONFIG_TEXT, "rules = { directories = [ \"rules\" ]; };\n", line);
	put("main.conf", text, 0644);
	config = load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_EQUAL(config->link_depth, 64);
	ks_config_free(config);
	free(text);
	folder_remove();
}

static void
test_include_fan_out(void)
{
	folder_make();
	/* Two includes of the next file on each level: bounded long before the machine is full. */
	for (int i = 0; i < 8; i++) {
		char name[32], text[96];

		snprintf(name, sizeof(name), "f%d.conf", i);
		snprintf(text, sizeof(text), "@include \"f%d.conf\"\n@include \"f%d.conf\"\n",
			 i + 1, i + 1);
		put(name, text, 0644);
	}
	put("f8.conf", "# end\n", 0644);
	put("main.conf", "@include \"f1.conf\"\n", 0644);
	CU_ASSERT_PTR_NULL(load());
	CU_ASSERT_TRUE(errors.nerrors > 0);
	folder_remove();
}

static const struct ks_test tests[] = {
	KS_TEST(test_load),	KS_TEST(test_missing), KS_TEST(test_wrong_content),
	KS_TEST(test_key_mode), KS_TEST(test_include), KS_TEST(test_include_fan_out),
};

KS_TEST_MAIN("manage/config_files", tests)
