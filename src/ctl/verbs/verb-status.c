/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* status: the overview of a unikernel for its user. */

#include <stdio.h>
#include <string.h>

#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/bus/log-reader.h"
#include "ctl/bus/overrides.h"
#include "ctl/bus/properties.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/format.h"
#include "ctl/output/next-steps.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"
#include "unikernel/setting.h"

#define STATUS_LINES_DEFAULT 10
#define LINE_LENGTH_MAX      (16 * 1024)

static void status_print_line(const char *key, const char *value)
{
        g_autofree char *shown = NULL;

        if (!value || !*value)
                return;

        shown = text_for_display(value, LINE_LENGTH_MAX);
        printf("%11s%s %s\n", key, *key ? ":" : " ", shown);
}

/* "● msgrouter - running since Mon …; 5min ago" and the result of the last run. */
static void status_print_state(JsonObject *properties)
{
        const char *state = value_text(properties, "State"), *name = value_text(properties, "Name");
        g_autofree char *since = NULL, *result = NULL, *generation = NULL;
        Color color = state_color(state);

        printf("%s%s%s %s\n", color_on(color), state_dot(state), color_off(color), name);

        since = format_since((uint64_t) value_number(properties, "StateChangeTimestamp"),
                        (uint64_t) g_get_real_time());
        printf("%11s: %s%s%s%s%s\n", "State", color_on(color), state, color_off(color),
                        *since ? " since " : "", since);
        status_print_line("Health", value_text(properties, "Health"));
        if (value_number(properties, "Generation") > 0)
                generation = g_strdup_printf("%" G_GINT64_FORMAT, value_number(properties, "Generation"));
        status_print_line("Generation", generation);

        result = unikernel_format_result(properties);
        status_print_line("Result", result);
}

/* What starts it besides its unit, and ends it again. */
static void status_print_activation(JsonObject *details)
{
        const char *idle = value_text(details, "StopWhenIdleSec");
        const char *state = value_text(details, "ActivationState");
        g_autofree char *line = NULL;

        if (!*value_text(details, "Activation"))
                return;
        if (g_str_equal(state, "refusing")) {
                status_print_line("Activation",
                                "refuses traffic for a minute: it was started for it, and failed");
                return;
        }
        line = g_strconcat(*state ? "waits for traffic" : "by traffic",
                        *idle ? ", stops when idle for " : "", idle, NULL);
        status_print_line("Activation", line);
}

/* Keys that were set are listed by their own verb. */
static char *status_credentials_line(JsonObject *device)
{
        JsonArray *names = value_array(device, "Credentials");
        GString *line = g_string_new(NULL);

        g_string_printf(line, "block %s → credentials", value_text(device, "Name"));
        for (guint i = 0; names && i < json_array_get_length(names); i++)
                g_string_append_printf(
                                line, "%s %s", i == 0 ? ":" : ",", json_array_get_string_element(names, i));

        return g_string_free(line, FALSE);
}

static char *status_network_line(JsonObject *device)
{
        const char *bridge = value_text(device, "Bridge"), *network = value_text(device, "Network");
        const char *mac = value_text(device, "MACAddress"), *address = value_text(device, "Address");
        bool open = json_object_has_member(device, "Isolation") && !value_flag(device, "Isolation");
        JsonArray *published = value_array(device, "Publish");
        bool any = published && json_array_get_length(published) > 0;
        g_autofree char *ports = any ? value_format(json_object_get_member(device, "Publish")) : NULL;

        return g_strdup_printf("network %s → %s%s%s%s%s%s%s%s%s", value_text(device, "Name"),
                        *network              ? "network "
                        : *bridge             ? "bridge "
                        : paths_are_of_user() ? "a network of its own"
                                              : "default bridge",
                        *network ? network : bridge, *address ? ", " : "", address, *mac ? ", " : "", mac,
                        open ? ", not isolated" : "", any ? ", publishes " : "", any ? ports : "");
}

static char *status_device_line(JsonObject *device)
{
        const char *volume = value_text(device, "Volume");

        if (g_str_equal(value_text(device, "Kind"), "network"))
                return status_network_line(device);
        if (g_str_equal(value_text(device, "Kind"), "credentials"))
                return status_credentials_line(device);

        return g_strdup_printf("block %s → %s%s%s", value_text(device, "Name"), *volume ? "volume " : "",
                        *volume ? volume : value_text(device, "Path"),
                        value_flag(device, "ReadOnly") ? ", read-only" : "");
}

