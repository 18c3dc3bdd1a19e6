/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image list, inspect, import, prune. */

#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "common/size.h"
#include "common/string-util.h"
#include "ctl/bus/client-image.h"
#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/value.h"

static int image_list_read(sd_bus_message *reply, Table *table)
{
        const char *digest;
        uint64_t size;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(stas)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "stas")) > 0) {
                g_auto(GStrv) users = NULL;
                g_autofree char *joined = NULL, *shown = NULL;
                JsonArray *array = json_array_new();

                r = sd_bus_message_read(reply, "st", &digest, &size);
                if (r >= 0)
                        r = sd_bus_message_read_strv(reply, &users);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0) {
                        json_array_unref(array);
                        return r;
                }

                for (char **user = users; user && *user; user++)
                        json_array_add_string_element(array, *user);
                joined = users ? g_strjoinv(" ", users) : NULL;
                shown = size_format(size);
                table_add(table, digest, COLOR_NONE, NULL);
                table_add(table, shown, COLOR_NONE, json_number(size));
                table_add(table, joined, COLOR_NONE, json_node_init_array(json_node_alloc(), array));
                json_array_unref(array);
        }

        return r;
}

int verb_image_list(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"DIGEST", "SIZE", "USERS", NULL};
        g_autoptr(Table) table = table_new(headers);
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = client_call(ctl, "ListImages", &reply, ret_error, NULL);
        if (r < 0)
                return r;
        table_set_key(table, 2, "UsedBy");
        r = image_list_read(reply, table);
        if (r < 0)
                return client_message_error(r, ret_error);

        pager_open(&ctl->options);
        table_print(table, &ctl->options, "images listed");
        return CTL_EXIT_SUCCESS;
}

static void image_print_line(const char *key, const char *value)
{
        g_autofree char *shown = text_for_display(value, 4096);

        printf("%12s%s %s\n", key, *key ? ":" : " ", shown);
}

/* Whether a block device with this name probably carries keys; there is no other way to tell. */
static bool image_device_is_for_keys(const char *name)
{
        static const char *const words[] = {"key", "secret", "cred", "cert"};
        g_autofree char *lower = g_ascii_strdown(name, -1);

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (strstr(lower, words[i]))
                        return true;

        return false;
}

/* Prints the devices, and the options that connect them. */
static void image_print_devices(JsonObject *info)
{
        JsonArray *devices = value_array(info, "Devices");
        g_autoptr(GString) options = g_string_new(NULL);
        guint n = devices ? json_array_get_length(devices) : 0;
        bool has_block = false, has_keys = false;

        if (!value_flag(info, "HasManifest")) {
                image_print_line("Devices", "as its definition says (the image has no manifest)");
                return;
        }
        if (n == 0)
                image_print_line("Devices", "none");

        for (guint i = 0; i < n; i++) {
                JsonArray *device = json_array_get_array_element(devices, i);
                const char *name = json_array_get_string_element(device, 0);
                const char *kind = json_array_get_string_element(device, 1);
                g_autofree char *text = g_strdup_printf("%s %s", kind, name);

                image_print_line(i == 0 ? "Devices" : "", text);
                if (g_str_equal(kind, "network"))
                        g_string_append_printf(options, " --network=%s:BRIDGE", name);
                else if (!has_keys && image_device_is_for_keys(name)) {
                        g_string_append_printf(options, " --credentials=%s", name);
                        has_keys = true;
                } else {
                        g_string_append_printf(options, " --volume=%s:size=64M", name);
                        has_block = true;
                }
        }

        if (n > 0) {
                g_autofree char *command = g_strdup_printf("shruthictl create NAME IMAGE%s", options->str);

                image_print_line("Create", command);
        }
        if (has_block && !has_keys)
                image_print_line("", "with --credentials=DEVICE for a block device from which the image "
                                     "reads keys");
}

