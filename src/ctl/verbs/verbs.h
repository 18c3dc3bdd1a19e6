/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "ctl/cli/ctl.h"

/* The folder verbs/ owns the verbs, a file for each or for those of one kind; main.c and remote/ use their
 * table.
 *
 * The table of verbs: what dispatches, what --help shows, what the tests of man page and completions go
 * by. */

#define OPERANDS_ANY UINT_MAX

typedef struct Verb {
        const char *noun;     /* "image" of "image list", or NULL */
        const char *name;     /* NULL: any other word behind the noun */
        const char *operands; /* as --help shows them */
        const char *section;  /* of --help; NULL: not shown there */
        const char *help;
        unsigned min, max;     /* operands */
        unsigned scopes;       /* options it takes, beyond OPTION_ANY */
        unsigned file_operand; /* from which operand on (1: the first) come local files: with -H they are
                                  piped; 0: none */
        unsigned n_files;      /* how many of them */
        VerbFunction run;
        unsigned output_operand; /* which operand is a local file that gets the output, standard output
                                    without it; 0: none */
} Verb;

extern const Verb verb_table[];
extern const size_t n_verb_table;

/* Finds the verb of the words and steps over it; without any word it is "list". INVALID_ARGS with the
 * nearest one there is. */
int verb_find(char **words, const Verb **ret_verb, char ***ret_operands, Error *ret_error);

/* The number of operands is right, the options mean something to it. */
int verb_check_operands(const Verb *verb, char **operands, const Options *options, Error *ret_error);

/* "image list". Free with g_free(). */
char *verb_words(const Verb *verb);

void verbs_print_help(FILE *f, bool colors);
