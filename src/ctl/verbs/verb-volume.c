/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* volume list, create, show, resize, import, export, clone, remove. */

#include <stdio.h>

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/bus/properties.h"
#include "ctl/cli/error-context.h"
#include "ctl/input/volume-file.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/value.h"

static int volume_list_read(sd_bus_message *reply, Table *table, char **patterns)
{
        g_autofree char *shown_size = NULL, *shown_allocated = NULL, *joined = NULL;
        g_auto(GStrv) users = NULL;
        uint64_t size, allocated;
        const char *name;
        JsonArray *array;
        uint32_t owner;
        int r;

        r = sd_bus_message_read(reply, "sttu", &name, &size, &allocated, &owner);
        if (r >= 0)
                r = sd_bus_message_read_strv(reply, &users);
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r < 0 || !name_matches(name, patterns))
                return r;

        array = json_array_new();
        for (char **user = users; user && *user; user++)
                json_array_add_string_element(array, *user);
        joined = users ? g_strjoinv(" ", users) : NULL;
        shown_size = size_format(size);
        shown_allocated = size_format(allocated);
        table_add(table, name, COLOR_NONE, NULL);
        table_add(table, shown_size, COLOR_NONE, json_number(size));
        table_add(table, shown_allocated, COLOR_NONE, json_number(allocated));
        table_add_owner(table, (uid_t) owner);
        table_add(table, joined, COLOR_NONE, json_node_init_array(json_node_alloc(), array));
        json_array_unref(array);
        return 0;
}

int verb_volume_list(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"NAME", "SIZE", "ALLOCATED", "OWNER", "USERS", NULL};
        g_autoptr(Table) table = table_new(headers);
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = client_call(ctl, "ListVolumes", &reply, ret_error, NULL);
        if (r < 0)
                return r;
        table_set_key(table, 4, "UsedBy");
        r = sd_bus_message_enter_container(reply, 'a', "(sttuas)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sttuas")) > 0)
                r = volume_list_read(reply, table, operands);
        if (r < 0)
                return client_message_error(r, ret_error);

        pager_open(&ctl->options);
        table_print(table, &ctl->options, "volumes listed");
        return CTL_EXIT_SUCCESS;
}

/* Appends the dictionary for a new volume: Group, Owner, Size and Raw, as far as given. */
static int volume_append_settings(sd_bus_message *call, const Options *options, bool with_size)
{
        const char *group = options->settings.values[SETTING_GROUP],
                   *owner = options->settings.values[SETTING_OWNER];
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && group)
                r = sd_bus_message_append(call, "{sv}", "Group", "s", group);
        if (r >= 0 && owner)
                r = sd_bus_message_append(call, "{sv}", "Owner", "s", owner);
        if (r >= 0 && with_size && options->size > 0)
                r = sd_bus_message_append(call, "{sv}", "Size", "t", options->size);
        if (r >= 0 && options->raw)
                r = sd_bus_message_append(call, "{sv}", "Raw", "b", 1);

        return r < 0 ? r : sd_bus_message_close_container(call);
}

/* Sends the call that creates a volume, complete except for the dictionary. verb is for messages. */
static int volume_send_new(Ctl *ctl, sd_bus_message *call, const char *verb, const char *name,
                bool with_size, Error *ret_error)
{
        int r = volume_append_settings(call, &ctl->options, with_size);

        if (r < 0)
                return client_message_error(r, ret_error);

        r = client_send(ctl, call, NULL, ret_error);
        if (r < 0) {
                options_name_error(&ctl->options, ret_error);
                error_cannot(ret_error, "%s volume %s", verb, name);
        }
        return r < 0 ? r : CTL_EXIT_SUCCESS;
}

int verb_volume_create(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        if (ctl->options.size == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "A size is required: shruthictl volume create %s --size=64M", operands[0]);

        r = client_new_call(ctl, "CreateVolume", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "st", operands[0], ctl->options.size);
        if (r < 0)
                return client_message_error(r, ret_error);

        return volume_send_new(ctl, call, "create", operands[0], false, ret_error);
}

int verb_volume_import(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = volume_file_open(operands[1], &fd, ret_error);
        if (r < 0)
                return r;
        r = client_new_call(ctl, "ImportVolume", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "sh", operands[0], fd);
        if (r < 0)
                return client_message_error(r, ret_error);

        return volume_send_new(ctl, call, "import", operands[0], true, ret_error);
}

static int volume_collect(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error)
{
        return client_get_object(ctl, "GetVolumeDetails", name, true, ret_properties, ret_error);
}

int verb_volume_show(Ctl *ctl, char **operands, Error *ret_error)
{
        return properties_show(ctl, "volume ", operands, !operands[1], volume_collect);
}

/* A guest reads the size of its devices when it boots. */
static void volume_tell_when(Ctl *ctl, const char *name)
{
        g_autoptr(JsonObject) details = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (ctl->options.quiet ||
                        client_get_object(ctl, "GetVolumeDetails", name, false, &details, &error) < 0 ||
                        g_str_equal(value_text(details, "Use"), "unused"))
                return;

        fprintf(stderr, "It is in use: guests see the new size after their next start.\n");
}

int verb_volume_resize(Ctl *ctl, char **operands, Error *ret_error)
{
        uint64_t size;
        int r;

        if (size_parse(operands[1], &size) < 0) {
                g_autofree char *shown = text_for_display(operands[1], 80);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' is not a size: give the new total, such as 128M.", shown);
        }

        r = client_call(ctl, "ResizeVolume", NULL, ret_error, "st", operands[0], size);
        if (r < 0) {
                error_cannot(ret_error, "resize volume %s", operands[0]);
                return r;
        }

        volume_tell_when(ctl, operands[0]);
        return CTL_EXIT_SUCCESS;
}

int verb_volume_export(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_volume_file_ VolumeFile file = VOLUME_FILE_INIT;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = volume_file_create(operands[1], &file, ret_error);
        if (r < 0)
                return r;
        r = client_call(ctl, "ExportVolume", &reply, ret_error, "s", operands[0]);
        if (r >= 0)
                r = client_read_fd(reply, &fd, ret_error);
        if (r >= 0)
                r = volume_file_fill(&file, fd, ret_error);
        if (r >= 0)
                r = volume_file_commit(&file, ret_error);
        if (r < 0)
                error_cannot(ret_error, "export volume %s", operands[0]);

        return r < 0 ? r : CTL_EXIT_SUCCESS;
}

int verb_volume_clone(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, "CloneVolume", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "ss", operands[0], operands[1]);
        if (r < 0)
                return client_message_error(r, ret_error);

        return volume_send_new(ctl, call, "clone", operands[0], false, ret_error);
}

int verb_volume_remove(Ctl *ctl, char **operands, Error *ret_error)
{
        return client_call_each(ctl, operands, "remove volume", client_make_name_call,
                        (void *) "RemoveVolume", NULL);
}
