/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Event TIME], [Churn GROUP], [Barrier NAME]. */

#include <string.h>

#include "common/string-util.h"
#include "common/time-span.h"
#include "fleet/plan/plan-private.h"

#define BARRIER_TIMEOUT_DEFAULT_USEC (5 * 60 * G_USEC_PER_SEC)
#define SHAPE_MAX                    100
#define TARGETS_MAX                  256

const char *const plan_event_keys[] = {"Stop", "Kill", "Start", "Restart", "Pause", "Resume", "ExecStart",
                "Partition", "Heal", "Link", NULL};
const char *const plan_churn_keys[] = {"Session", "Absence", "From", "Until", NULL};
const char *const plan_barrier_keys[] = {"Group", "Console", "Share", "Timeout", NULL};

static const char *const fleet_verb_table[_FLEET_VERB_MAX] = {
                [FLEET_STOP] = "stop",
                [FLEET_KILL] = "kill",
                [FLEET_START] = "start",
                [FLEET_RESTART] = "restart",
                [FLEET_PAUSE] = "pause",
                [FLEET_RESUME] = "resume",
                [FLEET_EXECUTE] = "execute",
                [FLEET_PARTITION] = "partition",
                [FLEET_HEAL] = "heal",
                [FLEET_LINK] = "link",
};
DEFINE_STRING_TABLE(fleet_verb, FleetVerb, fleet_verb_table, _FLEET_VERB_MAX)

static const char *const fleet_distribution_table[_FLEET_DISTRIBUTION_MAX] = {
                [FLEET_FIXED] = "fixed",
                [FLEET_UNIFORM] = "uniform",
                [FLEET_EXPONENTIAL] = "exponential",
                [FLEET_WEIBULL] = "weibull",
                [FLEET_PARETO] = "pareto",
};
DEFINE_STRING_TABLE(fleet_distribution, FleetDistribution, fleet_distribution_table, _FLEET_DISTRIBUTION_MAX)

void fleet_action_free(gpointer data)
{
        FleetAction *action = data;

        g_clear_pointer(&action->targets, g_array_unref);
        g_strfreev(action->command);
        g_free(action->path);
        g_free(action->text);
        g_free(action);
}

void fleet_barrier_free(gpointer data)
{
        FleetBarrier *barrier = data;

        g_free(barrier->name);
        g_free(barrier->console);
        g_free(barrier);
}

/* "all", "3" or "10%", of a group. */
static bool target_parse_amount(const char *text, FleetTarget *target)
{
        g_autofree char *digits = g_strdup(text);
        uint64_t count;

        if (g_str_equal(text, "all")) {
                target->amount = FLEET_ALL;
                return true;
        }
        if (g_str_has_suffix(text, "%")) {
                digits[strlen(digits) - 1] = 0;
                target->amount = FLEET_PERCENT;
                return plan_parse_number(digits, &target->number) && target->number <= 100;
        }

        target->amount = FLEET_COUNT;
        if (number_parse(text, 1, FLEET_MEMBERS_MAX, &count) < 0)
                return false;
        target->number = (double) count;
        return true;
}

/* "GROUP-INDEX"; the name of a group may have hyphens, too. */
bool plan_parse_member(const FleetPlan *plan, const char *text, FleetTarget *target)
{
        const char *hyphen = strrchr(text, '-');
        g_autofree char *name = hyphen ? g_strndup(text, (size_t) (hyphen - text)) : NULL;
        uint64_t member;

        target->amount = FLEET_NAMED;
        target->group = name ? fleet_plan_find_group(plan, name) : NULL;
        if (!target->group || number_parse(hyphen + 1, 0, target->group->count - 1, &member) < 0)
                return false;

        target->member = (guint) member;
        return true;
}

static int event_refuse_target(const PlanParser *parser, const KeyFileEntry *entry, const char *word)
{
        g_autofree char *shown = text_for_display(word, 40);

        return key_file_refuse(entry, parser->ret_error,
                        "'%s' is no member of this plan: write members such as peer-7, or 'N of GROUP', "
                        "'N%% of "
                        "GROUP' or 'all of GROUP'",
                        shown);
}

