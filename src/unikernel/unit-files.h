/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/names.h"
#include "unikernel/definition.h"

/* What systemd must know of a unikernel before its unit starts, as files below a generator's directory
 * (systemd.generator(7)): that it starts at boot, how it is restarted, what it is started with and after,
 * what is mounted before it, where its key material is. All else is read at each start. shruthi-generator
 * writes them; shruthid looks whether they are as they should be, and has systemd reload where not. Pure but
 * for those two. */

typedef struct UnitFile {
        char *path; /* below the directory */
        char *text; /* what stands in it; of a link: where it leads */
        bool link;
} UnitFile;

/* UnitFile; empty for most definitions, and for none (NULL). */
GPtrArray *unit_files_new(const Definition *definition);

int unit_files_write(const char *dir, const GPtrArray *files);

/* Whether dir has those of NAME's definition (NULL: there is none), and no others of NAME's. */
bool unit_files_are_there(const char *dir, const char *name, const Definition *definition);

/* The drop-in of one unit or of all (TEMPLATE), which loads what shruthi-seal keeps. Free the first with
 * g_free(). */
char *unit_files_credentials_path(const char *unit);
#define UNIT_FILES_LOAD_ARCHIVE                                                                             \
        "LoadCredentialEncrypted=" SHRUTHI_CREDENTIAL_PREFIX "%i\n"                                         \
        "SetCredential=" SHRUTHI_CREDENTIAL_PREFIX "%i:" UNIT_FILES_NO_ARCHIVE "\n"

/* What tells the runner for which unikernels it has to wait, separated by spaces. */
#define UNIT_FILES_AWAITED "SHRUTHI_AWAITED"

/* What the unit finds where nothing was set. With a value to fall back on systemd 256 and later do not log
 * at each start that there is no such credential; an empty one is no value to it. */
#define UNIT_FILES_NO_ARCHIVE "none"
