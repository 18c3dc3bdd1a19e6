/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How a run ended, derived from the lines of the console and what libvirt reported. Pure; the runner feeds
 * it. */

typedef enum Result {
        RESULT_NONE,        /* never started since boot, or running: "" */
        RESULT_SUCCESS,     /* "success": exited with 0 */
        RESULT_EXIT_STATUS, /* "exit-status": the guest's own, not 0 */
        RESULT_ABORTED,     /* "aborted": abort or uncaught exception */
        RESULT_TRAPPED,     /* "trapped": CPU exception in the guest */
        RESULT_SYSTEM_CALL, /* "system-call": a process that made one that it may not make */
        RESULT_HALTED,      /* "halted": halted without a status: failure */
        RESULT_RESET,       /* "reset": reset its machine, which SHRUTHI does not start again: failure */
        RESULT_POWERED_OFF, /* "powered-off": clean power-off, status not known: success */
        RESULT_STOPPED,     /* "stopped": by us, on request: success */
        RESULT_SAVED,       /* "saved": its memory is in a snapshot, and it can continue: success */
        RESULT_OUTSIDE,     /* "ended-from-outside": domain destroyed by somebody else, or QEMU died */
        RESULT_DEFINITION,  /* "definition": from here on the runner's own failures, which no guest can
                             * cause */
        RESULT_IMAGE,       /* "image" */
        RESULT_DEVICES,     /* "devices" */
        RESULT_HOST,        /* "host": QEMU or libvirt refused it, foreign domain */
        RESULT_LIBVIRT,     /* "libvirt": not reachable */
        RESULT_CREDENTIALS, /* "credentials": its key material cannot be read */
        RESULT_DEPENDENCY,  /* "dependency": a unit that it requires did not start */
        RESULT_NOT_READY,   /* "not-ready": the guest ran, but was not ready in time */
        RESULT_UNHEALTHY,   /* "unhealthy": the guest was ready, but failed its checks later */
        RESULT_RUNNER,      /* "runner": something in SHRUTHI itself */
        _RESULT_MAX,
        _RESULT_INVALID = -EINVAL,
} Result;

const char *result_to_string(Result result);
Result result_from_string(const char *text);
bool result_is_success(Result result);

/* The runner's own exit statuses. After the first three, another try is useless, see
 * unit_status_is_final(). */
enum {
        RUNNER_EXIT_DEFINITION = 60,
        RUNNER_EXIT_IMAGE = 61,
        RUNNER_EXIT_HOST = 62,   /* devices, host, credentials, a failed dependency */
        RUNNER_EXIT_GUEST = 255, /* the guest aborted, trapped, halted, reset, or its status is beyond 254 */
        RUNNER_EXIT_OUTSIDE = 254,
        RUNNER_EXIT_LIBVIRT = 75, /* EX_TEMPFAIL, worth another try: libvirt, or a network, may still
                                   * appear */
        RUNNER_EXIT_UNHEALTHY = 68,
        RUNNER_EXIT_NOT_READY = 69, /* EX_UNAVAILABLE */
        RUNNER_EXIT_RUNNER = 70,    /* EX_SOFTWARE */
};

/* systemd's status of a unit whose credentials it could not load (systemd.exec(5)): no runner was there to
 * report anything. */
#define SYSTEMD_EXIT_CREDENTIALS 243

/* Whether systemd does not start a unit again after that status, whatever Restart= says: the statuses of
 * RestartPreventExitStatus=, which meson.build has for all. */
bool unit_status_is_final(int status);

/* The exit status for a failure of the runner itself. */
int result_runner_exit_status(Result result);

/* What has been seen so far. Small and plain, so that the runner can keep it in a file that survives the
 * runner. */
typedef struct ExitParser {
        Result result;        /* RESULT_NONE: no exit message yet */
        int64_t exit_status;  /* the guest's full number; -1 if not known */
        bool halted;          /* "Solo5: Halted" was printed: the domain may never end by itself */
        bool short_of_memory; /* the last line before said that it has too little memory */
        char detail[160];     /* display-safe: what aborted or trapped, e.g. "page fault at 0x0" */
} ExitParser;

#define EXIT_PARSER_INIT ((ExitParser){.result = RESULT_NONE, .exit_status = -1})

/* Looks at one line of the console (without its newline; '\r' at the end is ignored). Returns true if it
 * changed the result. The last match counts, and only if nothing follows it; guests can write such lines at
 * will, and affect only their own result. */
bool exit_parser_feed_line(ExitParser *exit_parser, const char *line, size_t size);

/* Why the console ended. */
typedef enum TerminationCause {
        TERMINATION_CONSOLE,     /* it just ended: no stop of ours, no event of libvirt */
        TERMINATION_STOPPED,     /* we stopped it */
        TERMINATION_POWERED_OFF, /* libvirt reported a power-off by the guest */
        TERMINATION_DESTROYED,   /* libvirt reported destruction or a crash of QEMU */
        TERMINATION_HALTED,      /* the domain still exists, but has halted; we end it now */
        TERMINATION_RESET,       /* libvirt reported a reset by the guest */
        TERMINATION_SAVED,       /* libvirt reported that it saved the guest */
        TERMINATION_KILLED,      /* the guest's process was killed by a signal that it did not cause */
} TerminationCause;

/* Decides the result once all lines are seen. An exit message counts if the guest itself ended its run: by a
 * power-off, by halting, or if nobody saw how. It does not count if the guest was stopped, destroyed or
 * reset. */
void exit_parser_settle(ExitParser *exit_parser, TerminationCause ending);

/* How a guest that is a process has ended, as waitid(2) tells (code 0: nobody knows), which decides whatever
 * the console says. Called once all lines are seen, before exit_parser_settle(); returns the cause for that
 * if the guest was not stopped. */
TerminationCause exit_parser_take_process(ExitParser *exit_parser, int code, int status);

/* The unit's exit status for a decided result: 0 to 255. */
int exit_parser_unit_exit_status(const ExitParser *exit_parser);

/* The exit status of the run, the same for bus, journal and unit: the guest's own number in full, of which
 * the unit can show 0 to 254; the unit's if the guest gave none. */
int64_t exit_parser_exit_status(const ExitParser *exit_parser);

/* The result in words: "exited with status 64: it did not accept its arguments", "stopped by user alice"
 * (stopper: a name, or a number; NULL if nobody is known). Free with g_free(). */
char *exit_parser_message(const ExitParser *exit_parser, const char *stopper);
