/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Checks: one line of Ready= or Healthy=, by which it is found out whether a guest that runs is also of use.
 * The definition's parser refuses what is none; the runner has them carried out. Pure. */

typedef enum CheckKind {
        CHECK_STARTED, /* "started": the guest runs */
        CHECK_CONSOLE, /* "console:REGEX": it has printed a line that matches */
        CHECK_TCP,     /* "tcp:DEVICE:PORT": it accepts connections */
        CHECK_HTTP,    /* "http:DEVICE:PORT/PATH": it answers GET with a status of 200 to 399 */
        CHECK_PING,    /* "ping:DEVICE": it answers ICMP echoes */
        _CHECK_KIND_MAX,
        _CHECK_KIND_INVALID = -EINVAL,
} CheckKind;

const char *check_kind_to_string(CheckKind kind);
CheckKind check_kind_from_string(const char *text);

/* In one list. */
#define CHECKS_MAX        8
#define CHECK_PATTERN_MAX 256 /* bytes */

typedef struct Check {
        CheckKind kind;
        char *pattern; /* of CHECK_CONSOLE */
        char *device;  /* of those that go over the network, and the next two where they apply */
        uint16_t port;
        char *path;
} Check;

bool check_kind_is_of_network(CheckKind kind);

void check_clear(Check *check);
#define _cleanup_check_ __attribute__((cleanup(check_clear)))

/* INVALID_DEFINITION with what is wrong with text and what would be right. */
int check_parse(const char *text, Check *ret_check, Error *ret_error);

/* A pattern that neither its author nor the guest whose lines it is held against can make costly: PCRE ends
 * a match after so many steps, and of a line only its beginning counts. */
#define CHECK_LINE_MAX 1024
GRegex *check_pattern_compile(const char *pattern);
bool check_pattern_matches(const GRegex *regex, const char *line, size_t size);

/* Whether one of them goes to that device. */
bool checks_have_device(char *const *checks, const char *device);

/* What a list of checks, lines joined by '\n' (NULL: none), holds beside "started", one by one. Free with
 * g_strfreev(). */
char **checks_split(const char *list);
