/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "common/error.h"

/* Takes the value of a key: message stands before the variant. */
typedef int (*DictionaryReader)(sd_bus_message *message, const char *key, void *userdata, Error *ret_error);

/* Reads the a{sv} that comes next in message, each key by read; the first that fails ends it, with its
 * sentence. INVALID_ARGS: it cannot be read; what ("settings") is its name in the sentence. */
int dictionary_read(sd_bus_message *message, const char *what, DictionaryReader read, void *userdata,
                Error *ret_error);
