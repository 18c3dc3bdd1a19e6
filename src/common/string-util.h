/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Small text helpers that several layers share: string tables, yes and no, digests, text for messages. Pure.
 */

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

/* Parses yes/no, true/false, on/off, 1/0 in any case, as systemd does; -EINVAL for anything else. */
int boolean_parse(const char *text, bool *ret);

/* Parses a whole number from min to max in decimal digits; -EBADMSG for anything else. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* Makes text of unknown origin safe for one line of a message or terminal: control characters and invalid
 * UTF-8 become \xNN, and text longer than max_length characters is cut with "…". Free with g_free(). */
char *text_for_display(const char *text, size_t max_length);

/* Whether digest is "sha256:" and 64 lower-case hexadecimal digits. */
bool digest_is_valid(const char *digest);
