/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Who has taken an image into the store: .owners/HEX beside the images, a number of a user on each line. An
 * image without one is nobody's. All of it under the store's lock, but for looking. */

/* Whether user has, and whether anybody else has. */
bool owners_have(const char *digest, uid_t user, bool *ret_shared);

int owners_add(const char *digest, uid_t user);
int owners_remove(const char *digest, uid_t user);

/* With the image. */
void owners_forget(const char *digest);

/* Of images that are gone. */
void owners_clean(void);
