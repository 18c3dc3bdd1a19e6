/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same call for many names. polkit's agent asks one question at a time, so calls that need a password
 * are kept until the rest is done, and then made one by one. */

#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/progress.h"
#include "ctl/output/terminal.h"

#define IN_FLIGHT_MAX 16
#define FLAG_NO_WAIT  UINT64_C(1) /* of Start(), Stop() and kin */

typedef struct Batch {
        Ctl *ctl;
        const char *what;
        unsigned in_flight;
        GPtrArray *calls; /* BatchCall: all calls that were sent */
        GPtrArray *again; /* the calls that need a password */
        GPtrArray *done;  /* names, or NULL */
        int exit_status;
        Progress progress;
} Batch;

typedef struct BatchCall {
        Batch *batch;
        const char *name;
        sd_bus_message *message;
        bool answered;
} BatchCall;

static void batch_call_free(gpointer data)
{
        BatchCall *call = data;

        sd_bus_message_unref(call->message);
        g_free(call);
}

static void batch_failed(Batch *batch, const char *name, Error *error, int r)
{
        progress_clear(&batch->progress);
        error_cannot(error, "%s %s", batch->what, name);
        terminal_print_error(error, r);
        if (error->code == ERROR_NOT_MANAGED)
                batch->ctl->not_managed = true;
        if (batch->exit_status == CTL_EXIT_SUCCESS)
                batch->exit_status = ctl_exit_status(batch->ctl, error);
}

static void batch_done(Batch *batch, const char *name)
{
        if (batch->done)
                g_ptr_array_add(batch->done, (char *) name);
}

static int batch_on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *unused)
{
        BatchCall *call = userdata;
        Batch *batch = call->batch;
        _cleanup_error_ Error error = ERROR_INIT;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        int r;

        batch->in_flight--;
        call->answered = true;
        if (!e) {
                batch_done(batch, call->name);
                return 0;
        }

        r = client_reply_error(e, -sd_bus_message_get_errno(reply), &error);
        if (error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED && !batch->ctl->options.no_ask_password)
                g_ptr_array_add(batch->again, call);
        else
                batch_failed(batch, call->name, &error, r);
        return 0;
}

static int batch_send(Batch *batch, const char *name, ClientCallMaker make, void *userdata, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        BatchCall *call;
        int r;

        r = make(batch->ctl, name, userdata, &message, ret_error);
        if (r < 0)
                return r;

        call = g_new0(BatchCall, 1);
        *call = (BatchCall){.batch = batch, .name = name, .message = sd_bus_message_ref(message)};
        g_ptr_array_add(batch->calls, call);
        r = sd_bus_call_async(batch->ctl->bus, NULL, message, batch_on_reply, call,
                        batch->ctl->call_timeout ?: UINT64_MAX);
        if (r < 0)
                return client_message_error(r, ret_error);

        batch->in_flight++;
        return 0;
}

static void batch_send_interactively(Batch *batch, BatchCall *call)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = client_send_interactively(batch->ctl, call->message, NULL, &error);
        if (r < 0)
                batch_failed(batch, call->name, &error, r);
        else
                batch_done(batch, call->name);
}

static void batch_show(Batch *batch)
{
        for (guint i = 0; i < batch->calls->len; i++) {
                const BatchCall *call = batch->calls->pdata[i];

                if (call->answered)
                        continue;
                progress_show(&batch->progress, batch->ctl, batch->what, call->name, batch->in_flight - 1);
                return;
        }
}

/* Waits for at least one reply. */
static int batch_wait(Batch *batch)
{
        unsigned before = batch->in_flight;
        int r;

        while (batch->in_flight == before) {
                r = sd_bus_process(batch->ctl->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(batch->ctl->bus, progress_interval(&batch->progress));
                /* Replies that arrive meanwhile are processed next time. */
                if (r == 0 && batch->in_flight == before)
                        batch_show(batch);
                if (r < 0 && r != -EINTR)
                        return r;
        }

        return 0;
}

/* flags: the second argument, or NULL if there is none. */
static int client_make_call(Ctl *ctl, const char *member, const char *name, const uint64_t *flags,
                sd_bus_message **ret_call, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, member, &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r >= 0 && flags)
                r = sd_bus_message_append(call, "t", *flags);
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_call = g_steal_pointer(&call);
        return 0;
}

int client_make_name_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        return client_make_call(ctl, userdata, name, NULL, ret_call, ret_error);
}

int client_make_job_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        uint64_t flags = ctl->options.no_block ? FLAG_NO_WAIT : 0;

        return client_make_call(ctl, userdata, name, &flags, ret_call, ret_error);
}

int client_call_each(Ctl *ctl, char **names, const char *what, ClientCallMaker make, void *userdata,
                GPtrArray *done)
{
        g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func(batch_call_free);
        g_autoptr(GPtrArray) again = g_ptr_array_new();
        Batch batch = {.ctl = ctl, .what = what, .calls = calls, .again = again, .done = done};
        int r;

        for (char **name = names; *name || batch.in_flight > 0;) {
                _cleanup_error_ Error error = ERROR_INIT;

                if (*name && batch.in_flight < IN_FLIGHT_MAX) {
                        r = batch_send(&batch, *name, make, userdata, &error);
                        if (r < 0)
                                batch_failed(&batch, *name, &error, r);
                        name++;
                        continue;
                }
                r = batch_wait(&batch);
                progress_clear(&batch.progress);
                if (r < 0) {
                        (void) error_set_errno(&error, r, "Lost the connection to shruthid");
                        terminal_print_error(&error, r);
                        return CTL_EXIT_FAILURE;
                }
        }

        for (guint i = 0; i < again->len; i++)
                batch_send_interactively(&batch, again->pdata[i]);

        return batch.exit_status;
}