static void status_print_cut_off(const char *reason)
{
        g_autofree char *line = g_strconcat("cut off: ", reason, NULL);

        if (*reason)
                status_print_line("", line);
}

static void status_print_devices(JsonObject *details)
{
        JsonArray *devices = value_array(details, "Devices");

        for (guint i = 0; devices && i < json_array_get_length(devices); i++) {
                JsonObject *device = json_array_get_object_element(devices, i);
                g_autofree char *line = status_device_line(device);

                status_print_line(i == 0 ? "Devices" : "", line);
                status_print_cut_off(value_text(device, "CutOff"));
        }
}

static void status_print_image(JsonObject *details)
{
        const char *image = value_text(details, "Image"), *target = value_text(details, "ImageTarget");
        const char *boot = value_text(details, "BootMethod"),
                   *for_what = value_text(details, "Architecture");
        bool solo5 = *target && !g_str_equal(target, "none");
        g_autofree char *line = NULL;

        if (!*image)
                return;

        line = g_strdup_printf("%s%s%s%s%s%s%s", image, solo5 || *boot ? " (" : "", solo5 ? "Solo5 " : "",
                        solo5 ? target : boot, *boot && *for_what ? ", " : "", *boot ? for_what : "",
                        solo5 || *boot ? ")" : "");
        status_print_line("Image", line);
        status_print_line("Initrd", value_text(details, "Initrd"));
}

/* Current usage comes from libvirt, and only while there is a guest, also if paused. NULL if not known. */
static JsonNode *status_get_statistics(Ctl *ctl, JsonObject *properties)
{
        static const char *const states[] = {"running", "paused", NULL};
        g_autoptr(JsonObject) statistics = NULL;

        if (!g_strv_contains(states, value_text(properties, "State")) ||
                        client_get_object(ctl, "GetUnikernelStatistics", value_text(properties, "Name"),
                                        false, &statistics, NULL) < 0)
                return NULL;

        return json_node_init_object(json_node_alloc(), statistics);
}

/* statistics is NULL if there was no answer; then the line is shorter. */
static void status_print_resources(JsonNode *statistics, JsonObject *details)
{
        g_autofree char *memory = size_format((uint64_t) value_number(details, "Memory")), *line = NULL,
                        *used = NULL;
        int64_t cpus = value_number(details, "CPUs");

        if (cpus == 0)
                return;
        if (statistics)
                used = format_span((uint64_t) value_number(json_node_get_object(statistics), "CPUTime"));

        line = g_strdup_printf("%s, %" G_GINT64_FORMAT " CPU%s%s%s%s", memory, cpus, cpus == 1 ? "" : "s",
                        used ? " (" : "", used ?: "", used ? " used)" : "");
        status_print_line("Memory", line);
}

static void status_print_owner(JsonObject *properties, JsonObject *details)
{
        g_autofree char *owner = format_user((uid_t) value_number(properties, "Owner")), *line = NULL;
        const char *group = value_text(details, "Group");

        line = g_strdup_printf("%s%s%s", owner, *group ? ", group " : "", group);
        status_print_line("Owner", line);
}

/* Prints settings in systemd's drop-ins that do not limit the guest, and where they would. */
static void status_print_without_effect(JsonObject *details)
{
        JsonArray *settings = value_array(details, "WithoutEffect");
        const char *slice = value_text(details, "Slice");
        guint n = settings ? json_array_get_length(settings) : 0;

        for (guint i = 0; i < n; i++)
                status_print_line(i == 0 ? "No effect" : "", json_array_get_string_element(settings, i));
        if (n > 0 && *slice) {
                g_autofree char *text = g_strdup_printf(
                                "Set limits on the guest's slice: systemctl set-property '%s' …", slice);
                g_autofree char *way = paths_command(text);

                status_print_line("", way);
        }
        status_print_line("Slice", slice);
}

