/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One guest, probed again and again. Called by server.c. */

#include "probe/probe.h"

#include <glib.h>

#include "probe/attempt.h"

struct Probe {
        sd_event *event;
        Ping *ping;
        ProbeRequest request;
        ProbeTell tell;
        void *userdata;
        ProbeAttempt *attempt;  /* in progress, or NULL */
        sd_event_source *timer; /* for the next attempt */
        bool spread;            /* its place within the interval has been chosen */
        bool told_good;
};

static void on_probe_attempt(void *userdata, const char *reason)
{
        Probe *probe = userdata;
        const ProbeAnswer answer = {.number = probe->request.number, .reason = (char *) reason};
        bool news = reason || !probe->told_good;

        if (news) {
                probe->told_good = !reason;
                probe->tell(probe->userdata, &answer);
        }
        /* The connection is kept no longer than needed. */
        attempt_free(probe->attempt);
        probe->attempt = NULL;
}

static void probe_try(Probe *probe)
{
        int r = attempt_new(probe->event, probe->ping, &probe->request, on_probe_attempt, probe,
                        &probe->attempt);

        if (r < 0)
                on_probe_attempt(probe, g_strerror(-r));
}

static int on_probe_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Probe *probe = userdata;
        uint64_t interval = (uint64_t) probe->request.interval_ms * 1000, next = interval;
        int r;

        if (!probe->spread) {
                probe->spread = true;
                next = interval / 4 +
                       (uint64_t) g_random_double_range(0, (double) (interval - interval / 4));
        }
        if (!probe->attempt)
                probe_try(probe);

        r = sd_event_source_set_time_relative(source, next);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int probe_new(sd_event *event, Ping *ping, ProbeRequest *request, ProbeTell tell, void *userdata,
                Probe **ret_probe)
{
        Probe *probe = g_new(Probe, 1);
        int r;

        *probe = (Probe){.event = event,
                        .ping = ping,
                        .request = *request,
                        .tell = tell,
                        .userdata = userdata};
        *request = (ProbeRequest){};
        r = sd_event_add_time_relative(event, &probe->timer, CLOCK_MONOTONIC, 0,
                        (uint64_t) probe->request.interval_ms * 100, on_probe_time, probe);
        if (r < 0) {
                probe_free(probe);
                return r;
        }

        *ret_probe = probe;
        return 0;
}

void probe_free(Probe *probe)
{
        if (!probe)
                return;

        attempt_free(probe->attempt);
        sd_event_source_disable_unref(probe->timer);
        probe_request_clear(&probe->request);
        g_free(probe);
}

unsigned probe_number(const Probe *probe)
{
        return probe->request.number;
}
