/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What shruthi-domain says, line by line. */

#include "run/helper.h"

#include <glib.h>
#include <string.h>

#include "helper/call.h"

#define HELPER_LINE_MAX (16 * 1024)

struct Helper {
        DomainCall *call;
        GString *text; /* what it said since its last whole line */
        HelperHooks hooks;
        void *userdata;
};

static void on_output(void *userdata, const char *data, size_t size)
{
        Helper *helper = userdata;
        char *newline;

        g_string_append_len(helper->text, data, (gssize) size);
        while ((newline = memchr(helper->text->str, '\n', helper->text->len))) {
                g_autofree char *line = g_strndup(helper->text->str, (size_t) (newline - helper->text->str));
                char *equals = strchr(line, '=');

                g_string_erase(helper->text, 0, newline - helper->text->str + 1);
                if (equals) {
                        *equals = 0;
                        helper->hooks.line(helper->userdata, line, equals + 1);
                }
        }
        if (helper->text->len > HELPER_LINE_MAX)
                g_string_truncate(helper->text, 0);
}

static void on_ended(void *userdata, int status)
{
        Helper *helper = userdata;

        helper->hooks.ended(helper->userdata, status);
}

int helper_new(sd_event *event, const char *const *arguments, uint64_t usec, const HelperHooks *hooks,
                void *userdata, Helper **ret_helper)
{
        static const DomainCallHooks call_hooks = {.output = on_output, .ended = on_ended};
        Helper *helper = g_new(Helper, 1);
        int r;

        *helper = (Helper){.text = g_string_new(NULL), .hooks = *hooks, .userdata = userdata};
        r = domain_call_new(event, arguments, usec, &call_hooks, helper, &helper->call);
        if (r < 0) {
                helper_free(helper);
                return r;
        }

        *ret_helper = helper;
        return 0;
}

void helper_free(Helper *helper)
{
        if (!helper)
                return;

        domain_call_free(helper->call);
        g_string_free(helper->text, TRUE);
        g_free(helper);
}

void helper_set_timeout(Helper *helper, uint64_t usec)
{
        domain_call_set_timeout(helper->call, usec);
}
