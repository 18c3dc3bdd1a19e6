/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of shruthi-domain: its output is cut into lines. */

#include "run/body-call.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "helper/call.h"

#define BODY_LINE_MAX (16 * 1024)

struct BodyCall {
        DomainCall *call;
        GString *text; /* its output since the last whole line */
        BodyCallHooks hooks;
        void *userdata;
};

static void on_call_output(void *userdata, const char *data, size_t size)
{
        BodyCall *call = userdata;
        char *newline;

        g_string_append_len(call->text, data, (gssize) size);
        while ((newline = memchr(call->text->str, '\n', call->text->len))) {
                g_autofree char *line = g_strndup(call->text->str, (size_t) (newline - call->text->str));
                char *equals = strchr(line, '=');

                g_string_erase(call->text, 0, newline - call->text->str + 1);
                if (equals) {
                        *equals = 0;
                        call->hooks.line(call->userdata, line, equals + 1);
                }
        }
        if (call->text->len > BODY_LINE_MAX)
                g_string_truncate(call->text, 0);
}

static void on_call_handed(void *userdata, const int *fds, unsigned n_fds)
{
        BodyCall *call = userdata;

        if (call->hooks.handed)
                call->hooks.handed(call->userdata, fds, n_fds);
        else
                for (unsigned i = 0; i < n_fds; i++)
                        (void) close(fds[i]);
}

static void on_call_ended(void *userdata, int status)
{
        BodyCall *call = userdata;

        call->hooks.ended(call->userdata, status);
}

int body_call_new(sd_event *event, const BodyRequest *request, uint64_t usec, const BodyCallHooks *hooks,
                void *userdata, BodyCall **ret_call)
{
        static const DomainCallHooks call_hooks = {
                        .output = on_call_output, .handed = on_call_handed, .ended = on_call_ended};
        BodyCall *call = g_new(BodyCall, 1);
        int r;

        *call = (BodyCall){.text = g_string_new(NULL), .hooks = *hooks, .userdata = userdata};
        r = domain_call_new(event, request->words, usec, &call_hooks, call, &call->call);
        if (r < 0) {
                body_call_free(call);
                return r;
        }

        *ret_call = call;
        return 0;
}

void body_call_free(BodyCall *call)
{
        if (!call)
                return;

        domain_call_free(call->call);
        g_string_free(call->text, TRUE);
        g_free(call);
}

void body_call_set_timeout(BodyCall *call, uint64_t usec)
{
        domain_call_set_timeout(call->call, usec);
}
