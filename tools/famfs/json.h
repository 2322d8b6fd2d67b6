/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON for programs that read what the tools print.
 */
#ifndef FAMFS_JSON_H
#define FAMFS_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

struct json_object *json_new(void);
struct json_object *json_new_list(void);
void json_add(struct json_object *o, const char *key, struct json_object *what);
void json_add_string(struct json_object *o, const char *key, const char *text);
void json_add_number(struct json_object *o, const char *key, uint64_t n);
void json_add_size(struct json_object *o, const char *key, uint64_t bytes,
		   bool human);
void json_add_bool(struct json_object *o, const char *key, bool on);
void json_add_uuid(struct json_object *o, const char *key,
		   const uint8_t uuid[16]);
void json_append(struct json_object *list, struct json_object *what);
int json_print(struct json_object *top);

#endif /* FAMFS_JSON_H */
