/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "run/journal.h"
#include "run/user-rate.h"

/* The guest's console: a FIFO that QEMU writes and that is read here, line by line, into the journal.
 *
 * Data that a process has read but not yet written dies with it. So each line is looked at first (tee(2)
 * copies a pipe without emptying it), then sent, and only then removed: after a crash a line may come twice,
 * and none is lost. An incomplete line stays in the pipe. While the guest is silent nothing here wakes
 * up. */

typedef struct Console Console;

typedef struct ConsoleHooks {
        /* What the guest wrote, unchanged, each byte once. */
        void (*bytes)(void *userdata, const char *data, size_t size);
        /* A whole line, before it goes to the journal and leaves the pipe; may come twice. */
        void (*line)(void *userdata, const char *text, size_t size);
        /* The guest writes faster than that setting of shruthi.conf allows, and has to wait from now on.
         * Once an episode. */
        void (*throttled)(void *userdata, const char *setting);
        /* console_has_ended() has become true; may come more than once. */
        void (*ended)(void *userdata);
} ConsoleHooks;

/* Reads from fd, the reading end of a FIFO, non-blocking, which stays the caller's. */
int console_new(sd_event *event, int fd, Journal *journal, const ConsoleHooks *hooks, void *userdata,
                Console **ret_console);
void console_free(Console *console);

/* Limits what goes to the journal: bytes a second and at once; UINT64_MAX: no limit, as at first. A line
 * counts with its own bytes and CONSOLE_LINE_COST: what an entry takes in the journal besides its text,
 * measured with lines of 64 bytes in systemd 252 (compact objects of later versions take less). user: the
 * rate that all guests of the owner share, or NULL; the console owns it from now on. */
#define CONSOLE_LINE_COST 490
void console_set_rate(Console *console, uint64_t rate, uint64_t burst, UserRate *user);

/* Whether nobody has the FIFO open for writing any more, after somebody had, and all that was written has
 * been removed. */
bool console_has_ended(const Console *console);
