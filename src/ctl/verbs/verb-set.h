/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* What set and update have in common: a change of some settings. */

/* KEY=VALUE words up to end become settings; Image is the one that is none. */
int set_read_words(Ctl *ctl, const char *verb, char **words, char **end, Error *ret_error);

/* KEY=VALUE, and no name of a file: its key is a word. */
bool set_is_setting(const char *word);

/* Takes the image of --image= into the store, unless it is named by its digest, which is checked against
 * --verify=. NULL: none was given. */
int set_import_image(Ctl *ctl, char **ret_digest, Error *ret_error);
