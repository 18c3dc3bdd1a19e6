/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fleet exec: a program of this host for each member. */

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "ctl/cli/ctl.h"
#include "ctl/fleet/exec.h"
#include "ctl/output/table.h"
#include "fleet/expansion/expand.h"
#include "fleet/expansion/fields.h"

#define JOBS_DEFAULT 16

/* The members that exist as a plan, so that the words of [Event] name some of them. */
static int exec_make_plan(const GPtrArray *found, const char *seed, const char *members,
                FleetExpansion **ret_expansion, FleetPlan **ret_plan, Error *ret_error)
{
        g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        GHashTableIter iter;
        gpointer group, count;
        int r;

        g_string_append_printf(
                        text, "[Fleet]\nName=%s\nSeed=%s\n", ((FleetFound *) found->pdata[0])->fleet, seed);
        for (guint i = 0; i < found->len; i++) {
                const FleetFound *one = found->pdata[i];
                const char *rest = one->name + strlen(one->fleet) + 1, *hyphen = strrchr(rest, '-');
                uint64_t index;

                if (hyphen && number_parse(hyphen + 1, 0, FLEET_MEMBERS_MAX - 1, &index) >= 0) {
                        g_autofree char *name = g_strndup(rest, (size_t) (hyphen - rest));
                        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name));

                        g_hash_table_insert(counts, g_steal_pointer(&name),
                                        GUINT_TO_POINTER(MAX(before, (guint) index + 1)));
                }
        }
        g_hash_table_iter_init(&iter, counts);
        while (g_hash_table_iter_next(&iter, &group, &count))
                g_string_append_printf(text, "[Group %s]\nImage=/x\nCount=%u\n", (char *) group,
                                GPOINTER_TO_UINT(count));
        if (members)
                g_string_append_printf(text, "[Event 0s]\nStop=%s\n", members);
        r = fleet_plan_parse("/x.fleet", text->str, text->len, &plan, &error);
        if (r >= 0)
                r = fleet_expand(plan, &expansion, &error);
        if (r < 0) {
                const char *why = strstr(error_message(&error, r), ": '");

                return error_set(ret_error, ERROR_INVALID_ARGS, "--members=%s: %s", members ?: "",
                                why ? why + 2 : error_message(&error, r));
        }

        *ret_expansion = g_steal_pointer(&expansion);
        *ret_plan = g_steal_pointer(&plan);
        return 0;
}

/* Keeps the members that are meant, and counts those of each group. */
static int exec_choose(GPtrArray *found, const char *seed, const char *members, GHashTable *counts,
                Error *ret_error)
{
        g_autoptr(GHashTable) chosen = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        int r;

        if (members && (!*members || strpbrk(members, "\r\n\\")))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--members= takes members such as 'peer-7', 'all of GROUP', '3 of GROUP' or "
                                "'10%% "
                                "of GROUP'");
        r = exec_make_plan(found, seed, members, &expansion, &plan, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < plan->groups->len; i++) {
                const FleetGroup *group = plan->groups->pdata[i];

                g_hash_table_insert(counts, g_strdup(group->name), GUINT_TO_POINTER(group->count));
        }
        if (!members)
                return 0;
        for (guint i = 0; i < expansion->schedule->len; i++)
                g_hash_table_add(chosen,
                                fleet_member_at(expansion,
                                                g_array_index(expansion->schedule, FleetEntry, i).member)
                                                ->name);
        for (guint i = found->len; i > 0; i--)
                if (!g_hash_table_contains(chosen, ((FleetFound *) found->pdata[i - 1])->name))
                        g_ptr_array_remove_index(found, i - 1);
        if (found->len == 0)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                                "None of the members '%s' is there: shruthictl fleet status", members);
        return 0;
}

static const FleetMember *exec_find_planned(const FleetExpansion *expansion, const char *name)
{
        for (guint i = 0; expansion && i < expansion->members->len; i++)
                if (g_str_equal(fleet_member_at(expansion, i)->name, name))
                        return fleet_member_at(expansion, i);

        return NULL;
}

static guint exec_count(GHashTable *counts, const FleetFound *member)
{
        const char *rest = member->name + strlen(member->fleet) + 1, *hyphen = strrchr(rest, '-');
        g_autofree char *group = g_strndup(rest, hyphen ? (size_t) (hyphen - rest) : strlen(rest));

        return GPOINTER_TO_UINT(g_hash_table_lookup(counts, group));
}

/* Of a plan all of its fields are known, without one those of the members themselves. */
static int exec_make_command(const FleetFound *member, guint count, const FleetExpansion *expansion,
                char *const *words, FleetCommand *command, Error *ret_error)
{
        const FleetMember *planned = exec_find_planned(expansion, member->name);
        unsigned n_choices = 0;
        int r = 0;

        *command = (FleetCommand){.member = member,
                        .words = g_new0(char *, g_strv_length((char **) words) + 1),
                        .environment = fleet_command_environment(member, count, g_get_environ()),
                        .status = -1};
        for (guint i = 0; r >= 0 && words[i]; i++) {
                g_autofree char *text = NULL;

                if (planned)
                        r = fleet_fields_fill(
                                        expansion, planned, words[i], false, &n_choices, &text, ret_error);
                if (r >= 0)
                        r = fleet_command_fill(
                                        member, count, text ?: words[i], &command->words[i], ret_error);
        }

        return r;
}

