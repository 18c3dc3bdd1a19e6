/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/cli/ctl.h"

/* Imports an image (as for image_open()) into the store. expected is the digest that it must have, or
 * NULL. */
int client_import_image(
                Ctl *ctl, const char *image, const char *expected, char **ret_digest, Error *ret_error);

/* Inspects an image with InspectImage(): a file (as for image_open()) or, by digest, one in the store. */
int client_inspect_image(Ctl *ctl, const char *image, JsonObject **ret_info, Error *ret_error);
