/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Which networks of a running unikernel have lost their bridge, and why they are without it still: a file
 * /run/shruthi/cut-off/NAME, which is there as long as one is. Written by shruthi-domain (reattach.h), read
 * by shruthid. Goes with the run directory. */

#define CUT_OFF_REASON_MAX 400

typedef struct CutOff {
        char *interface; /* the host's side of it */
        char *device;
        char *reason;    /* one line */
} CutOff;

GPtrArray *cut_off_new(void); /* CutOff; frees what is in it */
void cut_off_add(GPtrArray *all, const char *interface, const char *device, const char *reason);
const CutOff *cut_off_find(const GPtrArray *all, const char *device);

/* Lines. What is none is left out. Pure. */
char *cut_off_format(const GPtrArray *all);
GPtrArray *cut_off_parse(const char *text);

/* None where there is no file. With none there is no file afterwards. */
GPtrArray *cut_off_read(const char *name);
int cut_off_write(const char *name, const GPtrArray *all);

/* Whether there is one. */
bool cut_off_is_noted(const char *name);

/* The unikernels that have one. Free with g_strfreev(). */
char **cut_off_list(void);
