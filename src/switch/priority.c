/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by network.c. */

#include "switch/priority.h"

#include <errno.h>
#include <glib.h>
#include <sched.h>
#include <time.h>

#include "common/log.h"

bool priority_decide(Priority *priority, uint64_t now_nsec, uint64_t processor_nsec)
{
        uint64_t length = now_nsec - priority->begin_nsec;

        if (priority->begin_nsec != 0 && length < PRIORITY_WINDOW_NSEC)
                return priority->is_urgent;

        if (priority->begin_nsec != 0 && priority->is_urgent &&
                        processor_nsec - priority->begin_processor_nsec > length / 100 * PRIORITY_SHARE)
                priority->paused_until_nsec = now_nsec + PRIORITY_PAUSE_NSEC;
        priority->begin_nsec = now_nsec;
        priority->begin_processor_nsec = processor_nsec;
        return now_nsec >= priority->paused_until_nsec;
}

static uint64_t processor_nsec(void)
{
        struct timespec time = {};

        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return (uint64_t) time.tv_sec * 1000000000 + (uint64_t) time.tv_nsec;
}

void priority_keep(Priority *priority, uint64_t now_nsec)
{
        struct sched_param param = {};
        bool urgent;

        if (priority->is_refused)
                return;
        if (priority->begin_nsec != 0 && now_nsec - priority->begin_nsec < PRIORITY_WINDOW_NSEC)
                return;
        urgent = priority_decide(priority, now_nsec, processor_nsec());
        if (urgent == priority->is_urgent)
                return;

        param.sched_priority = urgent ? sched_get_priority_min(SCHED_RR) : 0;
        if (sched_setscheduler(0, (urgent ? SCHED_RR : SCHED_OTHER) | SCHED_RESET_ON_FORK, &param) < 0) {
                log_warning("There is no real time priority, so packets may be late while the host is busy: "
                            "%s",
                                g_strerror(errno));
                priority->is_refused = true;
                return;
        }
        priority->is_urgent = urgent;
}