int plan_parse_targets(const PlanParser *parser, const KeyFileEntry *entry, GArray **ret_targets)
{
        g_auto(GStrv) split = g_strsplit_set(entry->value, " \t,", -1);
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        g_autoptr(GArray) targets = g_array_new(FALSE, FALSE, sizeof(FleetTarget));

        for (char **word = split; *word; word++)
                if (**word)
                        g_ptr_array_add(words, *word);
        g_ptr_array_add(words, NULL);

        for (char **word = (char **) words->pdata; *word; word++) {
                FleetTarget target = {};

                if (word[1] && g_str_equal(word[1], "of")) {
                        if (!word[2] || !(target.group = fleet_plan_find_group(parser->plan, word[2])))
                                return event_refuse_target(parser, entry, word[2] ?: "of");
                        if (!target_parse_amount(*word, &target))
                                return event_refuse_target(parser, entry, *word);
                        word += 2;
                } else if (!plan_parse_member(parser->plan, *word, &target))
                        return event_refuse_target(parser, entry, *word);

                if (targets->len >= TARGETS_MAX)
                        return key_file_refuse(entry, parser->ret_error, "more than %d members in a line",
                                        TARGETS_MAX);
                g_array_append_val(targets, target);
        }
        if (targets->len == 0)
                return event_refuse_target(parser, entry, entry->value);

        *ret_targets = g_steal_pointer(&targets);
        return 0;
}

bool plan_group_is_emulated(const FleetGroup *group)
{
        for (guint i = 0; i < group->links->len; i++)
                if (((const FleetLink *) group->links->pdata[i])->network->emulated)
                        return true;

        return false;
}

/* Partition=, Heal=, Link=. */
static int event_parse_of_links(const PlanParser *parser, FleetAction *action, const KeyFileEntry *entry)
{
        int r;

        if (!fleet_plan_is_emulated(parser->plan))
                return key_file_refuse(entry, parser->ret_error,
                                "no network of the plan has emulated links: write Emulated=yes in its "
                                "[Network NAME]");
        action->text = g_strdup(entry->value);
        if (action->verb == FLEET_LINK)
                return plan_parse_path(parser, entry, &action->path);
        if (action->verb == FLEET_HEAL && g_str_equal(entry->value, "all"))
                return 0;

        r = plan_parse_targets(parser, entry, &action->targets);
        for (guint i = 0; r >= 0 && i < action->targets->len; i++) {
                const FleetGroup *group = g_array_index(action->targets, FleetTarget, i).group;

                if (!plan_group_is_emulated(group))
                        return key_file_refuse(entry, parser->ret_error,
                                        "the members of %s are on no network with emulated links: write "
                                        "Emulated=yes in its [Network NAME]",
                                        group->name);
        }

        return r;
}

/* Words, as a shell splits them; no shell runs. */
static int event_parse_command(const PlanParser *parser, FleetAction *action, const KeyFileEntry *entry)
{
        if (!g_shell_parse_argv(entry->value, NULL, &action->command, NULL) || action->command[0][0] != '/')
                return key_file_refuse(entry, parser->ret_error,
                                "write the absolute path of a program and its arguments, in quotes where "
                                "they "
                                "have spaces; for a shell: /bin/sh -c '…'");
        return 0;
}

int plan_parse_event(PlanParser *parser, const KeyFileSection *section)
{
        uint64_t usec;

        if (!section->name || time_span_parse(section->name, &usec) < 0 || usec > FLEET_DURATION_MAX)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Event] needs the time when it happens, up to 7 days after the clock has "
                                "begun: "
                                "write such as [Event 30s]");

        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];
                g_autofree char *word = g_ascii_strdown(entry->key, -1);
                FleetAction *action;
                int r;

                if (!g_strv_contains(plan_event_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_event_keys, parser->ret_error);
                if (!*entry->value)
                        continue;
                action = g_new0(FleetAction, 1);
                *action = (FleetAction){.usec = usec, .line = entry->line};
                g_ptr_array_add(parser->plan->actions, action);
                if (g_str_equal(entry->key, "ExecStart")) {
                        action->verb = FLEET_EXECUTE;
                        r = event_parse_command(parser, action, entry);
                } else {
                        action->verb = fleet_verb_from_string(word);
                        r = fleet_verb_is_of_links(action->verb)
                                            ? event_parse_of_links(parser, action, entry)
                                            : plan_parse_targets(parser, entry, &action->targets);
                }
                if (r < 0)
                        return r;
        }

        return 0;
}

