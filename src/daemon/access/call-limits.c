/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many calls a caller may have in progress. */

#include "daemon/access/call-limits.h"

#include <errno.h>
#include <string.h>

static unsigned calls_of(Manager *manager, uid_t uid)
{
        return GPOINTER_TO_UINT(g_hash_table_lookup(manager->calls_of, GUINT_TO_POINTER(uid)));
}

int calls_check(Manager *manager, uid_t uid, Error *ret_error)
{
        if (manager->n_calls >= CALLS_MAX || (uid != 0 && calls_of(manager, uid) >= CALLS_PER_USER_MAX))
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Too many calls in progress (%u of yours); wait until some are answered",
                                calls_of(manager, uid));

        return 0;
}

int calls_check_many(Manager *manager, uid_t uid, unsigned n, Error *ret_error)
{
        if (manager->n_calls + n > CALLS_MAX ||
                        (uid != 0 && calls_of(manager, uid) + n > CALLS_PER_USER_MAX))
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Too many calls in progress (%u of yours, and this one counts as %u); wait "
                                "until "
                                "some are answered",
                                calls_of(manager, uid), n);

        return 0;
}

void calls_enter(Manager *manager, uid_t uid, unsigned weight)
{
        g_hash_table_insert(manager->calls_of, GUINT_TO_POINTER(uid),
                        GUINT_TO_POINTER(calls_of(manager, uid) + weight));
        manager->n_calls += weight;
}

void calls_leave(Manager *manager, uid_t uid, unsigned weight)
{
        unsigned n = calls_of(manager, uid);

        if (n > weight)
                g_hash_table_insert(manager->calls_of, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(n - weight));
        else
                g_hash_table_remove(manager->calls_of, GUINT_TO_POINTER(uid));
        manager->n_calls -= weight;
        manager_touch(manager);
}

static int message_size_of_basic(sd_bus_message *message, char type, uint64_t *size)
{
        union {
                uint64_t number;
                double real;
                const char *string;
                int fd;
        } value = {};
        int r = sd_bus_message_read_basic(message, type, &value);

        if (r < 0)
                return r;

        *size += type == 's' || type == 'o' || type == 'g' ? strlen(value.string) + 5 : 8;
        return 0;
}

/* Adds up the values of the container that message is in. Containers nest at most 64 deep (D-Bus
 * specification). */
static int message_size_of_values(sd_bus_message *message, uint64_t max, uint64_t *size)
{
        const char *contents;
        char type;
        int r;

        while ((r = sd_bus_message_peek_type(message, &type, &contents)) > 0) {
                if (*size > max)
                        return -EMSGSIZE;
                if (strchr("arve", type)) {
                        r = sd_bus_message_enter_container(message, type, contents);
                        if (r >= 0)
                                r = message_size_of_values(message, max, size);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(message);
                        *size += 8;
                } else
                        r = message_size_of_basic(message, type, size);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return *size > max ? -EMSGSIZE : 0;
}

int message_check_size(sd_bus_message *message, uint64_t max)
{
        uint64_t size = 0;
        int r = message_size_of_values(message, max, &size), k = sd_bus_message_rewind(message, true);

        return r < 0 ? r : k < 0 ? k : 0;
}

unsigned message_weight(sd_bus_message *message)
{
        uint64_t size = 0;

        (void) sd_bus_message_rewind(message, true);
        (void) message_size_of_values(message, UINT64_MAX, &size);
        (void) sd_bus_message_rewind(message, true);
        return 1 + (unsigned) MIN(size / CALL_WEIGHT_SIZE, CALLS_MAX);
}
