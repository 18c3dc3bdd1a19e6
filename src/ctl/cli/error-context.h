/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/options.h"

/* Errors as the user of the command line sees them. Called by the verbs. */

/* Begins the message with "Cannot WHAT: ", such as "start hello"; where it begins with that verb
 * already, this takes the place of what it says. The second leaves out what the message says of that
 * verb. */
void error_cannot(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_drop_cannot(Error *error, const char *verb);

/* What shruthid says of a setting ("Memory=5: …", "Subnet: …", "[Network service] Address=…: …") begins
 * with the option that it was given by, if it was one. */
void options_name_error(const Options *options, Error *error);
