/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of a unikernel that return a text: its definition as it is written, its arguments and its
 * domain XML as they would be at a start. */

#include "daemon/bus/unikernel-bus.h"

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/names.h"
#include "daemon/access/call.h"
#include "daemon/state/unikernel-access.h"
#include "unikernel/arguments.h"

#define DOMAIN_XML_MAX (1024 * 1024)

/* A read in a thread. */
typedef struct DefinitionReading {
        Call *call;
        char *text;
        int result;
        Error error;
} DefinitionReading;

static void definition_reading_free(DefinitionReading *reading)
{
        g_free(reading->text);
        error_clear(&reading->error);
        g_free(reading);
}

static void definition_reading_run(void *userdata)
{
        DefinitionReading *reading = userdata;
        g_autofree char *path = NULL, *text = NULL;
        DefinitionOrigin origin;
        int r;

        r = definition_find(reading->call->unikernel, &path, &origin, &reading->error);
        if (r >= 0) {
                r = file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, NULL);
                if (r < 0)
                        (void) error_set_errno(&reading->error, r, "Cannot read %s", path);
                else
                        reading->text = g_utf8_make_valid(text, -1);
        }
        reading->result = r;
}

static void on_definition_reading_done(void *userdata)
{
        DefinitionReading *reading = userdata;

        if (reading->result >= 0)
                reading->result = unikernel_check_owner(reading->call, &reading->error);
        if (reading->result < 0)
                call_fail(reading->call, &reading->error, reading->result);
        else
                call_reply(reading->call, "s", reading->text);
        definition_reading_free(reading);
}

int unikernel_method_get_definition(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        DefinitionReading *reading;
        Call *call;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        reading = g_new0(DefinitionReading, 1);
        reading->call = call;
        worker_run(unikernel->manager->worker, call->uid, NULL, definition_reading_run,
                        on_definition_reading_done, reading);
        return 1;
}

static int unikernel_check_defined(const Unikernel *unikernel, Error *ret_error)
{
        if (unikernel->loaded.definition)
                return 0;

        return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s",
                        unikernel->loaded.problem
                                        ?: "Its definition was removed; the unikernel runs until it is "
                                           "stopped");
}

/* Answers with the output of shruthi-domain, which may contain text from users. what is for the message "…
 * cannot be sent". */
static void unikernel_reply_output(
                Call *call, int r, Error *error, const char *output, size_t max, const char *what)
{
        if (r >= 0)
                r = unikernel_check_owner(call, error);
        if (r >= 0 && (strlen(output) > max || !g_utf8_validate(output, -1, NULL)))
                r = error_set(error, ERROR_FAILED, "%s cannot be sent", what);
        if (r < 0)
                call_fail(call, error, r);
        else
                call_reply(call, "s", output);
}

static void on_unikernel_arguments(int r, Error *error, const char *output, void *userdata)
{
        unikernel_reply_output(userdata, r, error, output, ARGUMENTS_MAX, "The arguments");
}

int unikernel_method_get_arguments(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        r = unikernel_check_defined(unikernel, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else if (strpbrk(unikernel->loaded.definition->arguments, "{}"))
                libvirt_helper_run(unikernel->manager->helper, call->uid, "arguments", unikernel->name,
                                on_unikernel_arguments, call);
        else
                call_reply(call, "s", unikernel->loaded.definition->arguments);
        return 1;
}

static void on_unikernel_domain_xml(int r, Error *error, const char *output, void *userdata)
{
        unikernel_reply_output(userdata, r, error, output, DOMAIN_XML_MAX, "The domain XML");
}

int unikernel_method_get_domain_xml(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        Call *call;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        libvirt_helper_run(unikernel->manager->helper, call->uid, "xml", unikernel->name,
                        on_unikernel_domain_xml, call);
        return 1;
}
