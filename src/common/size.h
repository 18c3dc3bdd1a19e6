/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Sizes in bytes as people and settings write them. Pure. */

/* Parses a size as systemd writes it: digits with an optional suffix K, M, G, T (base 1024, also "KiB"…,
 * "B"). -EINVAL for anything else, -ERANGE beyond 64 bits. */
int size_parse(const char *text, uint64_t *ret_bytes);

/* "32M", "1.5G", "17B": for people. Free with g_free(). */
char *size_format(uint64_t bytes);

/* A size in the shortest form that size_parse() converts back exactly: "32M", "1000". Free with g_free(). */
char *size_format_exact(uint64_t bytes);