/* Prints the limits that its definition sets for that slice. */
static void status_print_limits(JsonObject *details)
{
        g_autoptr(GString) line = g_string_new(NULL);

        for (SettingID id = SETTING_CPU_WEIGHT; id <= SETTING_MEMORY_MAX; id++) {
                const Setting *setting = &setting_table[id];
                JsonArray *values = value_array(details, setting->key);
                g_autofree char *size = NULL;

                for (guint i = 0; values && i < json_array_get_length(values); i++)
                        g_string_append_printf(line, ", %s=%s", setting->key,
                                        json_array_get_string_element(values, i));
                if (setting->type == SETTING_TYPE_BYTES && value_number(details, setting->key) > 0) {
                        size = size_format_exact((uint64_t) value_number(details, setting->key));
                        g_string_append_printf(line, ", %s=%s", setting->key, size);
                } else if (setting->type == SETTING_TYPE_TEXT && *value_text(details, setting->key))
                        g_string_append_printf(
                                        line, ", %s=%s", setting->key, value_text(details, setting->key));
        }

        if (line->len > 0)
                status_print_line("Limits", line->str + strlen(", "));
}

static void status_print_snapshot(JsonObject *details)
{
        uint64_t time = value_number(details, "SnapshotTime");
        g_autofree char *size = NULL, *when = NULL, *line = NULL;

        if (time == 0)
                return;
        size = size_format(value_number(details, "SnapshotSize"));
        when = format_timestamp(time);
        line = g_strdup_printf("%s, saved %s", size, when);
        status_print_line("Snapshot", line);
}

/* "ADDRESS/PREFIX ADDRESS/PREFIX" → the addresses. */
static void status_note_addresses(GHashTable *known, const char *text)
{
        g_auto(GStrv) words = g_strsplit(text, " ", -1);

        for (char **word = words; *word; word++)
                g_hash_table_add(known, g_strndup(*word, strcspn(*word, "/")));
}

/* Prints the addresses of a device besides the allocated ones: from DHCP, or seen on the network. */
static void status_print_seen(GHashTable *known, JsonObject *device, const char **label)
{
        g_auto(GStrv) seen = g_strsplit(value_text(device, "Addresses"), " ", -1);

        for (char **address = seen; *address; address++) {
                g_autofree char *line = NULL;

                if (!**address || g_hash_table_contains(known, *address))
                        continue;
                line = g_strdup_printf("%s (seen on network %s)", *address, value_text(device, "Name"));
                status_print_line(*label, line);
                *label = "";
        }
}

/* Prints the addresses that the arguments give to the guest, and those that it was seen with; addresses
 * allocated to devices are printed with those. */
static void status_print_addresses(JsonObject *details, JsonNode *statistics)
{
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        JsonArray *typed = value_array(details, "TypedAddresses");
        JsonArray *blocked = value_array(details, "BlockedAddresses");
        JsonArray *devices = value_array(details, "Devices");
        JsonArray *seen = statistics ? value_array(json_node_get_object(statistics), "Devices") : NULL;
        const char *label = "Addresses";

        for (guint i = 0; devices && i < json_array_get_length(devices); i++)
                status_note_addresses(
                                known, value_text(json_array_get_object_element(devices, i), "Address"));
        for (guint i = 0; typed && i < json_array_get_length(typed); i++) {
                status_note_addresses(known, json_array_get_string_element(typed, i));
                status_print_line(label, json_array_get_string_element(typed, i));
                label = "";
        }
        for (guint i = 0; seen && i < json_array_get_length(seen); i++)
                status_print_seen(known, json_array_get_object_element(seen, i), &label);
        for (guint i = 0; blocked && i < json_array_get_length(blocked); i++) {
                const char *address = json_array_get_string_element(blocked, i);
                g_autofree char *line = g_strdup_printf("%s: traffic from it is dropped, it is not assigned "
                                                        "to a network (address=%s)",
                                address, address);

                status_print_line(label, line);
                label = "";
        }
}

