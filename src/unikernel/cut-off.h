/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Which networks of a running unikernel have lost their bridge, and why they still have none: a file
 * /run/shruthi/cut-off/NAME, which exists as long as there is one. Written by shruthi-domain (reattach.h),
 * read by shruthid. Removed with the run directory. */

#define CUT_OFF_REASON_MAX 400

typedef struct CutOff {
        char *interface; /* on the host's side */
        char *device;
        char *reason;    /* one line */
} CutOff;

GPtrArray *cut_off_new(void); /* CutOff; frees its elements */
void cut_off_add(GPtrArray *all, const char *interface, const char *device, const char *reason);
const CutOff *cut_off_find(const GPtrArray *all, const char *device);

/* Convert to lines and back. Malformed lines are left out. Pure. */
char *cut_off_format(const GPtrArray *all);
GPtrArray *cut_off_parse(const char *text);

/* Without a file, the array is empty. Writing an empty array removes the file. */
GPtrArray *cut_off_read(const char *name);
int cut_off_write(const char *name, const GPtrArray *all);

/* Whether NAME has such a file. */
bool cut_off_is_noted(const char *name);

/* The unikernels that have such a file. Free with g_strfreev(). */
char **cut_off_list(void);
