/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A full disk: QEMU tells the guest alone that its write has failed. A guest that meets that says something
 * or ends, so this looks at the disk soon after the guest has said something, and when it has ended. A guest
 * that is silent wakes nobody. */

#include <glib.h>

#include "common/names.h"
#include "run/runner.h"
#include "volume/store.h"

#define LOOK_USEC (500 * 1000) /* after its words: once for all that it says meanwhile */

bool runner_look_at_room(Runner *runner)
{
        g_autofree char *full = NULL;

        if (!runner->state.volumes)
                return false;

        full = volume_list_short_of_space(runner->state.volumes, VOLUME_SPACE_LEAST);
        if (full && !runner->no_room) {
                journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_NO_ROOM, NULL,
                                "The file system of volume '%s' is full: what the guest writes there fails "
                                "until there is room again",
                                full);
                if (!runner->finished)
                        runner_notify(runner, "STATUS=The guest runs; the file system of volume '%s' is "
                                              "full", full);
        } else if (!full && runner->no_room) {
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                                "There is room for its volumes again");
                runner_notify(runner, "STATUS=The guest runs");
        }

        runner->no_room = full != NULL;
        return runner->no_room;
}

static int on_room_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->room_source = sd_event_source_disable_unref(runner->room_source);
        if (!runner->finished)
                (void) runner_look_at_room(runner);
        return 0;
}

void runner_look_at_room_soon(Runner *runner)
{
        if (runner->state.volumes && !runner->room_source)
                (void) sd_event_add_time_relative(runner->event, &runner->room_source, CLOCK_MONOTONIC,
                                LOOK_USEC, LOOK_USEC, on_room_time, runner);
}
