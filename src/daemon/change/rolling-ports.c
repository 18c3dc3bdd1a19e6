/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the connections of a unikernel and its twin go, as shruthi-domain has shruthi-antispoof do it. */

#include "daemon/change/rolling-private.h"

#include "common/log.h"
#include "common/string-util.h"
#include "daemon/core/libvirt-helper.h"

#define MOVE_ATTEMPTS  5
#define RETRY_USEC     G_USEC_PER_SEC
#define COUNT_USEC     (UINT64_C(250) * G_TIME_SPAN_MILLISECOND)
#define COUNT_MAX_USEC (UINT64_C(5) * G_USEC_PER_SEC)

/* --- MOVING, LEAVING --- */

static int on_rolling_move_again(sd_event_source *source, uint64_t usec, void *userdata)
{
        Rolling *rolling = userdata;

        rolling->timer = sd_event_source_disable_unref(rolling->timer);
        rolling_move(rolling);
        return 0;
}

static void on_rolling_moved(int r, Error *error, const char *output, void *userdata)
{
        Rolling *rolling = userdata;
        bool again = r < 0 && ++rolling->attempts < MOVE_ATTEMPTS;

        if (again && sd_event_add_time_relative(rolling->manager->event, &rolling->timer, CLOCK_MONOTONIC,
                                     RETRY_USEC, RETRY_USEC / 10, on_rolling_move_again, rolling) >= 0)
                return;
        if (r < 0 && rolling->trying) {
                g_autofree char *failure = g_strdup_printf("its ports could not be led to '%s': %s",
                                rolling->twin, error_message(error, r));

                rolling_set_failure(rolling, failure);
        } else if (r < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = rolling->name}, NULL, NULL,
                                "The ports of '%s' lead to it again only when '%s' has ended: %s",
                                rolling->name, rolling->twin, error_message(error, r));
        rolling_advance_by(rolling, r);
}

void rolling_move(Rolling *rolling)
{
        libvirt_helper_run(rolling->manager->helper, rolling->user, "lead",
                        rolling->trying ? rolling->twin : rolling->name, on_rolling_moved, rolling);
}

/* Where one of the two does not run, shruthi-antispoof needs no word. */
void rolling_leave(Rolling *rolling)
{
        rolling->attempts = 0;
        if (rolling_one_serves(rolling->manager, rolling->twin) &&
                        rolling_one_serves(rolling->manager, rolling->name))
                rolling_move(rolling);
        else
                rolling_advance(rolling, ROLLING_EVENT_FAILED);
}

/* --- DRAINING, EMPTYING --- */

static int on_rolling_count_again(sd_event_source *source, uint64_t usec, void *userdata);

static uint64_t rolling_read_count(const char *output)
{
        uint64_t count = UINT64_MAX;
        DomainKey key;

        for (char *value; domain_next_key(&output, &key, &value);) {
                if (key == DOMAIN_KEY_CONNECTIONS)
                        (void) number_parse(value, 0, UINT32_MAX, &count);
                g_free(value);
        }
        return count;
}

/* The longer it takes, the less it matters to be told at once. False if there is no more time. */
static bool rolling_count_later(Rolling *rolling)
{
        uint64_t now = (uint64_t) g_get_monotonic_time(), wait;

        if (now >= rolling->due)
                return false;
        wait = MIN(rolling->count_usec, rolling->due - now);
        rolling->count_usec = MIN(2 * rolling->count_usec, COUNT_MAX_USEC);
        return sd_event_add_time_relative(rolling->manager->event, &rolling->timer, CLOCK_MONOTONIC, wait, 1,
                               on_rolling_count_again, rolling) >= 0;
}

/* If they cannot be counted, all the time is given; but a unikernel that somebody stops does not go on
 * serving as its twin, and one that has ended has no connections. */
static void on_rolling_counted(int r, Error *error, const char *output, void *userdata)
{
        Rolling *rolling = userdata;
        uint64_t count = r >= 0 ? rolling_read_count(output) : UINT64_MAX;
        bool ended = !rolling_one_serves(rolling->manager, rolling->name) && !rolling_is_undecided(rolling);

        rolling->counting = false;
        if (count == 0 || ended || !rolling_count_later(rolling))
                rolling_advance(rolling, ROLLING_EVENT_DONE);
        else
                rolling_look(rolling);
}

static int on_rolling_count_again(sd_event_source *source, uint64_t usec, void *userdata)
{
        Rolling *rolling = userdata;

        rolling->timer = sd_event_source_disable_unref(rolling->timer);
        rolling->counting = true;
        libvirt_helper_run(rolling->manager->helper, rolling->user, "connections",
                        rolling->trying ? rolling->name : rolling->twin, on_rolling_counted, rolling);
        return 0;
}

void rolling_drain(Rolling *rolling)
{
        const char *from = rolling->trying ? rolling->name : rolling->twin;

        rolling->due = (uint64_t) g_get_monotonic_time() + rolling->drain_usec;
        rolling->count_usec = COUNT_USEC;
        if (rolling->drain_usec > 0 && rolling_one_serves(rolling->manager, from))
                (void) on_rolling_count_again(NULL, 0, rolling);
        else
                rolling_advance(rolling, ROLLING_EVENT_DONE);
}
