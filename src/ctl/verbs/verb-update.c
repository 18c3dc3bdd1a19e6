/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* update, rollback: switch to another generation, which shruthid watches until it is proven. */

#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "ctl/bus/log-reader.h"
#include "ctl/bus/overrides.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/diff.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"
#include "ctl/verbs/verb-history.h"
#include "ctl/verbs/verb-set.h"
#include "ctl/verbs/verb-update.h"

#define FAILED_LINES 10

int update_append_options(sd_bus_message *call, const Options *options, Error *ret_error)
{
        int r;

        if (options->have_drain && !options->rolling)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--drain= is for an update with --rolling: others end all connections.");

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && options->have_probation)
                r = sd_bus_message_append(call, "{sv}", "Probation", "t", options->probation);
        if (r >= 0 && options->rolling)
                r = sd_bus_message_append(call, "{sv}", "Rolling", "b", 1);
        if (r >= 0 && options->have_drain)
                r = sd_bus_message_append(call, "{sv}", "DrainUSec", "t", options->drain);
        if (r >= 0 && options->dry_run)
                r = sd_bus_message_append(call, "{sv}", "DryRun", "b", 1);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

/* The invocation ID of the run in which that generation (0 for the newest) failed; NULL if not known. */
static char *update_find_failed_run(Ctl *ctl, const char *name, uint64_t number)
{
        g_autoptr(GPtrArray) generations = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (history_read(ctl, name, false, &generations, &error) < 0)
                return NULL;

        for (guint i = generations->len; i > 0; i--) {
                JsonObject *generation = generations->pdata[i - 1];
                const char *invocation = value_text(generation, "InvocationID");

                if (g_str_equal(value_text(generation, "State"), "failed") &&
                                (number == 0 || (uint64_t) value_number(generation, "Number") == number))
                        return *invocation ? g_strdup(invocation) : NULL;
        }
        return NULL;
}

/* As status does. */
static void update_print_failed_lines(Ctl *ctl, const char *name, uint64_t number)
{
        g_autofree char *invocation = update_find_failed_run(ctl, name, number);
        LogRequest request = {
                        .lines = FAILED_LINES, .quietly = true, .priority = -1, .invocation = invocation};
        char *names[] = {(char *) name, NULL};
        _cleanup_error_ Error error = ERROR_INIT;

        if (invocation && !ctl->options.quiet)
                (void) log_print(ctl, names, &request, &error);
}

static int update_print_dry_run(Ctl *ctl, const char *name, JsonObject *outcome, Error *ret_error)
{
        g_autofree char *now = NULL, *diff = NULL, *from = NULL, *to = NULL;
        int r;

        r = client_get_text(ctl, "GetUnikernelDefinition", name, &now, ret_error);
        if (r < 0)
                return r;

        from = g_strdup_printf("%s now", name);
        to = g_strdup_printf("%s updated", name);
        diff = diff_texts(now, value_text(outcome, "Definition"), from, to);
        if (*diff)
                print_foreign(diff);
        else if (!ctl->options.quiet)
                printf("Nothing would change.\n");
        return CTL_EXIT_SUCCESS;
}

static void update_print_outcome(Ctl *ctl, const char *name, JsonObject *outcome)
{
        uint64_t generation = (uint64_t) value_number(outcome, "Generation"),
                 former = (uint64_t) value_number(outcome, "Former");

        if (ctl->options.quiet)
                return;
        if (g_str_equal(value_text(outcome, "Outcome"), "up-to-date"))
                printf("%s is up to date, at generation %" G_GUINT64_FORMAT ": %s\n", name, generation,
                                value_text(outcome, "Source"));
        else if (generation == former)
                printf("%s is as it was, at generation %" G_GUINT64_FORMAT ".\n", name, generation);
        else if (g_str_equal(value_text(outcome, "Outcome"), "proven"))
                printf("%s is at generation %" G_GUINT64_FORMAT ", which is proven.\n", name, generation);
        else
                printf("%s is at generation %" G_GUINT64_FORMAT
                       "; it is not running, so nothing was proven. To start it: shruthictl %sstart %s\n",
                                name, generation, ctl->options.user ? "--user " : "", name);
}

