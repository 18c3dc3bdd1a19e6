/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "common/error.h"

/* Dictionaries a{sv}, in arguments and in answers. */

/* Takes the value of a key: message stands before the variant. */
typedef int (*DictionaryReader)(sd_bus_message *message, const char *key, void *userdata, Error *ret_error);

/* Reads the a{sv} that comes next in message, each key by read; the first that fails ends it, with its
 * message. INVALID_ARGS: it cannot be read; what ("settings") is its name in the message. */
int dictionary_read(sd_bus_message *message, const char *what, DictionaryReader read, void *userdata,
                Error *ret_error);

/* Opens an entry of key whose value is an array of contents (a signature, at most 31 characters) and closes
 * it after its elements. Both return a negative errno. */
int dictionary_open_array(sd_bus_message *message, const char *key, const char *contents);
int dictionary_close_array(sd_bus_message *message);

/* Appends an entry of key with a list of strings; NULL is an empty one. */
int dictionary_append_strv(sd_bus_message *message, const char *key, char **strings);
