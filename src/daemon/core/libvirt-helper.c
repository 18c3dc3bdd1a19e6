/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of shruthi-domain: turns, time limit, output limit, error lines turned into an Error. */

#include "daemon/core/libvirt-helper.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/core/queue.h"
#include "helper/call.h"

#define HELPER_PROGRAM "shruthi-domain"
/* shruthi-domain has its own time limit for each request to libvirt; these apply when that fails. */
#define HELPER_TIMEOUT      (180 * G_USEC_PER_SEC)
#define HELPER_TIMEOUT_NAME (90 * G_USEC_PER_SEC) /* for each further name: each has its own limit there */
#define HELPER_TIMEOUT_LONG (660 * G_USEC_PER_SEC) /* for verbs that boot guests to see whether they run */
#define HELPER_TIMEOUT_SAVE (960 * G_USEC_PER_SEC) /* for writing the memory of a guest to a disk */
#define HELPER_OUTPUT_MAX   (4 * 1024 * 1024)

struct LibvirtHelper {
        sd_event *event;
        Queue *queue;
};

typedef struct HelperChild {
        LibvirtHelper *helper;
        QueueEntry *entry;
        char **words;
        LibvirtHelperDone done;
        void *userdata;
        DomainCall *call;
        GString *output;
        gint64 timeout; /* µs */
        gint64 deadline;
        bool too_much;
} HelperChild;

LibvirtHelper *libvirt_helper_new(sd_event *event, unsigned at_once)
{
        LibvirtHelper *helper = g_new0(LibvirtHelper, 1);

        helper->event = sd_event_ref(event);
        helper->queue = queue_new(at_once, MAX(at_once / 2, 1));
        return helper;
}

LibvirtHelper *libvirt_helper_free(LibvirtHelper *helper)
{
        if (!helper)
                return NULL;

        sd_event_unref(helper->event);
        queue_free(helper->queue);
        g_free(helper);
        return NULL;
}

unsigned libvirt_helper_count(const LibvirtHelper *helper)
{
        return queue_count_running(helper->queue) + queue_count_waiting(helper->queue);
}

/* The error is the one in the output, otherwise one made from the exit status. */
static int helper_child_failed(HelperChild *child, int status, Error *ret_error)
{
        _cleanup_body_failure_ BodyFailure failure = BODY_FAILURE_INIT;
        const char *position = child->output->str;

        for (char *key, *value; domain_next_line(&position, &key, &value);) {
                body_failure_read(&failure, key, value);
                g_free(key);
                g_free(value);
        }

        if (status < 0 && g_get_monotonic_time() >= child->deadline)
                return error_set(ret_error, ERROR_TIMED_OUT, "libvirt did not answer within %u seconds",
                                (unsigned) (child->timeout / G_USEC_PER_SEC));
        if (child->too_much)
                return error_set(ret_error, ERROR_FAILED, "The output of %s %s is too long", HELPER_PROGRAM,
                                child->words[0]);
        if (failure.message)
                return error_set(ret_error, failure.error >= 0 ? failure.error : ERROR_FAILED, "%s",
                                failure.message);
        if (status < 0)
                return error_set(ret_error, ERROR_FAILED, "%s %s was killed", HELPER_PROGRAM,
                                child->words[0]);

        return error_set(ret_error, ERROR_FAILED,
                        "%s %s ended with status %d: see its messages in the journal", HELPER_PROGRAM,
                        child->words[0], status);
}

static void helper_child_free(HelperChild *child)
{
        domain_call_free(child->call);
        g_string_free(child->output, TRUE);
        queue_entry_done(child->entry);
        g_strfreev(child->words);
        g_free(child);
}

static void on_helper_child_output(void *userdata, const char *data, size_t size)
{
        HelperChild *child = userdata;

        if (child->too_much)
                return;
        if (child->output->len + size > HELPER_OUTPUT_MAX) {
                child->too_much = true;
                domain_call_kill(child->call);
                return;
        }
        g_string_append_len(child->output, data, (gssize) size);
}

static void on_helper_child_ended(void *userdata, int status)
{
        _cleanup_error_ Error error = ERROR_INIT;
        HelperChild *child = userdata;
        int r = 0;

        if (child->too_much || status != 0)
                r = helper_child_failed(child, status, &error);
        child->done(r, &error, child->output->str, child->userdata);
        helper_child_free(child);
}

gint64 libvirt_helper_timeout(const BodyRequest *request)
{
        static const char *const long_verbs[] = {"check", "check-without-polkit", "probe", NULL};
        const char *verb = request->words[0];
        gint64 timeout = HELPER_TIMEOUT;

        if (g_str_equal(verb, "save"))
                return HELPER_TIMEOUT_SAVE;
        if (g_strv_contains(long_verbs, verb))
                return HELPER_TIMEOUT_LONG;
        for (unsigned i = 2; i < G_N_ELEMENTS(request->words) && request->words[i]; i++)
                timeout += HELPER_TIMEOUT_NAME;
        return timeout;
}

static void on_helper_child_turn(QueueEntry *entry, void *userdata)
{
        static const DomainCallHooks hooks = {
                        .output = on_helper_child_output, .ended = on_helper_child_ended};
        _cleanup_error_ Error error = ERROR_INIT;
        HelperChild *child = userdata;
        const char *const *words = (const char *const *) child->words;
        int r;

        child->entry = entry;
        child->deadline = g_get_monotonic_time() + child->timeout;
        r = domain_call_new(
                        child->helper->event, words, (uint64_t) child->timeout, &hooks, child, &child->call);
        if (r >= 0)
                return;

        (void) error_set_errno(&error, r, "Cannot run %s", HELPER_PROGRAM);
        child->done(r, &error, "", child->userdata);
        helper_child_free(child);
}

void libvirt_helper_run_body(LibvirtHelper *helper, uid_t uid, const BodyRequest *request,
                LibvirtHelperDone done, void *userdata)
{
        HelperChild *child = g_new0(HelperChild, 1);

        *child = (HelperChild){.helper = helper,
                        .words = g_strdupv((char **) request->words),
                        .done = done,
                        .userdata = userdata,
                        .output = g_string_new(NULL),
                        .timeout = libvirt_helper_timeout(request)};
        queue_add(helper->queue, uid, on_helper_child_turn, child);
}

void libvirt_helper_run(LibvirtHelper *helper, uid_t uid, const char *verb, const char *name,
                LibvirtHelperDone done, void *userdata)
{
        const BodyRequest request = {.words = {verb, name}};

        libvirt_helper_run_body(helper, uid, &request, done, userdata);
}
