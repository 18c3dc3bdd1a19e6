/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* Shared by set and update, which both change settings. */

/* Converts KEY=VALUE words up to end to settings; only Image is separate. */
int set_read_words(Ctl *ctl, const char *verb, char **words, char **end, Error *ret_error);

/* Whether word is KEY=VALUE and not a file name: its key is a plain word. */
bool set_is_setting(const char *word);

/* Imports the image of --image=, unless it is a digest, which is compared with --verify=. *ret_digest is
 * NULL if none was given. */
int set_import_image(Ctl *ctl, char **ret_digest, Error *ret_error);

/* A call of a method that takes a name and then settings, with both; digest is that of the image, or NULL.
 */
int set_new_call(Ctl *ctl, const char *member, const char *name, const char *digest,
                sd_bus_message **ret_call, Error *ret_error);
