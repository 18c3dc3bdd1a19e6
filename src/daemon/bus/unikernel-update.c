/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Update(), UpdateFromSource(), Rollback(), and the list of generations. */

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/names.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/change/update-from.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel-access.h"

static int update_read_time(
                sd_bus_message *message, const char *key, uint64_t max, uint64_t *ret_usec, Error *ret_error)
{
        g_autofree char *given = NULL;

        if (sd_bus_message_read(message, "v", "t", ret_usec) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s: expected a value of type 't', microseconds", key);
        if (*ret_usec <= max)
                return 0;

        given = time_span_format(*ret_usec);
        return error_set(
                        ret_error, ERROR_INVALID_ARGS, "%s: %s is too long; give at most a day", key, given);
}

static int update_read_flag(sd_bus_message *message, const char *key, bool *ret_flag, Error *ret_error)
{
        int b;

        if (sd_bus_message_read(message, "v", "b", &b) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "%s: expected a value of type 'b'", key);
        *ret_flag = b;
        return 0;
}

static int update_read_option(sd_bus_message *message, const char *key, void *userdata, Error *ret_error)
{
        ChangeUpdate *update = userdata;
        g_autofree char *shown = text_for_display(key, 40);

        if (g_str_equal(key, "Probation"))
                return update_read_time(
                                message, key, UPDATE_PROBATION_MAX, &update->probation_usec, ret_error);
        if (g_str_equal(key, "DrainUSec"))
                return update_read_time(message, key, ROLLING_DRAIN_MAX, &update->drain_usec, ret_error);
        if (g_str_equal(key, "DryRun"))
                return update_read_flag(message, key, &update->dry_run, ret_error);
        if (g_str_equal(key, "Rolling"))
                return update_read_flag(message, key, &update->rolling, ret_error);

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "Unknown option '%s'; known: Probation, DryRun, Rolling, DrainUSec", shown);
}

static int update_read_options(sd_bus_message *message, ChangeUpdate *update, Error *ret_error)
{
        int r;

        update->probation_usec = UPDATE_PROBATION_DEFAULT;
        update->drain_usec = UINT64_MAX;
        r = dictionary_read(message, "options", update_read_option, update, ret_error);
        if (r < 0)
                return r;
        if (!update->rolling && update->drain_usec != UINT64_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "DrainUSec is for a rolling update: give Rolling, too, or leave it out");
        if (update->drain_usec == UINT64_MAX)
                update->drain_usec = ROLLING_DRAIN_DEFAULT;
        return 0;
}

int unikernel_method_update(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        ChangeUpdate update = {};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = NULL;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        r = settings_read(message, SETTINGS_UPDATE, &settings, &error);
        if (r >= 0)
                r = update_read_options(message, &update, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_UPDATE, "update", &call))
                return 1;

        update_start(call, &update, g_steal_pointer(&settings));
        return 1;
}

int unikernel_method_update_from_source(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        ChangeUpdate update = {};
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        r = update_read_options(message, &update, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_UPDATE, "update", &call))
                return 1;

        update_from_source(call, &update);
        return 1;
}

static int generation_read_number(sd_bus_message *message, uint64_t *ret_number, Error *ret_error)
{
        int r = sd_bus_message_read(message, "t", ret_number);

        if (r < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The number of a generation cannot be read: %s", g_strerror(-r));
        return 0;
}

int unikernel_method_rollback(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        ChangeUpdate update = {.rollback = true};
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        r = generation_read_number(message, &update.generation, &error);
        if (r >= 0)
                r = update_read_options(message, &update, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_UPDATE, "roll back", &call))
                return 1;

        update_start(call, &update, NULL);
        return 1;
}

/* A read in a thread. */
typedef struct GenerationReading {
        Call *call;
        GPtrArray *generations; /* ListGenerations() */
        uint64_t current;       /* number of the one in force; 0 if none */
        uint64_t number;        /* GetGeneration() */
        Generation *generation;
        int result;
        Error error;
} GenerationReading;

static GenerationReading *generation_reading_new(Call *call)
{
        GenerationReading *reading = g_new0(GenerationReading, 1);

        *reading = (GenerationReading){.call = call, .error = ERROR_INIT};
        return reading;
}

static void generation_reading_free(GenerationReading *reading)
{
        g_clear_pointer(&reading->generations, g_ptr_array_unref);
        generation_free(reading->generation);
        error_clear(&reading->error);
        g_free(reading);
}

static void generation_reading_list(void *userdata)
{
        GenerationReading *reading = userdata;
        g_autofree char *path = NULL, *text = NULL;
        const Generation *current = NULL;
        DefinitionOrigin origin;

        reading->generations = generations_list(reading->call->unikernel);
        if (definition_find(reading->call->unikernel, &path, &origin, NULL) >= 0 &&
                        file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, NULL) >= 0)
                current = generations_find_text(reading->generations, text);
        reading->current = current ? current->number : 0;
}

/* Describes a generation in one word; one that was proven or set and is no longer in force is superseded. */
static const char *generation_describe(const Generation *generation, uint64_t current)
{
        if (generation->state == GENERATION_PROVING)
                return "proving";
        if (generation->number == current)
                return "current";

        return generation->state == GENERATION_FAILED ? "failed" : "superseded";
}

static int generation_append(sd_bus_message *m, const Generation *generation, uint64_t current)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Number", "t",
                                generation->number, "Timestamp", "t", generation->time, "User", "u",
                                (uint32_t) generation->user, "Image", "s", generation->image ?: "", "State",
                                "s", generation_describe(generation, current), "Outcome", "s",
                                generation_state_to_string(generation->state), "Reason", "s",
                                generation->reason ?: "", "InvocationID", "s", generation->invocation ?: "",
                                "Source", "s", generation->source ?: "");
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_generations_listed(void *userdata)
{
        GenerationReading *reading = userdata;
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = unikernel_check_owner(reading->call, &reading->error);
        if (r >= 0)
                r = call_new_reply(reading->call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (guint i = 0; r >= 0 && i < reading->generations->len; i++)
                r = generation_append(reply, reading->generations->pdata[i], reading->current);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        call_finish(reading->call, reply, r, &reading->error);
        generation_reading_free(reading);
}

int unikernel_method_list_generations(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        Call *call;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        worker_run(unikernel->manager->worker, call->uid, NULL, generation_reading_list,
                        on_generations_listed, generation_reading_new(call));
        return 1;
}

static void generation_reading_get(void *userdata)
{
        GenerationReading *reading = userdata;

        reading->result = generation_read(
                        reading->call->unikernel, reading->number, &reading->generation, &reading->error);
}

static void on_generation_got(void *userdata)
{
        GenerationReading *reading = userdata;
        g_autofree char *text = NULL;

        if (reading->result >= 0)
                reading->result = unikernel_check_owner(reading->call, &reading->error);
        if (reading->result < 0)
                call_fail(reading->call, &reading->error, reading->result);
        else {
                text = g_utf8_make_valid(reading->generation->text, -1);
                call_reply(reading->call, "s", text);
        }
        generation_reading_free(reading);
}

int unikernel_method_get_generation(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        GenerationReading *reading;
        uint64_t number;
        Call *call;
        int r;

        r = generation_read_number(message, &number, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        reading = generation_reading_new(call);
        reading->number = number;
        worker_run(unikernel->manager->worker, call->uid, NULL, generation_reading_get, on_generation_got,
                        reading);
        return 1;
}
