/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* create, and the predecessor's "instance create". */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/address.h"
#include "common/io.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "common/users.h"
#include "ctl/bus/client-image.h"
#include "ctl/bus/overrides.h"
#include "ctl/bus/settings-append.h"
#include "ctl/cli/error-context.h"
#include "ctl/input/image-file.h"
#include "ctl/output/value.h"
#include "unikernel/unit-dropins.h"

/* The three ways to specify the image: by descriptor, by digest, by a path that only shruthid can open. */
static int make_create_call(
                Ctl *ctl, const char *name, const char *image, sd_bus_message **ret_call, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        const char *path = image_host_path(image);
        int r;

        if (digest_is_valid(image)) {
                r = client_new_call(ctl, "CreateUnikernelFromDigest", &call, ret_error);
                if (r >= 0)
                        r = sd_bus_message_append(call, "ss", name, image);
        } else {
                r = image_open(image, &fd, &error);
                if (r == -EACCES && path) {
                        r = client_new_call(ctl, "CreateUnikernelFromPath", &call, ret_error);
                        if (r >= 0)
                                r = sd_bus_message_append(call, "ss", name, path);
                } else if (r < 0) {
                        error_move(ret_error, &error);
                        return r;
                } else {
                        r = client_new_call(ctl, "CreateUnikernel", &call, ret_error);
                        if (r >= 0)
                                r = sd_bus_message_append(call, "sh", name, fd);
                }
        }
        if (r < 0)
                return call ? client_message_error(r, ret_error) : r;

        r = settings_append(call, &ctl->options.settings, NULL, ret_error);
        if (r < 0)
                return r;

        *ret_call = g_steal_pointer(&call);
        return 0;
}

/* What administrators have written for a name stays when a unikernel is removed, and applies to the next one
 * with that name. */
static void create_warn_of_existing(Ctl *ctl, const char *name)
{
        const char *given = ctl->options.settings.values[SETTING_OWNER];
        uid_t owner = user_number_here(getuid());
        g_auto(GStrv) files = NULL, links = NULL;

        if (ctl->options.quiet)
                return;

        if (given)
                (void) user_parse("Owner", given, &owner, NULL);
        files = unit_dropins_list(name, owner);
        for (char **file = files; *file; file++)
                fprintf(stderr, "An existing drop-in applies to %s: %s\n", name, *file);
        links = unit_links_list(name);
        for (char **link = links; *link; link++)
                fprintf(stderr,
                                "An existing link has systemd start %s: %s; to remove it: systemctl disable "
                                "unikernel@%s.service\n",
                                name, *link, name);
        if (unit_is_masked(name))
                fprintf(stderr,
                                "Note: %s does not start, because its unit is masked: systemctl unmask "
                                "unikernel@%s.service\n",
                                name, name);
}

/* Whether the arguments contain an address; the check for blocked ones costs a call. */
static bool arguments_have_address(const CommandSettings *settings)
{
        for (char **word = settings->argument_list; word && *word; word++)
                if (g_str_has_prefix(*word, "--ipv"))
                        return true;

        return settings->values[SETTING_ARGUMENTS] && strstr(settings->values[SETTING_ARGUMENTS], "--ipv");
}

/* Creates it, and starts it if requested. */
static int create_unikernel(Ctl *ctl, const char *name, const char *image, bool start, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = make_create_call(ctl, name, image, &call, ret_error);
        if (r >= 0)
                r = client_send(ctl, call, NULL, ret_error);
        if (r < 0) {
                options_name_error(&ctl->options, ret_error);
                error_cannot(ret_error, "create %s", name);
                return r;
        }

        create_warn_of_existing(ctl, name);
        if (start) {
                r = client_call(ctl, "StartUnikernel", NULL, ret_error, "st", name,
                                ctl->options.no_block ? UINT64_C(1) : UINT64_C(0));
                if (r < 0) {
                        error_drop_cannot(ret_error, "start");
                        error_prefix(ret_error, "Created %s, but cannot start it", name);
                        return r;
                }
        }

        if (!ctl->options.quiet && start)
                printf("Created and started %s.\n", name);
        else if (!ctl->options.quiet)
                printf("Created %s. To start it: shruthictl %sstart %s\n", name,
                                ctl->options.user ? "--user " : "", name);
        if (!ctl->options.quiet && arguments_have_address(&ctl->options.settings))
                overrides_report_blocked_addresses(ctl, name);
        return CTL_EXIT_SUCCESS;
}

int verb_create(Ctl *ctl, char **operands, Error *ret_error)
{
        char **arguments = operands + 2;
        int r;

        r = name_check_new(operands[0], ret_error);
        if (r < 0)
                return r;

        if (*arguments) {
                /* A second image, or a forgotten "--"? */
                if (g_strv_length(arguments) > ctl->options.n_behind) {
                        g_autofree char *shown = text_for_display(arguments[0], 80);

                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "'create' got an unexpected argument '%s'; arguments for the guest "
                                        "go after '--': shruthictl create NAME IMAGE -- %s",
                                        shown, shown);
                }
                r = options_take_arguments(&ctl->options, arguments, ret_error);
                if (r < 0)
                        return r;
        }

        return create_unikernel(ctl, operands[0], operands[1], ctl->options.now, ret_error);
}

