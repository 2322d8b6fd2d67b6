// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What comes out is JSON, whatever goes in: it is read back with json-c.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#include "json.h"

static char printed[4096];

/* What json_print() puts on stdout */
static int print(struct json_object *top)
{
	FILE *f = tmpfile();
	int rc, out = dup(STDOUT_FILENO);
	size_t n;

	assert_non_null(f);
	fflush(stdout);
	assert_true(dup2(fileno(f), STDOUT_FILENO) >= 0);
	rc = json_print(top);
	fflush(stdout);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	rewind(f);
	n = fread(printed, 1, sizeof(printed) - 1, f);
	printed[n] = '\0';
	fclose(f);
	return rc;
}

/* json-c has a line between the brackets of what is empty, or nothing: nothing */
static void close_empty(char *text)
{
	char *to = text;

	for (; *text; text++) {
		char *end = text + 1 + strspn(text + 1, "\n ");

		*to++ = *text;
		if ((*text == '[' && *end == ']') ||
		    (*text == '{' && *end == '}'))
			text = end - 1;
	}
	*to = '\0';
}

static void form(void **state)
{
	static const uint8_t uuid[16] = { 0xab, 0xcd, [15] = 0x01 };
	struct json_object *o = json_new(), *list = json_new_list();
	struct json_object *in = json_new();

	(void)state;
	json_add_string(o, "path", "/dev/dax0.0");
	json_add_number(o, "big", UINT64_MAX);
	json_add_size(o, "size", 3 << 20, false);
	json_add_size(o, "human", 3 << 20, true);
	json_add_bool(o, "yes", true);
	json_add_uuid(o, "uuid", uuid);
	json_append(list, in);
	json_add(o, "list", list);
	json_add(o, "none", json_new_list());
	assert_int_equal(print(o), 0);
	close_empty(printed);
	assert_string_equal(printed,
			    "{\n"
			    "  \"path\":\"/dev/dax0.0\",\n"
			    "  \"big\":18446744073709551615,\n"
			    "  \"size\":3145728,\n"
			    "  \"human\":\"3.00MiB\",\n"
			    "  \"yes\":true,\n"
			    "  \"uuid\":\"abcd0000-0000-0000-0000-000000000001\",\n"
			    "  \"list\":[\n"
			    "    {}\n"
			    "  ],\n"
			    "  \"none\":[]\n"
			    "}\n");
}

/* Each byte there is, alone and beside others */
static void names(void **state)
{
	char all[256], name[80], want[1100];
	uint64_t seed = 4711;
	unsigned int i, round;

	(void)state;
	for (i = 0; i < 255; i++)
		all[i] = i + 1;
	all[255] = '\0';
	for (round = 0; round < 2000; round++) {
		struct json_object *o = json_new(), *back, *got;
		struct json_tokener *t = json_tokener_new();
		const char *text = all;

		if (round) {
			for (i = 0; i < sizeof(name) - 1; i++)
				name[i] = 1 + test_random(&seed) % 255;
			name[i] = '\0';
			text = name;
		}
		json_add_string(o, "name", text);
		assert_int_equal(print(o), 0);
		/* Not JSON_TOKENER_STRICT: json-c 0.18 then takes no UTF-8 */
		for (i = 0; printed[i]; i++)
			assert_true((uint8_t)printed[i] >= ' ' ||
				    printed[i] == '\n');
		back = json_tokener_parse_ex(t, printed, strlen(printed));
		assert_non_null(back);
		assert_true(json_object_object_get_ex(back, "name", &got));
		famfs_escape(want, sizeof(want), text);
		assert_string_equal(json_object_get_string(got), want);
		json_object_put(back);
		json_tokener_free(t);
	}
}

/* What got no memory: nothing is printed, and the next is not the worse for it */
static void no_memory(void **state)
{
	struct json_object *o = json_new();

	(void)state;
	famfs_set_sink(test_sink);
	json_add(o, "lost", NULL);
	json_add_number(NULL, "lost", 1);
	json_append(NULL, json_new());
	assert_int_equal(print(o), -ENOMEM);
	assert_string_equal(printed, "");
	assert_int_equal(test_messages, 1);
	assert_int_equal(print(NULL), -ENOMEM);
	assert_int_equal(print(json_new_list()), 0);
	close_empty(printed);
	assert_string_equal(printed, "[]\n");
	famfs_set_sink(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(form),
		CASE(names),
		CASE(no_memory),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
