/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dictionaries that come as arguments. Called by whatever takes settings or options. */

#include "daemon/dictionary.h"

#include <glib.h>

int dictionary_read(sd_bus_message *message, const char *what, DictionaryReader read, void *userdata,
                Error *ret_error)
{
        const char *key;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = sd_bus_message_read(message, "s", &key);
                if (r < 0)
                        break;
                r = read(message, key, userdata, ret_error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);

        return r < 0 ? error_set(ret_error, ERROR_INVALID_ARGS, "The %s cannot be read: %s", what,
                                       g_strerror(-r))
                     : 0;
}
