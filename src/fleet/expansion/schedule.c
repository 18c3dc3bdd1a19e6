/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who does what when. Time is counted in whole milliseconds, so that no rounding of floating-point numbers
 * shows. */

#include "fleet/expansion/schedule.h"

#include <math.h>
#include <string.h>

#include "common/string-util.h"
#include "fleet/expansion/draw.h"
#include "fleet/expansion/random.h"
#include "fleet/expansion/text.h"

#define USEC_PER_MS 1000

/* As the plan has it; what really happens does not count, or the same plan would mean different things. */
typedef enum PlannedState {
        PLANNED_STOPPED,
        PLANNED_RUNNING,
        PLANNED_PAUSED,
} PlannedState;

/* A step before it is known who takes it: an entry, or the members of an action are drawn at its time. */
typedef struct ScheduleStep {
        FleetEntry entry;
        guint number; /* of the action in the plan */
        guint order;  /* for equal times */
} ScheduleStep;

static int schedule_refuse_size(const FleetExpansion *expansion, Error *ret_error)
{
        return error_set(ret_error, ERROR_INVALID_DEFINITION,
                        "%s: the schedule has more than %d entries: write a shorter Duration=, or a longer "
                        "Session= and "
                        "Absence=",
                        expansion->plan->path, FLEET_SCHEDULE_MAX);
}

static int steps_add(GArray *steps, const FleetExpansion *expansion, ScheduleStep step, Error *ret_error)
{
        if (steps->len >= FLEET_SCHEDULE_MAX)
                return schedule_refuse_size(expansion, ret_error);

        step.order = steps->len;
        g_array_append_val(steps, step);
        return 0;
}

static int steps_add_starts(GArray *steps, const FleetExpansion *expansion, Error *ret_error)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < expansion->members->len; i++) {
                const FleetMember *member = expansion->members->pdata[i];
                const FleetGroup *group = member->group;
                double later = group->rate > 0 ? floor(member->index * 1000.0 / group->rate) : 0;

                if (group->late && !group->never)
                        r = steps_add(steps, expansion,
                                        (ScheduleStep){.entry = {.usec = group->start_usec +
                                                                         (uint64_t) later * USEC_PER_MS,
                                                                       .verb = FLEET_START,
                                                                       .cause = FLEET_CAUSE_START,
                                                                       .member = i}},
                                        ret_error);
        }

        return r;
}

/* Seconds, by inversion of the distribution function. */
static double length_draw(const FleetLength *length, FleetRandom *random)
{
        double u = fleet_random_unit(random);

        switch (length->distribution) {
        case FLEET_UNIFORM:
                return length->a + (length->b - length->a) * u;
        case FLEET_EXPONENTIAL:
                return -length->a * log(u);
        case FLEET_WEIBULL:
                return length->a * pow(-log(u), 1 / length->b);
        case FLEET_PARETO:
                return length->a * pow(u, -1 / length->b);
        default:
                return length->a;
        }
}

/* In µs, whole milliseconds, at least one and at most a week. */
static uint64_t length_draw_usec(const FleetLength *length, FleetRandom *random)
{
        double ms = floor(length_draw(length, random) * 1000 + 0.5);

        return (uint64_t) CLAMP(ms, 1, (double) FLEET_DURATION_MAX / USEC_PER_MS) * USEC_PER_MS;
}

static int steps_add_churn(
                GArray *steps, const FleetExpansion *expansion, const FleetChurn *churn, Error *ret_error)
{
        int r = 0;

        for (guint i = 0; i < churn->group->count; i++) {
                bool present = !churn->group->late;
                uint64_t usec = churn->from_usec;
                FleetRandom random;

                fleet_random_init(&random, expansion->plan->seed, "churn %s-%u", churn->group->name, i);
                while (r >= 0) {
                        usec += length_draw_usec(present ? &churn->session : &churn->absence, &random);
                        if (usec >= churn->until_usec)
                                break;
                        r = steps_add(steps, expansion,
                                        (ScheduleStep){.entry = {.usec = usec,
                                                                       .verb = present ? FLEET_STOP
                                                                                       : FLEET_START,
                                                                       .cause = FLEET_CAUSE_CHURN,
                                                                       .member = churn->group->first + i}},
                                        ret_error);
                        present = !present;
                }
        }

        return r;
}

