/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Small text helpers that several layers share: string tables, names, sizes, escaping for messages. */

/* Enum ↔ string by a table: DEFINE_STRING_TABLE(thing_state, ThingState, thing_state_table,
 * _THING_STATE_MAX) defines thing_state_to_string() (NULL if out of range) and thing_state_from_string()
 * (-EINVAL if unknown). */
int string_table_lookup(const char *const *table, size_t n, const char *text);
#define DEFINE_STRING_TABLE(prefix, Type, table, max)                                                       \
        const char *prefix##_to_string(Type value)                                                          \
        {                                                                                                   \
                return (int) value >= 0 && value < (max) ? (table)[value] : NULL;                           \
        }                                                                                                   \
        Type prefix##_from_string(const char *text)                                                         \
        {                                                                                                   \
                return (Type) string_table_lookup((table), (max), text);                                    \
        }

/* A unikernel's name: 1 to 63 of a–z, 0–9 and '-', beginning with a letter or digit and not ending with '-',
 * so that it is a DNS label (RFC 1123) and a host name too. */
bool name_is_valid(const char *name);

/* The same with a sentence: INVALID_NAME. */
int name_check(const char *name, Error *ret_error);

/* "unikernel@NAME.service". '-' would be unescaped to '/' by %I, so units only ever use %i. The name must be
 * valid. Free with g_free(). */
char *unit_name_for(const char *name);

/* The name in "unikernel@NAME.service", or -EINVAL when unit is none of ours. */
int unit_name_parse(const char *unit, char **ret_name);

/* A size as systemd writes it: digits with an optional suffix K, M, G, T (base 1024, also "KiB"…, "B").
 * Returns -EINVAL on anything else and -ERANGE beyond 64 bits. */
int size_parse(const char *text, uint64_t *ret_bytes);

/* "32M", "1.5G", "17B": for people. Free with g_free(). */
char *size_format(uint64_t bytes);

/* A size in the shortest form that size_parse() gives back exactly: "32M", "1000". Free with g_free(). */
char *size_format_exact(uint64_t bytes);

/* yes/no, true/false, on/off, 1/0 in any case, as systemd takes them; else -EINVAL. */
int boolean_parse(const char *text, bool *ret);

/* Text of unknown origin made safe for one line of a message or terminal: control characters and invalid
 * UTF-8 become \xNN, and what exceeds max_length characters is cut with "…". Free with g_free(). */
char *text_for_display(const char *text, size_t max_length);

/* Absolute, without "//", "." or ".." and without '/' at the end, so that one file has one spelling. */
bool path_is_normalized(const char *path);

/* "sha256:" and 64 lower-case hexadecimal digits. */
bool digest_is_valid(const char *digest);
