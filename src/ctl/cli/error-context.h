/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/options.h"

/* Errors as the user of the command line sees them. Called by the verbs. */

/* error_cannot() puts "Cannot WHAT: " before the message, WHAT being such as "start hello"; if the message
 * already begins with that verb, this replaces it. The second function removes what the message says about
 * that verb. */
void error_cannot(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_drop_cannot(Error *error, const char *verb);

/* Makes a message of shruthid about a setting ("Memory=5: …", "Subnet: …", "[Network service]
 * Address=…: …") begin with the option that set it, if any. */
void options_name_error(const Options *options, Error *error);
