/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/client.h"

/* The journals of some unikernels, merged by time, onto standard output. */

typedef struct LogRequest {
        int lines;     /* the last so many, or LINES_ALL */
        bool follow;
        bool quietly;  /* never ask for a password */
        JsonMode json; /* JSON_OFF: journalctl's short format; else the entries as they are, one a line */
} LogRequest;

int log_print(Ctl *ctl, char **names, const LogRequest *request, Error *ret_error);
