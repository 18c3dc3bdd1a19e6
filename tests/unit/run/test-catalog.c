/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whoever asks "journalctl -x" about a message of ours gets an explanation. */

#include <glib.h>
#include <string.h>

#include "common/names.h"

static const char *const message_ids[] = {
                SHRUTHI_MESSAGE_STARTED,
                SHRUTHI_MESSAGE_ENDED,
                SHRUTHI_MESSAGE_FAILED,
                SHRUTHI_MESSAGE_ADOPTED,
                SHRUTHI_MESSAGE_SILENT,
                SHRUTHI_MESSAGE_THROTTLED,
                SHRUTHI_MESSAGE_NO_ROOM,
                SHRUTHI_MESSAGE_PAUSED,
                SHRUTHI_MESSAGE_RESUMED,
                SHRUTHI_MESSAGE_STUCK,
                SHRUTHI_MESSAGE_READY,
                SHRUTHI_MESSAGE_NOT_READY,
                SHRUTHI_MESSAGE_FAILING,
                SHRUTHI_MESSAGE_HEALTHY,
                SHRUTHI_MESSAGE_UNHEALTHY,
                SHRUTHI_MESSAGE_BROKEN,
                SHRUTHI_MESSAGE_CREATED,
                SHRUTHI_MESSAGE_REMOVED,
                SHRUTHI_MESSAGE_CHANGED,
                SHRUTHI_MESSAGE_UPDATED,
                SHRUTHI_MESSAGE_ROLLED_BACK,
                SHRUTHI_MESSAGE_CUT_OFF,
                SHRUTHI_MESSAGE_REATTACHED,
};

static void test_every_message_is_explained(void)
{
        g_autofree char *text = NULL;
        unsigned entries = 0;

        g_assert_true(g_file_get_contents(g_getenv("SHRUTHI_CATALOG"), &text, NULL, NULL));

        for (size_t i = 0; i < G_N_ELEMENTS(message_ids); i++) {
                g_autofree char *head = g_strdup_printf("\n-- %s\nSubject: ", message_ids[i]);

                g_assert_nonnull(strstr(text, head));
        }
        for (const char *p = text; (p = strstr(p, "\n-- ")); p++)
                entries++;
        g_assert_cmpuint(entries, ==, G_N_ELEMENTS(message_ids));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/run/catalog/every-message-is-explained", test_every_message_is_explained);
        return g_test_run();
}
