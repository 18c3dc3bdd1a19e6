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
 * What a process has read but not yet written dies with it. So each line is looked at first (tee(2) copies a
 * pipe without emptying it), then sent, and only then taken out: after a crash a line may come twice, and
 * none is lost. A line that is not complete stays in the pipe. While the guest is silent nothing here wakes
 * up. */

typedef struct Console Console;

typedef struct ConsoleHooks {
        /* What the guest wrote, as it wrote it, each byte once. */
        void (*bytes)(void *userdata, const char *data, size_t size);
        /* A whole line, before it goes to the journal and leaves the pipe; may come twice. */
        void (*line)(void *userdata, const char *text, size_t size);
        /* The guest writes faster than that setting of shruthi.conf allows; from now on it is made to wait.
         * Once an episode. */
        void (*throttled)(void *userdata, const char *setting);
        /* console_has_ended() has become true; may come more than once. */
        void (*ended)(void *userdata);
} ConsoleHooks;

/* Reads from fd, the reading end of a FIFO, non-blocking; it stays the caller's. */
int console_new(sd_event *event, int fd, Journal *journal, const ConsoleHooks *hooks, void *userdata,
                Console **ret_console);
void console_free(Console *console);

/* The journal's bytes a second and at once; UINT64_MAX: no limit, as at first. A line counts for its own
 * bytes and for CONSOLE_LINE_COST: what an entry takes in the journal beside its text, measured with lines
 * of 64 bytes in systemd 252 (compact objects of later versions take less). user: what all guests of the
 * owner share, or NULL; the console's from now on. */
#define CONSOLE_LINE_COST 490
void console_set_rate(Console *console, uint64_t rate, uint64_t burst, UserRate *user);

/* Nobody has the FIFO open for writing any more, someone had, and all that was written has been taken
 * out. */
bool console_has_ended(const Console *console);