/* The predecessor attached its one network device to the bridge of its configuration by default; likewise
 * the image's network devices are attached to the default bridge here if none was given. An image without a
 * manifest gets one. */
static int create_connect_networks(Ctl *ctl, const char *image, Error *ret_error)
{
        g_autoptr(JsonObject) info = NULL;
        JsonArray *devices;
        int r;

        r = client_inspect_image(ctl, image, &info, ret_error);
        if (r < 0)
                return r;
        if (!value_flag(info, "Hostable"))
                return 0; /* the create will report why */
        if (!value_flag(info, "HasManifest"))
                command_settings_add_network(&ctl->options.settings, "service");

        /* A name from an image is used unchanged, not parsed like --network=. */
        devices = value_array(info, "Devices");
        for (guint i = 0; devices && i < json_array_get_length(devices); i++) {
                JsonArray *device = json_array_get_array_element(devices, i);

                if (g_str_equal(json_array_get_string_element(device, 1), "network"))
                        command_settings_add_network(
                                        &ctl->options.settings, json_array_get_string_element(device, 0));
        }

        return 0;
}

/* Allocates the addresses that the predecessor passed to guests (by MirageOS's keys), so that nobody else
 * gets them, and a user's guest may send from them. */
static void create_claim_addresses(CommandSettings *settings)
{
        static const char *const keys[] = {"--ipv4=", "--ipv6="};
        g_auto(GStrv) words = g_strsplit(settings->values[SETTING_ARGUMENTS] ?: "", " ", -1);
        GString *addresses = g_string_new(NULL);
        DeviceSettings *network;

        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                for (char **word = words; *word; word++) {
                        const char *text = *word + strlen(keys[i]);
                        Address address;

                        if (!g_str_has_prefix(*word, keys[i]) || address_parse(text, &address, NULL) < 0)
                                continue;
                        g_string_append_printf(addresses, "%s%s", addresses->len > 0 ? " " : "", text);
                        break;
                }

        network = settings->networks && settings->networks->len == 1 ? settings->networks->pdata[0] : NULL;
        if (network && addresses->len > 0)
                network->values[SETTING_ADDRESS] = g_string_free(addresses, FALSE);
        else
                g_string_free(addresses, TRUE);
}

/* As in rhyzomectl: creates and starts at once. --kernel= was a path on the host that runs it. */
int verb_instance_create(Ctl *ctl, char **operands, Error *ret_error)
{
        const Options *options = &ctl->options;
        g_autofree char *image = NULL;
        int r;

        if (options->server)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--server= is no longer supported: other hosts are reached over ssh, by "
                                "'shruthictl -H USER@HOST instance create …'.");
        if (!options->name || !options->image)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "shruthictl instance create --name NAME --kernel FILE [--kernel-parameters "
                                "STRING]; the current form is: shruthictl create NAME FILE --now "
                                "--arguments=STRING");
        r = name_check_new(options->name, ret_error);
        if (r < 0)
                return r;

        image = g_str_equal(options->image, "-") || digest_is_valid(options->image)
                                ? g_strdup(options->image)
                                : g_strconcat(HOST_PATH_PREFIX, options->image, NULL);
        if (!options->settings.networks && !g_str_equal(image, "-")) {
                r = create_connect_networks(ctl, image, ret_error);
                if (r < 0)
                        return r;
                create_claim_addresses(&ctl->options.settings);
        }

        return create_unikernel(ctl, options->name, image, true, ret_error);
}

/* The predecessor's other verbs: prints what to use now. */
int verb_instance_other(Ctl *ctl, char **operands, Error *ret_error)
{
        static const struct {
                const char *then, *now;
        } verbs[] = {
                        {"list", "shruthictl list"},
                        {"ls", "shruthictl list"},
                        {"get", "shruthictl status NAME"},
                        {"show", "shruthictl status NAME"},
                        {"start", "shruthictl start NAME"},
                        {"stop", "shruthictl stop NAME"},
                        {"restart", "shruthictl restart NAME"},
                        {"delete", "shruthictl remove --now NAME"},
                        {"remove", "shruthictl remove --now NAME"},
                        {"destroy", "shruthictl remove --now NAME"},
                        {"console", "shruthictl console NAME"},
                        {"log", "shruthictl logs NAME"},
                        {"logs", "shruthictl logs NAME"},
        };
        g_autofree char *shown = text_for_display(operands[0], 40);

        for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (g_str_equal(operands[0], verbs[i].then))
                        return error_set(ret_error, ERROR_INVALID_ARGS, "'instance %s' is now: %s", shown,
                                        verbs[i].now);

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "Unknown verb 'instance %s'; of rhyzomectl's verbs only 'instance create' still "
                        "works. See shruthictl --help.",
                        shown);
}