static void status_print_details(Ctl *ctl, JsonObject *properties, JsonObject *details)
{
        g_autofree char *start = g_strdup_printf("%s, restart: %s",
                        value_flag(properties, "Autostart") ? "yes" : "no", value_text(details, "Restart"));
        JsonArray *dropins = value_array(details, "DropIns");
        g_autoptr(JsonNode) statistics = status_get_statistics(ctl, properties);

        /* After a start that was refused for this reason both are the same. */
        if (!g_str_equal(value_text(details, "Reason"), value_text(details, "Problem"))) {
                g_autofree char *reason = paths_command(value_text(details, "Reason"));

                status_print_line("Reason", reason);
        }
        status_print_line("Problem", value_text(details, "Problem"));
        status_print_without_effect(details);
        status_print_limits(details);
        status_print_snapshot(details);
        status_print_image(details);
        status_print_devices(details);
        status_print_addresses(details, statistics);
        status_print_resources(statistics, details);
        status_print_owner(properties, details);
        status_print_activation(details);
        status_print_line("Autostart", *value_text(details, "Restart")       ? start
                                       : value_flag(properties, "Autostart") ? "yes"
                                                                             : "no");
        status_print_line("Arguments", value_text(details, "Arguments"));
        status_print_line("Definition", value_text(details, "DefinitionPath"));
        for (guint i = 0; dropins && i < json_array_get_length(dropins); i++)
                status_print_line(i == 0 ? "Drop-ins" : "", json_array_get_string_element(dropins, i));
        status_print_line("Domain", value_text(details, "DomainName"));
}

static bool status_has_device(JsonArray *devices, JsonObject *like, bool same)
{
        for (guint i = 0; devices && i < json_array_get_length(devices); i++) {
                JsonObject *device = json_array_get_object_element(devices, i);
                g_autoptr(JsonNode) a = json_node_init_object(json_node_alloc(), device),
                                    b = json_node_init_object(json_node_alloc(), like);

                if (same ? json_node_equal(a, b)
                         : g_str_equal(value_text(device, "Kind"), value_text(like, "Kind")) &&
                                                                g_str_equal(value_text(device, "Name"),
                                                                                value_text(like, "Name")))
                        return true;
        }

        return false;
}

/* Prints changed and new devices, then removed ones. */
static void status_print_next_devices(JsonArray *now, JsonArray *next)
{
        for (guint i = 0; next && i < json_array_get_length(next); i++) {
                JsonObject *device = json_array_get_object_element(next, i);
                g_autofree char *line = status_device_line(device);

                if (!status_has_device(now, device, true))
                        status_print_line("", line);
        }
        for (guint i = 0; next && now && i < json_array_get_length(now); i++) {
                JsonObject *device = json_array_get_object_element(now, i);
                g_autofree char *line = g_strdup_printf("without %s %s",
                                g_str_equal(value_text(device, "Kind"), "network") ? "network" : "block",
                                value_text(device, "Name"));

                if (!status_has_device(next, device, false))
                        status_print_line("", line);
        }
}

/* Prints what the next start will change. */
static void status_print_next_start(JsonObject *properties, JsonObject *details)
{
        static const char *const keys[] = {"Image", "Initrd", "Architecture", "Arguments", "Memory", "CPUs"};
        JsonNode *node = json_object_get_member(details, "NextStart");
        JsonObject *next = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
        const char *name = value_text(properties, "Name");
        g_autofree char *title = NULL;

        if (!next)
                return;

        title = g_strdup_printf("the definition has changed; effective then (shruthictl restart %s):", name);
        status_print_line("Next start", title);
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autofree char *value = NULL, *line = NULL;

                if (!json_object_has_member(next, keys[i]))
                        continue;
                value = g_str_equal(keys[i], "Memory") ? size_format((uint64_t) value_number(next, keys[i]))
                                                       : value_format(json_object_get_member(next, keys[i]));
                line = g_strdup_printf("%s=%s", keys[i], value);
                status_print_line("", line);
        }
        status_print_next_devices(value_array(details, "Devices"), value_array(next, "Devices"));
}

