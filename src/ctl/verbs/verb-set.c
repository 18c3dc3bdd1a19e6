/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* set: changes settings of a definition, keeping comments and everything else (shruthid does that). */

#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/bus/client-image.h"
#include "ctl/bus/needs-restart.h"
#include "ctl/bus/overrides.h"
#include "ctl/bus/settings-append.h"
#include "ctl/cli/error-context.h"
#include "ctl/input/image-file.h"
#include "ctl/output/terminal.h"
#include "ctl/verbs/verb-set.h"

bool set_is_setting(const char *word)
{
        const char *equals = strchr(word, '=');

        if (!equals || equals == word)
                return false;
        for (const char *c = word; c < equals; c++)
                if (!g_ascii_isalnum(*c) && !strchr("- ", *c))
                        return false;

        return true;
}

int set_read_words(Ctl *ctl, const char *verb, char **words, char **end, Error *ret_error)
{
        for (; words < end; words++) {
                const char *equals = strchr(*words, '=');
                g_autofree char *key = NULL, *shown = NULL;
                int r;

                if (!equals || equals == *words) {
                        shown = text_for_display(*words, 80);
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "'%s' is not KEY=VALUE, such as Memory=64M. Arguments for the guest "
                                        "go after '--': shruthictl %s NAME -- %s",
                                        shown, verb, shown);
                }

                key = g_strndup(*words, (size_t) (equals - *words));
                if (g_ascii_strcasecmp(key, "Image") == 0) {
                        ctl->options.image = equals + 1;
                        continue;
                }
                r = command_settings_set(&ctl->options.settings, key, key, equals + 1, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int set_image_only(Ctl *ctl, const char *name, const char *image, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = image_open(image, &fd, ret_error);
        if (r < 0)
                return r;

        return client_call(ctl, "SetUnikernelImage", NULL, ret_error, "sh", name, fd);
}

int set_import_image(Ctl *ctl, char **ret_digest, Error *ret_error)
{
        g_autofree char *expected = g_steal_pointer(&ctl->options.settings.digest);
        const char *image = ctl->options.image;

        if (!image)
                return 0;
        if (!digest_is_valid(image))
                return client_import_image(ctl, image, expected, ret_digest, ret_error);

        if (expected && !g_str_equal(image, expected))
                return error_set(ret_error, ERROR_DIGEST_MISMATCH, "--image=%s does not match --verify=%s.",
                                image, expected);
        *ret_digest = g_strdup(image);
        return 0;
}

int set_new_call(Ctl *ctl, const char *member, const char *name, const char *digest,
                sd_bus_message **ret_call, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, member, &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r < 0)
                return client_message_error(r, ret_error);
        r = settings_append(call, &ctl->options.settings, digest, ret_error);
        if (r < 0)
                return r;

        *ret_call = g_steal_pointer(&call);
        return 0;
}

/* An image together with other settings is one change, because a new image may need other devices. So it is
 * imported first, and set in the definition by digest along with the rest. */
static int set_unikernel(Ctl *ctl, const char *name, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        const char *image = ctl->options.image;
        g_autofree char *digest = NULL;
        int r;

        if (image && !digest_is_valid(image) && !ctl->options.settings.digest &&
                        !command_settings_any(&ctl->options.settings))
                return set_image_only(ctl, name, image, ret_error);

        r = set_import_image(ctl, &digest, ret_error);
        if (r < 0)
                return r;

        r = set_new_call(ctl, "SetUnikernelSettings", name, digest, &call, ret_error);
        if (r < 0)
                return r;

        return client_send(ctl, call, NULL, ret_error);
}

int verb_set(Ctl *ctl, char **operands, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        char *only[] = {operands[0], NULL}, **behind = options_guest_arguments(&ctl->options, operands, 1);
        int r, exit_status = CTL_EXIT_SUCCESS;

        r = set_read_words(ctl, "set", operands + 1, behind, ret_error);
        if (r >= 0 && *behind)
                r = options_take_arguments(&ctl->options, behind, ret_error);
        if (r < 0)
                return r;
        if (!ctl->options.image && !command_settings_any(&ctl->options.settings))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Nothing to set: give KEY=VALUE, such as shruthictl set NAME Memory=64M, or "
                                "--image=FILE, or the guest's arguments after '--'; see --help.");
        if (ctl->options.settings.digest && !ctl->options.image)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--verify= applies to an image: give --image=FILE too.");

        r = client_expand(ctl, only, &names, ret_error);
        if (r < 0)
                return r;
        if (names[0] && names[1] && g_strcmp0(ctl->options.image, "-") == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Standard input can provide the image of only one unikernel.");

        for (char **name = names; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;

                r = set_unikernel(ctl, *name, &error);
                if (r >= 0) {
                        (void) needs_restart_report(ctl, *name);
                        overrides_report(ctl, *name, &ctl->options.settings, ctl->options.image);
                        if (ctl->options.settings.values[SETTING_ARGUMENTS] ||
                                        ctl->options.settings.argument_list ||
                                        ctl->options.settings.networks)
                                overrides_report_blocked_addresses(ctl, *name);
                        continue;
                }
                options_name_error(&ctl->options, &error);
                error_cannot(&error, "change %s", *name);
                terminal_print_error(&error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(ctl, &error);
        }

        return exit_status;
}