static int compare_steps(gconstpointer a, gconstpointer b)
{
        const ScheduleStep *x = a, *y = b;

        if (x->entry.usec != y->entry.usec)
                return x->entry.usec < y->entry.usec ? -1 : 1;
        return x->order < y->order ? -1 : x->order > y->order;
}

static bool verb_applies(FleetVerb verb, PlannedState state)
{
        switch (verb) {
        case FLEET_START:
                return state == PLANNED_STOPPED;
        case FLEET_RESUME:
                return state == PLANNED_PAUSED;
        case FLEET_PAUSE:
                return state == PLANNED_RUNNING;
        default:
                return state != PLANNED_STOPPED;
        }
}

static int schedule_add(FleetExpansion *expansion, PlannedState *states, FleetEntry entry, Error *ret_error)
{
        static const PlannedState after[_FLEET_VERB_MAX] = {
                        [FLEET_STOP] = PLANNED_STOPPED,
                        [FLEET_KILL] = PLANNED_STOPPED,
                        [FLEET_START] = PLANNED_RUNNING,
                        [FLEET_RESTART] = PLANNED_RUNNING,
                        [FLEET_PAUSE] = PLANNED_PAUSED,
                        [FLEET_RESUME] = PLANNED_RUNNING,
        };

        if (entry.member != FLEET_NOBODY) {
                if (!verb_applies(entry.verb, states[entry.member]))
                        return 0;
                states[entry.member] = after[entry.verb];
        }
        if (expansion->schedule->len >= FLEET_SCHEDULE_MAX)
                return schedule_refuse_size(expansion, ret_error);

        g_array_append_val(expansion->schedule, entry);
        return 0;
}

/* The members of a target in ascending order, drawn among those to which the verb applies. */
static GArray *target_draw(const FleetExpansion *expansion, const PlannedState *states,
                const FleetTarget *target, FleetVerb verb, FleetRandom *random)
{
        GArray *members = g_array_new(FALSE, FALSE, sizeof(guint));

        if (target->amount == FLEET_NAMED) {
                guint member = target->group->first + target->member;

                g_array_append_val(members, member);
                return members;
        }

        for (guint i = 0; i < target->group->count; i++) {
                guint member = target->group->first + i;

                if (verb_applies(verb, states[member]))
                        g_array_append_val(members, member);
        }
        fleet_draw(target, members, random);
        return members;
}

/* What is about links is one entry, whoever it means. */
static int schedule_add_of_links(FleetExpansion *expansion, PlannedState *states, const ScheduleStep *step,
                FleetRandom *random, Error *ret_error)
{
        FleetEntry entry = step->entry;
        GArray *members = NULL;

        if (entry.action->targets) {
                (void) fleet_draw_all(expansion, entry.action->targets, NULL, random, &members, NULL);
                g_ptr_array_add(expansion->drawn, members);
                entry.members = members;
        }

        return schedule_add(expansion, states, entry, ret_error);
}

static int schedule_add_action(
                FleetExpansion *expansion, PlannedState *states, const ScheduleStep *step, Error *ret_error)
{
        const FleetAction *action = step->entry.action;
        FleetRandom random;
        int r = 0;

        if (action->verb == FLEET_EXECUTE)
                return schedule_add(expansion, states, step->entry, ret_error);

        fleet_random_init(&random, expansion->plan->seed, "event %u", step->number);
        if (fleet_verb_is_of_links(action->verb))
                return schedule_add_of_links(expansion, states, step, &random, ret_error);
        for (guint i = 0; i < action->targets->len; i++) {
                const FleetTarget *target = &g_array_index(action->targets, FleetTarget, i);
                g_autoptr(GArray) members = target_draw(expansion, states, target, action->verb, &random);

                for (guint k = 0; r >= 0 && k < members->len; k++) {
                        FleetEntry entry = step->entry;

                        entry.member = g_array_index(members, guint, k);
                        r = schedule_add(expansion, states, entry, ret_error);
                }
        }

        return r;
}

