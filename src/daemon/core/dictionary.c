/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dictionaries in arguments and answers. Called by methods that take settings or options, and by those that
 * return facts. */

#include "daemon/core/dictionary.h"

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

int dictionary_open_array(sd_bus_message *message, const char *key, const char *contents)
{
        char type[33];
        int r;

        g_snprintf(type, sizeof type, "a%s", contents);
        r = sd_bus_message_open_container(message, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', type);

        return r < 0 ? r : sd_bus_message_open_container(message, 'a', contents);
}

int dictionary_close_array(sd_bus_message *message)
{
        int r = 0;

        /* The array, the variant and the entry. */
        for (unsigned i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(message);

        return r;
}

int dictionary_append_strv(sd_bus_message *message, const char *key, char **strings)
{
        int r = dictionary_open_array(message, key, "s");

        for (char **string = strings; r >= 0 && string && *string; string++)
                r = sd_bus_message_append(message, "s", *string);

        return r < 0 ? r : dictionary_close_array(message);
}
