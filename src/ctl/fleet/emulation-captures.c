/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Captures of a run. */

#include <fcntl.h>
#include <stdio.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/fleet/emulation-private.h"
#include "ctl/fleet/view.h"

static int capture_begin(const FleetRun *run, FleetEmulation *emulation, const SwitchRequest *request,
                const char *name, Error *ret_error)
{
        g_autofree char *text = NULL;
        _cleanup_close_ int folder = -EBADF, fd = -EBADF;
        uint64_t parsed;
        uint32_t number;
        int r;

        r = fleet_links_make_folder(run, "captures", &folder, ret_error);
        if (r < 0)
                return r;
        fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot write %s/captures/%s", run->results, name);

        r = fleet_links_ask(emulation->fd, request, fd, &text, NULL, ret_error);
        if (r < 0)
                return r;
        if (number_parse(text, 0, UINT32_MAX, &parsed) < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "shruthi-switch does not say which capture it began");

        number = (uint32_t) parsed;
        g_array_append_val(emulation->captures, number);
        return 0;
}

/* NULL if they are all of the network, which the switch need not be told. */
static char **take_names(GPtrArray *names, bool all)
{
        if (all)
                return NULL;
        g_ptr_array_add(names, NULL);
        return (char **) g_ptr_array_steal(names, NULL);
}

static int refuse_many(const FleetEmulation *emulation, const char *key, guint n, Error *ret_error)
{
        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "%s= names %u members of the network %s, and %d is the most: write fewer, or all of "
                        "them",
                        key, n, emulation->network, SWITCH_MEMBERS_MAX);
}

static void request_begin(const FleetRun *run, SwitchRequest *request)
{
        *request = (SwitchRequest){.verb = SWITCH_CAPTURE,
                        .max_bytes = run->plan->capture_limit,
                        .snaplen = (uint32_t) run->plan->capture_bytes,
                        .filter = g_strdup(run->capture_filter)};
}

static int captures_begin_members(const FleetRun *run, FleetEmulation *emulation, Error *ret_error)
{
        g_autofree char *name = g_strconcat(emulation->links->network->name, ".pcapng", NULL);
        _cleanup_switch_request_ SwitchRequest request;
        g_autoptr(GPtrArray) names = NULL;
        bool all;

        request_begin(run, &request);
        names = fleet_links_captured(run->expansion, emulation->links, &all);
        if (names->len == 0)
                return 0;
        if (!all && names->len > SWITCH_MEMBERS_MAX)
                return refuse_many(emulation, "Capture", names->len, ret_error);
        request.members = take_names(names, all);
        return capture_begin(run, emulation, &request, name, ret_error);
}

/* Without members at either end the network has no such link. */
static int captures_begin_link(const FleetRun *run, FleetEmulation *emulation, const FleetCaptureLink *link,
                Error *ret_error)
{
        g_autofree char *name =
                        g_strconcat(emulation->links->network->name, ".", link->name, ".pcapng", NULL);
        _cleanup_switch_request_ SwitchRequest request;
        g_autoptr(GPtrArray) from = NULL, to = NULL;
        bool from_all, to_all;
        guint n;

        request_begin(run, &request);
        from = fleet_links_capture_end(run->expansion, emulation->links, &link->ends[0], &from_all);
        to = fleet_links_capture_end(run->expansion, emulation->links, &link->ends[1], &to_all);
        n = (from_all ? 0 : from->len) + (to_all ? 0 : to->len);
        if (from->len == 0 || to->len == 0)
                return 0;
        if (n > SWITCH_MEMBERS_MAX)
                return refuse_many(emulation, "CaptureLink", n, ret_error);

        /* Of two ends of which one is everybody's, the other comes first. */
        request.by_link = true;
        request.members = from_all ? take_names(to, to_all) : take_names(from, false);
        request.others = from_all ? NULL : take_names(to, to_all);
        return capture_begin(run, emulation, &request, name, ret_error);
}

int fleet_captures_begin(const FleetRun *run, FleetEmulation *emulation, Error *ret_error)
{
        const GPtrArray *links = run->plan->capture_links;
        int r;

        r = captures_begin_members(run, emulation, ret_error);
        for (guint i = 0; r >= 0 && i < links->len; i++)
                r = captures_begin_link(run, emulation, links->pdata[i], ret_error);
        return r;
}

static int capture_end(FleetRun *run, const FleetEmulation *emulation, uint32_t number, Error *ret_error)
{
        SwitchRequest request = {.verb = SWITCH_CAPTURE_END, .number = number};
        g_autofree char *text = NULL, *problem = NULL;
        unsigned long long packets, bytes, dropped;
        int r;

        r = fleet_links_ask(emulation->fd, &request, -EBADF, &text, NULL, ret_error);
        if (r < 0 || sscanf(text, "%llu %llu %llu", &packets, &bytes, &dropped) != 3 || dropped == 0)
                return r;

        problem = g_strdup_printf("%llu frames are not in a file of captures, for CaptureLimit= or because "
                                  "the disk was too slow; %llu are",
                        dropped, packets);
        fleet_view_note(run, "capture", emulation->network, problem);
        return 0;
}

void fleet_captures_end(FleetRun *run, FleetEmulation *emulation)
{
        for (guint i = 0; i < emulation->captures->len; i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = capture_end(run, emulation, g_array_index(emulation->captures, uint32_t, i), &error);

                if (r < 0)
                        fleet_view_note(run, "capture", emulation->network, error_message(&error, r));
        }
        g_array_set_size(emulation->captures, 0);
}
