/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* check: checks definitions in files without shruthid, for editors and packagers. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "ctl/cli/ctl.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "image/inspect.h"
#include "unikernel/credential-space.h"
#include "unikernel/devices.h"

typedef struct CheckResult {
        char *name;
        char *problem; /* NULL if none */
        char *note;    /* what could not be checked; NULL if nothing */
} CheckResult;

static void check_result_clear(CheckResult *result)
{
        g_free(result->name);
        g_free(result->problem);
        g_free(result->note);
}

/* Checks whether the image matches the devices of the definition, if it can be read. */
static int check_image(const Definition *definition, CheckResult *result, Error *ret_error)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        g_autoptr(GPtrArray) devices = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (definition->image[0] != '/') {
                result->note = g_strdup("Image= names an image of the store: its devices are not compared");
                return 0;
        }
        fd = open(definition->image, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) {
                result->note = g_strdup_printf("%s cannot be read here (%s): its devices are not compared",
                                definition->image, g_strerror(errno));
                return 0;
        }

        r = image_inspect(fd, definition->architecture, &info, ret_error);
        if (r < 0)
                return r;
        if (info->problem)
                return error_set(ret_error, info->problem_code, "%s: the image %s is %s", definition->path,
                                definition->image, info->problem);
        r = devices_match(definition, info, &devices, ret_error);
        if (r < 0)
                error_prefix(ret_error, "%s", definition->path);
        return r;
}

static void check_file(const char *path, CheckResult *result)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        result->name = g_path_get_basename(path);
        if (g_str_has_suffix(result->name, SHRUTHI_DEFINITION_SUFFIX))
                result->name[strlen(result->name) - strlen(SHRUTHI_DEFINITION_SUFFIX)] = 0;

        /* The file may be for another host, with other users. */
        r = definition_load_file(path, DEFINITION_IGNORE_USERS, &definition, &error);
        if (r >= 0 && definition_credentials(definition))
                r = credential_space_check(definition, credential_space_known(definition), 0, true, &error);
        if (r >= 0)
                r = check_image(definition, result, &error);
        if (r < 0)
                result->problem = g_strdup(error_message(&error, r));
}

static void check_result_print(const Options *options, const char *path, const CheckResult *result)
{
        g_autofree char *lines = lines_for_display(result->problem ?: result->note ?: ""), *shown = NULL;

        shown = lines_for_display(path);
        if (result->problem)
                fprintf(stderr, "%s\n", lines);
        else if (result->note && !options->quiet)
                fprintf(stderr, "%s: Note: %s.\n", shown, lines);
}

static JsonNode *check_result_to_json(const char *path, const CheckResult *result)
{
        g_autoptr(JsonObject) object = json_object_new();

        json_object_set_member(object, "Path", json_text(path));
        json_object_set_member(object, "Name", json_text(result->name));
        json_object_set_member(object, "Valid", json_flag(!result->problem));
        json_object_set_member(object, "Problem", json_text(result->problem));
        json_object_set_member(object, "Note", json_text(result->note));
        return json_node_init_object(json_node_alloc(), object);
}

int verb_check(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(JsonArray) array = json_array_new();
        int exit_status = CTL_EXIT_SUCCESS;

        for (char **path = operands; *path; path++) {
                __attribute__((cleanup(check_result_clear))) CheckResult result = {};

                check_file(*path, &result);
                if (result.problem)
                        exit_status = CTL_EXIT_FAILURE;
                if (ctl->options.json != JSON_OFF)
                        json_array_add_element(array, check_result_to_json(*path, &result));
                else
                        check_result_print(&ctl->options, *path, &result);
        }

        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, !operands[1]);
        return exit_status;
}
