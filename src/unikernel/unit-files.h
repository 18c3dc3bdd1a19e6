/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/names.h"
#include "unikernel/definition.h"

/* What systemd must know about a unikernel before its unit starts, as files below a generator's directory
 * (systemd.generator(7)): that it starts at boot, how it is restarted, what it is started with and after,
 * what is mounted before it, where its key material is, what its guest may use. All else is read at each
 * start. shruthi-generator writes the files; shruthid checks whether they are up to date, and has systemd
 * reload if not. Pure except for those two, and for a look at the image and at the unit's control group. */

typedef struct UnitFile {
        char *path; /* below the directory */
        char *text; /* its content; for a link: its target */
        bool link;
} UnitFile;

/* Elements UnitFile; empty for most definitions, and for NULL. */
GPtrArray *unit_files_new(const Definition *definition);

int unit_files_write(const char *dir, const GPtrArray *files);

/* Whether dir has the files of NAME's definition (NULL: none), and no other files of NAME. */
bool unit_files_are_there(const char *dir, const char *name, const Definition *definition);

/* The path as it stands between quotes in a unit (systemd.syntax(7)), without anything that systemd would
 * expand. Free with g_free(). Pure. */
char *unit_files_quote(const char *path);

/* The drop-in of one unit or of all (TEMPLATE), which loads the keys that shruthi-seal keeps. Free the path
 * with g_free(). */
char *unit_files_credentials_path(const char *unit);
#define UNIT_FILES_LOAD_ARCHIVE UNIT_FILES_LOAD_ARCHIVE_OF("%i")
#define UNIT_FILES_LOAD_ARCHIVE_OF(name)                                                                    \
        "LoadCredentialEncrypted=" SHRUTHI_CREDENTIAL_PREFIX name                                           \
        "\nSetCredential=" SHRUTHI_CREDENTIAL_PREFIX name ":" UNIT_FILES_NO_ARCHIVE "\n"

/* The environment variable with the unikernels that the runner has to wait for, separated by spaces. */
#define UNIT_FILES_AWAITED "SHRUTHI_AWAITED"

/* What the unit finds if nothing was set. With a fallback value, systemd 256 and later do not log at each
 * start that there is no such credential; an empty value does not count. */
#define UNIT_FILES_NO_ARCHIVE "none"