/* "exponential 60s", "uniform 10s 30s", "weibull 60s 0.5", "pareto 10s 1.5", "fixed 10s". */
static int churn_parse_length(const PlanParser *parser, const KeyFileEntry *entry, FleetLength *ret_length)
{
        g_auto(GStrv) words = g_strsplit(entry->value, " ", -1);
        guint n = g_strv_length(words);
        FleetLength length = {.distribution = fleet_distribution_from_string(words[0] ?: "")};
        bool shaped = length.distribution == FLEET_WEIBULL || length.distribution == FLEET_PARETO,
             ranged = length.distribution == FLEET_UNIFORM;
        uint64_t a = 0, b = 0;

        if ((int) length.distribution < 0 || n != (shaped || ranged ? 3u : 2u) ||
                        time_span_parse(words[1], &a) < 0 || a > FLEET_DURATION_MAX || a < 1000 ||
                        (ranged && (time_span_parse(words[2], &b) < 0 || b < a || b > FLEET_DURATION_MAX)) ||
                        (shaped && (!plan_parse_number(words[2], &length.b) || length.b < 0.01 ||
                                                   length.b > SHAPE_MAX)))
                return key_file_refuse(entry, parser->ret_error,
                                "write fixed TIME, uniform FROM TO, exponential MEAN, weibull SCALE SHAPE "
                                "or "
                                "pareto LEAST SHAPE, with times without spaces such as 90s, and a shape "
                                "from "
                                "0.01 to %d",
                                SHAPE_MAX);

        length.a = (double) a / G_USEC_PER_SEC;
        if (ranged)
                length.b = (double) b / G_USEC_PER_SEC;
        *ret_length = length;
        return 0;
}

int plan_parse_churn(PlanParser *parser, const KeyFileSection *section)
{
        FleetChurn *churn = g_new0(FleetChurn, 1);
        int r = 0;

        *churn = (FleetChurn){.session.distribution = _FLEET_DISTRIBUTION_INVALID,
                        .absence.distribution = _FLEET_DISTRIBUTION_INVALID,
                        .until_usec = parser->plan->duration_usec};
        g_ptr_array_add(parser->plan->churns, churn);
        churn->group = section->name ? fleet_plan_find_group(parser->plan, section->name) : NULL;
        if (!churn->group)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Churn] needs a group of this plan, whose members come and go: write "
                                "[Churn "
                                "GROUP]");

        for (guint i = 0; r >= 0 && i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(plan_churn_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_churn_keys, parser->ret_error);
                if (!*entry->value)
                        continue;
                if (g_str_equal(entry->key, "Session"))
                        r = churn_parse_length(parser, entry, &churn->session);
                else if (g_str_equal(entry->key, "Absence"))
                        r = churn_parse_length(parser, entry, &churn->absence);
                else
                        r = plan_parse_time(parser, entry,
                                        *entry->key == 'F' ? &churn->from_usec : &churn->until_usec);
        }
        if (r < 0)
                return r;
        if ((int) churn->session.distribution < 0 || (int) churn->absence.distribution < 0)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Churn %s] needs both Session=, how long a member stays, and Absence=, how "
                                "long "
                                "it is away",
                                section->name);
        if (churn->until_usec == 0)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Churn %s] has no end: write Until= in it, or Duration= in [Fleet]",
                                section->name);
        return 0;
}

static int barrier_parse_entry(PlanParser *parser, FleetBarrier *barrier, const KeyFileEntry *entry)
{
        if (g_str_equal(entry->key, "Group")) {
                int r = plan_parse_group_name(parser, entry, &barrier->group);

                if (r >= 0 && barrier->group->late)
                        return key_file_refuse(entry, parser->ret_error,
                                        "its members are started after the clock has begun, and the clock "
                                        "waits for "
                                        "barriers: name another group, or change Start= of this one");
                return r;
        }
        if (g_str_equal(entry->key, "Share"))
                return plan_parse_percent(parser, entry, &barrier->share);
        if (g_str_equal(entry->key, "Timeout"))
                return plan_parse_time(parser, entry, &barrier->timeout_usec);

        g_autoptr(GError) error = NULL;
        g_autoptr(GRegex) regex = g_regex_new(entry->value, G_REGEX_OPTIMIZE, 0, &error);

        if (!regex)
                return key_file_refuse(
                                entry, parser->ret_error, "not a regular expression: %s", error->message);
        barrier->console = g_strdup(entry->value);
        return 0;
}

int plan_parse_barrier(PlanParser *parser, const KeyFileSection *section)
{
        FleetBarrier *barrier = g_new0(FleetBarrier, 1);

        *barrier = (FleetBarrier){.name = g_strdup(section->name),
                        .share = 100,
                        .timeout_usec = BARRIER_TIMEOUT_DEFAULT_USEC};
        g_ptr_array_add(parser->plan->barriers, barrier);
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];
                int r;

                if (!g_strv_contains(plan_barrier_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_barrier_keys, parser->ret_error);
                r = *entry->value ? barrier_parse_entry(parser, barrier, entry) : 0;
                if (r < 0)
                        return r;
        }

        return 0;
}