static void image_print_info(const char *image, JsonObject *info)
{
        g_autofree char *size = size_format((uint64_t) value_number(info, "Size")), *shown = NULL;
        const char *target = value_text(info, "Target"), *problem = value_text(info, "Problem");
        const char *architecture = value_text(info, "Architecture");
        bool hostable = value_flag(info, "Hostable");

        shown = text_for_display(image, 1024);
        printf("%s%s%s\n", color_on(COLOR_BOLD), shown, color_off(COLOR_BOLD));
        image_print_line("Digest", value_text(info, "Digest"));
        image_print_line("Size", size);
        /* A Multiboot or PVH kernel is entered in 32-bit mode, even if it switches later. */
        if (g_str_equal(architecture, "i686") && !g_str_equal(value_text(info, "BootMethod"), "linux"))
                architecture = "i686 at entry; may switch to 64 bit";
        image_print_line("Architecture", architecture);
        image_print_line("Boots by", value_text(info, "BootMethod"));
        if (*target && !g_str_equal(target, "none"))
                image_print_line("Solo5 target", target);
        if (hostable)
                image_print_devices(info);
        printf("%12s: %s%s%s\n", "Hostable", color_on(hostable ? COLOR_GREEN : COLOR_RED),
                        hostable ? "yes" : "no", color_off(COLOR_GREEN));
        if (*problem) {
                g_autofree char *lines = lines_for_display(problem);

                printf("%12s: %s\n", "Problem", lines);
        }
}

/* Fails for an image that cannot be hosted, so that scripts can check. */
int verb_image_inspect(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const device_keys[] = {"Name", "Kind", NULL};
        g_autoptr(JsonArray) array = json_array_new();
        int exit_status = CTL_EXIT_SUCCESS;

        for (char **image = operands; *image; image++) {
                g_autoptr(JsonObject) info = NULL;
                int r;

                r = client_inspect_image(ctl, *image, &info, ret_error);
                if (r < 0) {
                        error_cannot(ret_error, "inspect %s", *image);
                        return r;
                }
                if (!value_flag(info, "Hostable"))
                        exit_status = CTL_EXIT_FAILURE;

                if (ctl->options.json != JSON_OFF) {
                        json_name_members(info, "Devices", device_keys);
                        json_array_add_object_element(array, json_object_ref(info));
                        continue;
                }
                if (image != operands)
                        putchar('\n');
                image_print_info(*image, info);
        }

        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, !operands[1]);
        return exit_status;
}

int verb_image_import(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(JsonArray) array = json_array_new();

        for (char **image = operands; *image; image++) {
                g_autofree char *digest = NULL;
                JsonObject *object;
                int r;

                r = client_import_image(ctl, *image, ctl->options.settings.digest, &digest, ret_error);
                if (r < 0) {
                        error_cannot(ret_error, "import %s", *image);
                        return r;
                }
                if (ctl->options.json == JSON_OFF) {
                        puts(digest);
                        continue;
                }
                object = json_object_new();
                json_object_set_string_member(object, "Image", *image);
                json_object_set_string_member(object, "Digest", digest);
                json_array_add_object_element(array, object);
        }

        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, !operands[1]);
        return CTL_EXIT_SUCCESS;
}

int verb_image_prune(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_auto(GStrv) removed = NULL;
        g_autofree char *size = NULL;
        uint64_t freed;
        int r;

        r = client_call(ctl, "PruneImages", &reply, ret_error, NULL);
        if (r < 0)
                return r;
        r = sd_bus_message_read_strv(reply, &removed);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &freed);
        if (r < 0)
                return client_message_error(r, ret_error);

        if (ctl->options.json != JSON_OFF) {
                g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
                JsonObject *object = json_object_new();
                JsonArray *array = json_array_new();

                for (char **digest = removed; digest && *digest; digest++)
                        json_array_add_string_element(array, *digest);
                json_object_set_array_member(object, "Removed", array);
                json_object_set_member(object, "Freed", json_number(freed));
                json_node_take_object(node, object);
                json_print(&ctl->options, node);
                return CTL_EXIT_SUCCESS;
        }

        for (char **digest = removed; digest && *digest; digest++)
                puts(*digest);
        size = size_format(freed);
        if (!ctl->options.no_legend && !ctl->options.quiet)
                printf("%u images removed, %s freed.\n", removed ? g_strv_length(removed) : 0, size);
        return CTL_EXIT_SUCCESS;
}
