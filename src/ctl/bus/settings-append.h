/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/bus/client.h"

/* Appends settings as a{sv}, and opens the initial RAM disk; appends image_digest (or NULL) as
 * ImageDigest. */
int settings_append(sd_bus_message *call, const CommandSettings *settings, const char *image_digest,
                Error *ret_error);