static void exec_print_json(const Ctl *ctl, const FleetExec *exec)
{
        JsonArray *array = json_array_new();

        for (guint i = 0; i < exec->commands->len; i++) {
                const FleetCommand *command = exec->commands->pdata[i];
                JsonObject *object = json_object_new();
                bool ran = command->status >= 0;
                g_autofree char *output = g_utf8_make_valid(command->output ? command->output->str : "", -1),
                                *errors = g_utf8_make_valid(command->errors ? command->errors->str : "", -1);

                json_object_set_member(object, "Name", json_text(command->member->name));
                if (ran && WIFEXITED(command->status))
                        json_object_set_member(object, "ExitStatus",
                                        json_number((uint64_t) WEXITSTATUS(command->status)));
                else
                        json_object_set_null_member(object, "ExitStatus");
                if (ran && WIFSIGNALED(command->status))
                        json_object_set_member(
                                        object, "Signal", json_number((uint64_t) WTERMSIG(command->status)));
                else
                        json_object_set_null_member(object, "Signal");
                json_object_set_member(object, "TimedOut", json_flag(command->timed_out));
                json_object_set_member(object, "Problem",
                                json_text(ran ? "" : command->problem ?: "interrupted"));
                json_object_set_member(object, "Duration", json_number((uint64_t) command->usec));
                json_object_set_member(object, "Output", json_text(output));
                json_object_set_member(object, "Errors", json_text(errors));
                json_array_add_object_element(array, object);
        }
        json_print_array(&ctl->options, array, false);
}

/* "exit status 1: alpha-peer-3, alpha-peer-7" for each outcome. */
static void exec_print_summary(const FleetExec *exec)
{
        g_autoptr(GHashTable) outcomes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GPtrArray) order = g_ptr_array_new(), lines = g_ptr_array_new_with_free_func(g_free);
        guint succeeded = 0;

        for (guint i = 0; i < exec->commands->len; i++) {
                const FleetCommand *command = exec->commands->pdata[i];
                g_autofree char *outcome = fleet_command_outcome(command);
                guint number = GPOINTER_TO_UINT(g_hash_table_lookup(outcomes, outcome));
                char *before;

                if (fleet_command_succeeded(command)) {
                        succeeded++;
                        continue;
                }
                if (number == 0) {
                        g_ptr_array_add(lines, g_strconcat(outcome, ":", NULL));
                        g_hash_table_insert(
                                        outcomes, g_steal_pointer(&outcome), GUINT_TO_POINTER(lines->len));
                        number = lines->len;
                }
                before = lines->pdata[number - 1];
                lines->pdata[number - 1] = g_strconcat(before, " ", command->member->name, NULL);
                g_free(before);
        }
        fprintf(stderr, "%u members: %u succeeded, %u failed%s\n", exec->commands->len, succeeded,
                        exec->commands->len - succeeded, exec->interrupted ? ", interrupted" : "");
        for (guint i = 0; i < lines->len; i++) {
                g_autofree char *shown = text_for_display(lines->pdata[i], 2000);

                fprintf(stderr, "  %s\n", shown);
        }
}

/* The members, and the plan if there is one. */
static int exec_find(Ctl *ctl, const char *operand, FleetPlan **plan, FleetExpansion **expansion,
                GPtrArray **ret_found, Error *ret_error)
{
        g_autofree char *name = NULL;
        uid_t owner, other;
        int r;

        r = fleet_owned_name(operand, &owner, &name, ret_error);
        if (r >= 0 && !name_is_valid(operand) && !strchr(operand, ':')) {
                r = fleet_plan_load(operand, plan, ret_error);
                if (r >= 0)
                        r = fleet_expand(*plan, expansion, ret_error);
        }
        if (r >= 0)
                r = fleet_find_members(ctl, name, ret_found, ret_error);
        if (r < 0)
                return r;
        other = fleet_found_keep(*ret_found, owner);
        return (*ret_found)->len == 0 ? fleet_refuse_owner(name, "exec", owner, other, ret_error) : 0;
}

int verb_fleet_exec(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GPtrArray) found = NULL, commands = g_ptr_array_new_with_free_func(fleet_command_free);
        g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        const Options *options = &ctl->options;
        FleetExec exec = {.commands = commands,
                        .jobs = options->jobs > 0 ? options->jobs : JOBS_DEFAULT,
                        .timeout = options->timeout,
                        .keep = options->json != JSON_OFF,
                        .escape = terminal_is_output()};
        bool good = true;
        int r;

        if (options->n_behind == 0 || g_strv_length(operands) != options->n_behind + 1)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Write the program behind '--': shruthictl fleet exec %s -- COMMAND ARG…",
                                operands[0]);
        r = exec_find(ctl, operands[0], &plan, &expansion, &found, ret_error);
        if (r >= 0)
                r = exec_choose(found, plan ? plan->seed : "1", options->members, counts, ret_error);
        for (guint i = 0; r >= 0 && i < found->len; i++) {
                FleetCommand *command = g_new0(FleetCommand, 1);

                g_ptr_array_add(commands, command);
                r = exec_make_command(found->pdata[i], exec_count(counts, found->pdata[i]), expansion,
                                operands + 1, command, ret_error);
        }
        if (r < 0)
                return r;

        fleet_exec_run(&exec);
        for (guint i = 0; i < commands->len; i++)
                good = good && fleet_command_succeeded(commands->pdata[i]);
        if (options->json != JSON_OFF)
                exec_print_json(ctl, &exec);
        else if (!options->quiet)
                exec_print_summary(&exec);
        return good && !exec.interrupted ? CTL_EXIT_SUCCESS : CTL_EXIT_FAILURE;
}
