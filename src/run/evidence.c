/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the guest ended, from all evidence. Called by the runner when it has ended. */

#include "run/evidence.h"

#include <glib.h>
#include <signal.h>
#include <sys/wait.h>

#define MONITOR_USEC (15 * G_USEC_PER_SEC)
#define UNHEARD_USEC (3 * G_USEC_PER_SEC) /* for a service that has not reported anything so far */
#define SAVED_USEC   (60 * G_USEC_PER_SEC) /* for the stop that follows when a guest was saved */
#define CONFIRM_USEC (1 * G_USEC_PER_SEC) /* for evidence that can only revoke what is known already */

static bool evidence_is_saved(const Evidence *evidence)
{
        return (evidence->reports == EVENT_REPORTS_ENDED && evidence->reports_cause == TERMINATION_SAVED) ||
               (evidence->monitor == MONITOR_ANSWERED && evidence->monitor_cause == TERMINATION_SAVED);
}

uint64_t evidence_wait_usec(const Evidence *evidence, const ExitParser *exit_parser, bool reporting)
{
        bool spoke = exit_parser->result != RESULT_NONE, answered = evidence->monitor == MONITOR_ANSWERED;
        bool monitored = evidence->monitor == MONITOR_WATCHING;

        if (evidence->timed_out)
                return 0;
        if (evidence->process != GUEST_PROCESS_NONE)
                return evidence->process == GUEST_PROCESS_RUNNING ? MONITOR_USEC : 0;
        /* shruthid stops the unit when the guest is saved. If it ended before that, Restart=always would
         * start the guest again. */
        if (evidence_is_saved(evidence))
                return evidence->stop == STOP_NOT_REQUESTED ? SAVED_USEC : 0;
        if (evidence->reports == EVENT_REPORTS_ENDED || exit_parser->halted)
                return 0;
        if (evidence->stop != STOP_NOT_REQUESTED && !spoke)
                return 0;
        if (spoke || answered)
                return reporting ? CONFIRM_USEC : 0;
        if (!monitored && !reporting)
                return 0;

        return monitored || evidence->reports == EVENT_REPORTS_HEARD ? MONITOR_USEC : UNHEARD_USEC;
}

/* Whether a stop came when the guest had already ended its run by itself. What it had printed does not prove
 * that: it may have printed somebody else's exit message long ago. */
static bool evidence_stop_was_late(const Evidence *evidence, const ExitParser *exit_parser)
{
        if (exit_parser->halted || evidence->reports != EVENT_REPORTS_ENDED)
                return evidence->stop == STOP_REQUESTED_LATE;

        return evidence->reports_cause == TERMINATION_POWERED_OFF && exit_parser->result != RESULT_NONE;
}

/* Of a guest that is a process. */
static bool evidence_ended_by_itself(const Evidence *evidence, const ExitParser *exit_parser)
{
        /* These end it when it is stopped, by us or by systemd. */
        bool told = evidence->process_code != CLD_EXITED &&
                    (evidence->process_status == SIGKILL || evidence->process_status == SIGTERM);

        return evidence->process == GUEST_PROCESS_ENDED ? !told : exit_parser->result != RESULT_NONE;
}

TerminationCause evidence_cause(const Evidence *evidence, const ExitParser *exit_parser)
{
        bool reported = evidence->reports == EVENT_REPORTS_ENDED,
             asked = evidence->stop != STOP_NOT_REQUESTED;

        if (evidence->process != GUEST_PROCESS_NONE)
                return asked && !evidence_ended_by_itself(evidence, exit_parser) ? TERMINATION_STOPPED
                                                                                  : TERMINATION_CONSOLE;
        if (reported && evidence->reports_cause == TERMINATION_RESET)
                return TERMINATION_RESET;
        if (evidence_is_saved(evidence))
                return TERMINATION_SAVED;
        if (asked && !evidence_stop_was_late(evidence, exit_parser))
                return TERMINATION_STOPPED;
        if (evidence->stop_tried && exit_parser->halted)
                return TERMINATION_HALTED;
        /* We were late, or somebody else was quicker to end a halted domain. */
        if (asked)
                return TERMINATION_CONSOLE;
        if (reported)
                return evidence->reports_cause;
        if (evidence->monitor == MONITOR_ANSWERED)
                return evidence->monitor_cause;

        return TERMINATION_CONSOLE;
}
