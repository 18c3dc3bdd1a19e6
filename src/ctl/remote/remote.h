/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verbs/verbs.h"

/* The folder remote/ owns -H; only main.c uses it.
 *
 * -H runs the remote shruthictl over ssh. File descriptors cannot be passed over ssh, so a local image goes
 * through standard input. The remote shruthictl does everything else: the streams, the editor, the
 * password. */

int remote_run(Ctl *ctl, const Verb *verb, char **operands, Error *ret_error);

/* Quotes words as one line for a POSIX shell, which yields exactly these words. Free with g_free(). */
char *remote_command(const GPtrArray *words);

/* The words of the remote command: the given options except --host, the verb, "--", the operands. */
GPtrArray *remote_words(const Options *options, const Verb *verb, char **operands);

/* A word that names a file to send. */
typedef struct RemoteFile {
        guint index;   /* of the word */
        size_t prefix; /* bytes before the name: strlen("--image=") */
        bool initrd;   /* is sent first, separately; the word then names it by digest */
} RemoteFile;

/* Finds the words that name local files, not digests, "host:PATH" or empty. Elements RemoteFile. */
GArray *remote_files(const Verb *verb, const GPtrArray *words, guint n_operands);
