/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* What was written on the command line, as its author sees it. Called by create and set. */

/* The operands that stood behind "--" where at least first ones stood before it; else the end of them. */
char **options_words_behind(const Options *options, char **operands, unsigned first);

/* Takes words from behind "--" for the guest's arguments, and says it where that is a likely slip. */
int arguments_take(Ctl *ctl, char **arguments, Error *ret_error);

/* Begins the sentence with "Cannot WHAT: ", such as "start hello"; where it begins with that verb
 * already, this takes the place of what it says. The second leaves out what the sentence says of that
 * verb. */
void error_cannot(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_drop_cannot(Error *error, const char *verb);

/* What shruthid says of a setting ("Memory=5: …", "Subnet: …", "[Network service] Address=…: …") begins
 * with the option that it was given by, if it was one. */
void options_name_error(const Options *options, Error *error);