/* number is that of the generation to try; 0 for a new one, UINT64_MAX if not known. */
static int update_send(Ctl *ctl, sd_bus_message *call, const char *name, const char *what, uint64_t number,
                Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(JsonObject) outcome = NULL;
        g_autoptr(JsonNode) node = NULL;
        int r;

        r = update_append_options(call, &ctl->options, ret_error);
        if (r >= 0)
                r = client_send(ctl, call, &reply, ret_error);
        if (r < 0) {
                if (ret_error->code == ERROR_UPDATE_FAILED)
                        update_print_failed_lines(ctl, name, number);
                options_name_error(&ctl->options, ret_error);
                error_cannot(ret_error, "%s %s", what, name);
                return r;
        }

        r = value_read_object(reply, &outcome);
        if (r < 0)
                return client_message_error(r, ret_error);
        if (ctl->options.json != JSON_OFF) {
                node = json_node_new(JSON_NODE_OBJECT);
                json_node_set_object(node, outcome);
                json_print(&ctl->options, node);
        } else if (ctl->options.dry_run && json_object_has_member(outcome, "Definition"))
                return update_print_dry_run(ctl, name, outcome, ret_error);
        else
                update_print_outcome(ctl, name, outcome);
        return CTL_EXIT_SUCCESS;
}

/* NAME [IMAGE] [KEY=VALUE…] [-- ARGUMENT…] */
static int update_read_operands(Ctl *ctl, char **operands, Error *ret_error)
{
        char **behind = options_guest_arguments(&ctl->options, operands, 1), **words = operands + 1;
        int r;

        r = name_check(operands[0], ret_error);
        if (r < 0)
                return r;
        if (words < behind && !set_is_setting(*words)) {
                if (ctl->options.image)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "The image is given twice: as IMAGE and by --image=.");
                ctl->options.image = *words++;
        }
        r = set_read_words(ctl, "update", words, behind, ret_error);
        if (r >= 0 && *behind)
                r = options_take_arguments(&ctl->options, behind, ret_error);
        if (r < 0)
                return r;
        if (ctl->options.settings.digest && !ctl->options.image)
                return error_set(ret_error, ERROR_INVALID_ARGS, "--verify= applies to an image: give one.");

        return 0;
}

/* Nothing was given, so the image is that of UpdateFrom=. */
static int update_from_source(Ctl *ctl, const char *name, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, "UpdateUnikernelFromSource", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r < 0)
                return client_message_error(r, ret_error);

        return update_send(ctl, call, name, "update", 0, ret_error);
}

/* --all takes only options that apply to each of them. */
static int update_check_all(const Ctl *ctl, char **operands, Error *ret_error)
{
        if (operands[0] || ctl->options.image || command_settings_any(&ctl->options.settings) ||
                        ctl->options.settings.digest)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--all updates each unikernel from its UpdateFrom=: give no name, image or "
                                "setting with it.");

        return 0;
}

int verb_update(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        g_autofree char *digest = NULL;
        const char *name = operands[0];
        int r;

        if (ctl->options.all) {
                r = update_check_all(ctl, operands, ret_error);
                return r < 0 ? r : update_all(ctl, ret_error);
        }
        if (!name)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Give the NAME of the unikernel to update, or --all; see --help.");
        r = update_read_operands(ctl, operands, ret_error);
        if (r >= 0 && !ctl->options.image && !command_settings_any(&ctl->options.settings))
                return update_from_source(ctl, name, ret_error);
        if (r >= 0)
                r = set_import_image(ctl, &digest, ret_error);
        if (r < 0) {
                error_cannot(ret_error, "update %s", name);
                return r;
        }

        r = set_new_call(ctl, "UpdateUnikernel", name, digest, &call, ret_error);
        if (r < 0)
                return r;

        r = update_send(ctl, call, name, "update", 0, ret_error);
        if (r == CTL_EXIT_SUCCESS && !ctl->options.dry_run)
                overrides_report(ctl, name, &ctl->options.settings, ctl->options.image);
        return r;
}

int verb_rollback(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        uint64_t generation = 0;
        int r;

        r = name_check(operands[0], ret_error);
        if (r < 0)
                return r;
        if (operands[1])
                r = generation_number_parse(operands[0], operands[1], &generation, ret_error);
        if (r < 0)
                return r;

        r = client_new_call(ctl, "RollbackUnikernel", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "st", operands[0], generation);
        if (r < 0)
                return client_message_error(r, ret_error);

        return update_send(ctl, call, operands[0], "roll back", generation > 0 ? generation : UINT64_MAX,
                        ret_error);
}