int fleet_schedule(FleetExpansion *expansion, Error *ret_error)
{
        const FleetPlan *plan = expansion->plan;
        g_autoptr(GArray) steps = g_array_new(FALSE, TRUE, sizeof(ScheduleStep));
        g_autofree PlannedState *states = g_new0(PlannedState, expansion->members->len + 1);
        int r;

        r = steps_add_starts(steps, expansion, ret_error);
        for (guint i = 0; r >= 0 && i < plan->churns->len; i++)
                r = steps_add_churn(steps, expansion, plan->churns->pdata[i], ret_error);
        for (guint i = 0; r >= 0 && i < plan->actions->len; i++) {
                const FleetAction *action = plan->actions->pdata[i];

                r = steps_add(steps, expansion,
                                (ScheduleStep){.entry = {.usec = action->usec,
                                                               .verb = action->verb,
                                                               .cause = FLEET_CAUSE_EVENT,
                                                               .member = FLEET_NOBODY,
                                                               .action = action},
                                                .number = i},
                                ret_error);
        }
        if (r < 0)
                return r;

        g_array_sort(steps, compare_steps);
        for (guint i = 0; i < expansion->members->len; i++)
                states[i] = fleet_member_at(expansion, i)->group->late ? PLANNED_STOPPED : PLANNED_RUNNING;
        for (guint i = 0; r >= 0 && i < steps->len; i++) {
                const ScheduleStep *step = &g_array_index(steps, ScheduleStep, i);

                if (plan->duration_usec > 0 && step->entry.usec > plan->duration_usec) {
                        expansion->n_left_out = steps->len - i;
                        break;
                }
                r = step->entry.action ? schedule_add_action(expansion, states, step, ret_error)
                                       : schedule_add(expansion, states, step->entry, ret_error);
        }

        return r;
}

char *fleet_entry_who(const FleetExpansion *expansion, const FleetEntry *entry)
{
        if (entry->member != FLEET_NOBODY)
                return g_strdup(fleet_member_at(expansion, entry->member)->name);
        return entry->action->command ? g_strjoinv(" ", entry->action->command)
                                      : g_strdup(entry->action->text);
}

void fleet_schedule_append_entry(GString *out, const FleetExpansion *expansion, const FleetEntry *entry)
{
        g_string_append(out, "{\"time\":");
        fleet_append_seconds(out, (int64_t) entry->usec);
        g_string_append_printf(out, ",\"verb\":\"%s\",\"cause\":\"%s\"", fleet_verb_to_string(entry->verb),
                        fleet_cause_to_string(entry->cause));
        if (entry->member != FLEET_NOBODY) {
                g_string_append(out, ",\"member\":");
                fleet_append_json(out, fleet_member_at(expansion, entry->member)->name);
        }
        for (guint i = 0; entry->members && i < entry->members->len; i++) {
                g_string_append(out, i == 0 ? ",\"members\":[" : ",");
                fleet_append_json(out,
                                fleet_member_at(expansion, g_array_index(entry->members, guint, i))->name);
                if (i + 1 == entry->members->len)
                        g_string_append_c(out, ']');
        }
        if (entry->verb == FLEET_LINK) {
                g_string_append(out, ",\"link\":");
                fleet_append_json(out, entry->action->text);
        }
        for (char **word = entry->action ? entry->action->command : NULL; word && *word; word++) {
                g_string_append(out, word == entry->action->command ? ",\"command\":[" : ",");
                fleet_append_json(out, *word);
                if (!word[1])
                        g_string_append_c(out, ']');
        }
        g_string_append(out, "}\n");
}