/* Prints as much as the caller may see. */
static int status_print(Ctl *ctl, const char *name, JsonObject *properties, Error *ret_error)
{
        const char *state = value_text(properties, "State");
        g_autoptr(JsonObject) details = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *advice = NULL, *unit = NULL;
        char *names[] = {(char *) name, NULL};
        LogRequest request = {.lines = ctl->options.lines, .quietly = true, .priority = -1};
        int r;

        status_print_state(properties);
        unit = g_strdup_printf(unit_is_masked(name) ? "%s (masked: systemctl unmask %s)" : "%s",
                        value_text(properties, "Unit"), value_text(properties, "Unit"));
        status_print_line("Unit", unit);
        r = client_get_object(ctl, "GetUnikernelDetails", name, false, &details, &error);
        if (r >= 0) {
                status_print_details(ctl, properties, details);
                status_print_next_start(properties, details);
        } else {
                bool refused = error.code == ERROR_ACCESS_DENIED ||
                               error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;

                status_print_owner(properties, NULL);
                status_print_line("Details",
                                refused ? "for its owner and administrators" : error_message(&error, r));
        }

        if (request.lines == LINES_UNSET)
                request.lines = STATUS_LINES_DEFAULT;
        if (request.lines != 0 && r >= 0) {
                putchar('\n');
                r = log_print(ctl, names, &request, &error);
                if (r < 0)
                        status_print_line("Log", error_message(&error, r));
        }

        /* A caller who may not see the details may not do any of this either. */
        if (details)
                advice = next_steps_for(name, state, value_text(properties, "Result"),
                                value_number(properties, "ExitStatus"), value_text(details, "Origin"),
                                value_text(details, "DefinitionPath"));
        if (advice) {
                g_autofree char *shown = lines_for_display(advice);

                printf("\n%sWhat to do:%s\n%s\n", color_on(COLOR_BOLD), color_off(COLOR_BOLD), shown);
        }

        return g_str_equal(state, "running") ? CTL_EXIT_SUCCESS : CTL_EXIT_NOT_RUNNING;
}

/* The same as JSON. */
static int status_to_json(Ctl *ctl, const char *name, JsonArray *array, Error *ret_error)
{
        g_autoptr(JsonObject) facts = NULL;
        JsonNode *statistics;
        int r;

        r = unikernel_get_all_properties(ctl, name, false, &facts, ret_error);
        if (r < 0)
                return r;

        statistics = status_get_statistics(ctl, facts);
        json_object_set_member(facts, "Statistics", statistics ?: json_node_new(JSON_NODE_NULL));
        json_array_add_object_element(array, json_object_ref(facts));
        return g_str_equal(value_text(facts, "State"), "running") ? CTL_EXIT_SUCCESS : CTL_EXIT_NOT_RUNNING;
}

static int status_of_host(Ctl *ctl, Error *ret_error)
{
        g_autoptr(JsonObject) properties = NULL;
        g_autoptr(JsonNode) node = NULL;
        g_autofree char *counts = NULL;
        const char *acceleration;
        int r;

        r = client_get_properties(ctl, NULL, &properties, ret_error);
        if (r < 0)
                return r;
        if (ctl->options.json != JSON_OFF) {
                node = json_node_init_object(json_node_alloc(), properties);
                json_print(&ctl->options, node);
                return CTL_EXIT_SUCCESS;
        }

        acceleration = value_text(properties, "Acceleration");
        counts = g_strdup_printf("%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " running, %" G_GINT64_FORMAT
                                 " failed",
                        value_number(properties, "UnikernelCount"), value_number(properties, "RunningCount"),
                        value_number(properties, "FailedCount"));
        status_print_line("Unikernels", counts);
        status_print_line("Hypervisor", g_str_equal(acceleration, "tcg")
                                                        ? "tcg (emulation; shruthictl doctor says why)"
                                        : *acceleration ? acceleration
                                                        : "not known before the first start");
        status_print_line("libvirt", value_text(properties, "LibvirtURI"));
        status_print_line("Version", value_text(properties, "Version"));
        return CTL_EXIT_SUCCESS;
}

int verb_status(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(JsonArray) array = json_array_new();
        g_auto(GStrv) names = NULL;
        int r, exit_status = CTL_EXIT_SUCCESS;

        if (!*operands)
                return status_of_host(ctl, ret_error);
        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        for (char **name = names; *name; name++) {
                g_autoptr(JsonObject) properties = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                if (ctl->options.json != JSON_OFF)
                        r = status_to_json(ctl, *name, array, &error);
                else
                        r = client_get_properties(ctl, *name, &properties, &error);
                if (r < 0) {
                        error_cannot(&error, "show %s", *name);
                        terminal_print_error(&error, r);
                        r = ctl_exit_status(ctl, &error);
                } else if (ctl->options.json == JSON_OFF) {
                        pager_open(&ctl->options);
                        if (name != names)
                                putchar('\n');
                        r = status_print(ctl, *name, properties, &error);
                }
                /* "No such name" takes precedence over "not running". */
                exit_status = MAX(exit_status, r);
        }

        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, operands_are_single(operands));
        return exit_status;
}
