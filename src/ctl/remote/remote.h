/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verbs/verbs.h"

/* The folder remote/ owns -H; only main.c uses it.
 *
 * -H: shruthictl over there, over ssh. File descriptors do not cross ssh, so a local image goes through
 * standard input, and everything else is the far shruthictl's: the streams, the editor, the password. */

int remote_run(Ctl *ctl, const Verb *verb, char **operands, Error *ret_error);

/* Words → one line for a POSIX shell that gives exactly these words back. Free with g_free(). */
char *remote_command(const GPtrArray *words);

/* The far command's words: the options given but for --host, the verb, "--", the operands. */
GPtrArray *remote_words(const Options *options, const Verb *verb, char **operands);

/* A word that names a file to send. */
typedef struct RemoteFile {
        guint index;   /* of the word */
        size_t prefix; /* bytes before the name: strlen("--image=") */
        bool initrd;   /* goes over first, by itself; the word then names it by digest */
} RemoteFile;

/* The words that name local files; what is a digest, "host:PATH" or empty stays. Elements RemoteFile. */
GArray *remote_files(const Verb *verb, const GPtrArray *words, guint n_operands);
