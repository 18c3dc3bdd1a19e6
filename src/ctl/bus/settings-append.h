/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/bus/client.h"

/* Appends settings as a{sv}, opening the initial RAM disk; image_digest (or NULL) goes in as ImageDigest. */
int settings_append(sd_bus_message *call, const CommandSettings *settings, const char *image_digest,
                Error *ret_error);
