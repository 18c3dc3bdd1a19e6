/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "common/error.h"

/* Dictionaries a{sv}, in arguments and in answers. */

/* Reads the value of a key; message is positioned before the variant. */
typedef int (*DictionaryReader)(sd_bus_message *message, const char *key, void *userdata, Error *ret_error);

/* Reads the next a{sv} of message and calls read for each key. The first failure ends it and sets the error.
 * INVALID_ARGS if the dictionary cannot be read; what (such as "settings") names it in the error message. */
int dictionary_read(sd_bus_message *message, const char *what, DictionaryReader read, void *userdata,
                Error *ret_error);

/* Open an entry for key whose value is an array of contents (a signature of at most 31 characters), and
 * close it after its elements. Both return a negative errno on failure. */
int dictionary_open_array(sd_bus_message *message, const char *key, const char *contents);
int dictionary_close_array(sd_bus_message *message);

/* Appends an entry for key with a list of strings; NULL is an empty list. */
int dictionary_append_strv(sd_bus_message *message, const char *key, char **strings);
