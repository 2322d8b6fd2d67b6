// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thin layer over json-c, for output in the form that ndctl prints: one object
 * or one list, indented, sizes as numbers of bytes, or as text with a unit where
 * a human asked for it.
 *
 * Names come from other hosts' memory and need not be text at all, while JSON
 * is Unicode. They come out as in messages, see famfs_escape(): what is no
 * printable UTF-8, and the backslash, as \ooo, three octal digits for a byte.
 * So any name can be had back, and none can break the output.
 *
 * Nothing here returns an error, so that callers can put things together
 * without a thought: what does not get memory is left out, all that is added to
 * it too, and json_print() then prints nothing and says so.
 */
#include "json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "util.h"

static bool lost;	/* something did not get memory */

static struct json_object *keep(struct json_object *o)
{
	if (!o)
		lost = true;
	return o;
}

/**
 * json_new() - make an empty object
 *
 * Return: the object, for json_add(), json_append() or json_print()
 */
struct json_object *json_new(void)
{
	return keep(json_object_new_object());
}

/**
 * json_new_list() - make an empty list
 *
 * Return: the list, as json_new()
 */
struct json_object *json_new_list(void)
{
	return keep(json_object_new_array());
}

/**
 * json_add() - put a member into an object
 * @o: the object
 * @key: name of the member
 * @what: its value; the object's from now on
 */
void json_add(struct json_object *o, const char *key, struct json_object *what)
{
	if (o && what && !json_object_object_add(o, key, what))
		return;
	lost = true;
	json_object_put(what);
}

/**
 * json_add_string() - put a text or a name into an object
 * @o: the object
 * @key: name of the member
 * @text: any bytes, escaped as they need to be
 */
void json_add_string(struct json_object *o, const char *key, const char *text)
{
	size_t room = 4 * strlen(text) + 1;
	char *escaped = malloc(room);

	if (!escaped) {
		lost = true;
		return;
	}
	famfs_escape(escaped, room, text);
	json_add(o, key, json_object_new_string(escaped));
	free(escaped);
}

/**
 * json_add_number() - put a number into an object
 * @o: the object
 * @key: name of the member
 * @n: the number
 */
void json_add_number(struct json_object *o, const char *key, uint64_t n)
{
	json_add(o, key, json_object_new_uint64(n));
}

/**
 * json_add_size() - put a size into an object
 * @o: the object
 * @key: name of the member
 * @bytes: the size
 * @human: as text with a unit, not as a number
 */
void json_add_size(struct json_object *o, const char *key, uint64_t bytes,
		   bool human)
{
	struct famfs_sizebuf text;

	if (human)
		json_add_string(o, key, famfs_human(&text, bytes));
	else
		json_add_number(o, key, bytes);
}

/**
 * json_add_bool() - put true or false into an object
 * @o: the object
 * @key: name of the member
 * @on: which
 */
void json_add_bool(struct json_object *o, const char *key, bool on)
{
	json_add(o, key, json_object_new_boolean(on));
}

/**
 * json_add_uuid() - put a uuid into an object
 * @o: the object
 * @key: name of the member
 * @uuid: its bytes
 */
void json_add_uuid(struct json_object *o, const char *key,
		   const uint8_t uuid[16])
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	json_add_string(o, key, text);
}

/**
 * json_append() - put a value at the end of a list
 * @list: the list
 * @what: the value; the list's from now on
 */
void json_append(struct json_object *list, struct json_object *what)
{
	if (list && what && !json_object_array_add(list, what))
		return;
	lost = true;
	json_object_put(what);
}

/**
 * json_print() - print all of it on stdout, and let go of it
 * @top: an object or a list
 *
 * Return: 0, or -ENOMEM after a message, with nothing printed
 */
int json_print(struct json_object *top)
{
	const int form = JSON_C_TO_STRING_PRETTY |
			 JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = NULL;

	if (top && !lost)
		text = json_object_to_json_string_ext(top, form);
	if (text)
		puts(text);
	else
		famfs_err("can't put the output together: %s",
			  strerror(ENOMEM));
	json_object_put(top);
	lost = false;
	return text ? 0 : -ENOMEM;
}
