/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* A check: one line of Ready= or Healthy=, which finds out whether a running guest works. The parser of
 * definitions refuses invalid ones; the runner has them carried out. Pure. */

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

/* Per list. */
#define CHECKS_MAX        8
#define CHECK_PATTERN_MAX 256 /* bytes */

typedef struct Check {
        CheckKind kind;
        char *pattern; /* of CHECK_CONSOLE */
        char *device;  /* of checks over the network; port and path where they apply */
        uint16_t port;
        char *path;
} Check;

bool check_kind_is_of_network(CheckKind kind);

void check_clear(Check *check);
#define _cleanup_check_ __attribute__((cleanup(check_clear)))

/* INVALID_DEFINITION; the message says what is wrong with text and what would be right. */
int check_parse(const char *text, Check *ret_check, Error *ret_error);

/* A pattern that neither its author nor the guest whose lines it is matched with can make costly: PCRE
 * limits the steps of a match, and only the beginning of a line counts. */
#define CHECK_LINE_MAX 1024
GRegex *check_pattern_compile(const char *pattern);
bool check_pattern_matches(const GRegex *regex, const char *line, size_t size);

/* Whether one of the checks goes to that device. */
bool checks_have_device(char *const *checks, const char *device);

/* The checks of a list (lines joined by '\n'; NULL: none) without "started", one by one. Free with
 * g_strfreev(). */
char **checks_split(const char *list);
