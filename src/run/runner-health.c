/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a running guest is healthy: shruthi-probe repeats its checks of Healthy= and says nothing while
 * they hold, and with Watchdog=console the guest has to print something in each interval. A check that fails
 * as often in a row as HealthyRetries= says makes the guest unhealthy: it is stopped, and its unit fails, so
 * that Restart= and OnFailure= decide. A paused guest is not judged. */

#include <glib.h>

#include "common/log.h"
#include "common/names.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "run/runner-private.h"
#include "unikernel/check.h"

#define CHECK_TEXT_MAX  400 /* characters */
#define ANSWER_USEC_MAX (5 * G_USEC_PER_SEC)
#define WATCHDOG        CHECKS_MAX /* its place after the checks */
#define JUDGEMENTS_MAX  (CHECKS_MAX + 1)

typedef struct Judgement {
        bool used, known; /* there is such a check, and it has an answer */
        unsigned failed;  /* times in a row */
        char *reason;     /* of the last failure */
} Judgement;

struct Health {
        Judgement judgements[JUDGEMENTS_MAX];
        bool spoke; /* since the watchdog looked */
        sd_event_source *watchdog_source;
};

static void health_free(Health *health)
{
        for (unsigned i = 0; i < JUDGEMENTS_MAX; i++)
                g_free(health->judgements[i].reason);
        sd_event_source_disable_unref(health->watchdog_source);
        g_free(health);
}

void runner_end_health(Runner *runner)
{
        if (!runner->health)
                return;

        for (unsigned i = 0; i < CHECKS_MAX; i++)
                if (runner->health->judgements[i].used)
                        runner_end_probe(runner, CHECKS_MAX + i);
        g_clear_pointer(&runner->health, health_free);
}

static char *runner_describe_judgement(const Runner *runner, unsigned i)
{
        return i == WATCHDOG ? g_strdup("Watchdog=console")
                             : text_for_display(runner->run.healthy_checks[i], CHECK_TEXT_MAX);
}

/* The first check that fails; NULL if none does. Free with g_free(). */
char *runner_describe_sickness(const Runner *runner)
{
        for (unsigned i = 0; runner->health && i < JUDGEMENTS_MAX; i++) {
                const Judgement *judgement = &runner->health->judgements[i];
                g_autofree char *what = NULL;

                if (!judgement->used || judgement->failed == 0)
                        continue;
                what = runner_describe_judgement(runner, i);
                return g_strdup_printf("%s: %s (failed %u of %" G_GUINT64_FORMAT " times)", what,
                                judgement->reason, judgement->failed, runner->run.healthy_retries);
        }

        return NULL;
}

static const char *health_word(const Health *health)
{
        bool known = true;

        for (unsigned i = 0; i < JUDGEMENTS_MAX; i++) {
                if (health->judgements[i].used && health->judgements[i].failed > 0)
                        return RUN_HEALTH_FAILING;
                known = known && (!health->judgements[i].used || health->judgements[i].known);
        }

        return known ? RUN_HEALTH_HEALTHY : RUN_HEALTH_UNKNOWN;
}

/* shruthid reads it when the unit's status has changed. */
static void runner_show_health(Runner *runner)
{
        const char *word = health_word(runner->health);

        if (g_strcmp0(runner->run.health, word) != 0) {
                g_free(runner->run.health);
                runner->run.health = g_strdup(word);
                runner_save(runner);
        }
        runner_tell_status(runner, "");
}

static void runner_judge(Runner *runner, unsigned i, const char *reason)
{
        Judgement *judgement = &runner->health->judgements[i];
        bool was_failing = judgement->failed > 0;
        g_autofree char *what = runner_describe_judgement(runner, i);

        judgement->known = true;
        judgement->failed = reason ? judgement->failed + 1 : 0;
        g_free(judgement->reason);
        judgement->reason = g_strdup(reason);
        if (reason && !was_failing)
                journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_FAILING, NULL,
                                "The guest fails a check of its health, %s: %s", what, reason);
        else if (!reason && was_failing)
                journal_message(runner->journal, LOG_NOTICE, SHRUTHI_MESSAGE_HEALTHY, NULL,
                                "The guest passes the check of its health again: %s", what);
        runner_show_health(runner);
        if (judgement->failed >= runner->run.healthy_retries)
                runner_handle(runner, RUNNER_EVENT_SICK);
}

void runner_take_health_answer(Runner *runner, unsigned i, const char *reason)
{
        if (!runner->health || runner->state != RUNNER_RUNNING || i >= CHECKS_MAX ||
                        !runner->health->judgements[i].used || (reason && runner->run.paused))
                return;

        runner_judge(runner, i, reason);
}

void runner_take_health_line(Runner *runner)
{
        if (runner->health)
                runner->health->spoke = true;
}

static int on_runner_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;
        Health *health = runner->health;
        const Judgement *judgement = &health->judgements[WATCHDOG];
        g_autofree char *time = time_span_format(runner->run.healthy_interval_usec);
        g_autofree char *reason = g_strdup_printf("no line on its console for %s", time);
        bool spoke = health->spoke;

        health->spoke = false;
        (void) sd_event_source_set_time_relative(source, runner->run.healthy_interval_usec);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (runner->state != RUNNER_RUNNING || runner->run.paused) {
                /* A guest that is resumed gets a whole interval. */
                health->spoke = true;
                return 0;
        }
        if (!spoke)
                runner_judge(runner, WATCHDOG, reason);
        else if (!judgement->known || judgement->failed > 0)
                runner_judge(runner, WATCHDOG, NULL);
        return 0;
}

static void runner_begin_check(Runner *runner, unsigned i)
{
        const RunState *run = &runner->run;
        uint64_t interval = run->healthy_interval_usec;
        Judgement *judgement = &runner->health->judgements[i];
        g_autofree char *reason = NULL;
        _cleanup_check_ Check check = {};

        /* A check of a later version is not judged. */
        if (check_parse(run->healthy_checks[i], &check, NULL) < 0 || !check_kind_is_of_network(check.kind))
                return;

        judgement->used = true;
        reason = runner_start_probe(runner, CHECKS_MAX + i, &check, (unsigned) (interval / 1000),
                        (unsigned) (MIN(interval, ANSWER_USEC_MAX) / 1000));
        if (reason) {
                judgement->used = false;
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Its health cannot be checked by %s: %s", run->healthy_checks[i], reason);
        }
}

void runner_begin_health(Runner *runner)
{
        RunState *run = &runner->run;

        if (runner->health || (!run->healthy_checks && !run->watchdog))
                return;

        runner->health = g_new0(Health, 1);
        for (unsigned i = 0; run->healthy_checks && run->healthy_checks[i] && i < CHECKS_MAX; i++)
                runner_begin_check(runner, i);
        if (run->watchdog &&
                        sd_event_add_time_relative(runner->event, &runner->health->watchdog_source,
                                        CLOCK_MONOTONIC, run->healthy_interval_usec,
                                        run->healthy_interval_usec / 10, on_runner_watchdog, runner) >= 0)
                runner->health->judgements[WATCHDOG].used = true;
        g_free(run->health);
        run->health = g_strdup(RUN_HEALTH_UNKNOWN);
        runner_save(runner);
}
