/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "ctl/cli/ctl.h"

/* The folder verbs/ owns the verbs, one file for each or for a group of related ones; main.c and remote/ use
 * their table.
 *
 * The table of verbs, used for dispatch, for --help, and by the tests of the man page and the
 * completions. */

#define OPERANDS_ANY UINT_MAX

typedef struct Verb {
        const char *noun;     /* "image" in "image list", or NULL */
        const char *name;     /* NULL for any other word after the noun */
        const char *operands; /* as --help shows them */
        const char *section;  /* of --help; NULL if not shown there */
        const char *help;
        unsigned min, max;     /* operands */
        unsigned scopes;       /* options it takes besides OPTION_ANY */
        unsigned file_operand; /* number of the first operand that is a local file, piped with -H; 0 if
                                * none */
        unsigned n_files;      /* number of local files */
        VerbFunction run;
        unsigned output_operand; /* number of the operand that is a local file for the output, instead of
                                  * standard output; 0 if none */
} Verb;

extern const Verb verb_table[];
extern const size_t n_verb_table;

/* Finds the verb of the words and skips it; without any word it is "list". INVALID_ARGS with the most
 * similar verb. */
int verb_find(char **words, const Verb **ret_verb, char ***ret_operands, Error *ret_error);

/* Checks the number of operands, and that the options apply to the verb. */
int verb_check_operands(const Verb *verb, char **operands, const Options *options, Error *ret_error);

/* "image list". Free with g_free(). */
char *verb_words(const Verb *verb);

void verbs_print_help(FILE *f, bool colors);
