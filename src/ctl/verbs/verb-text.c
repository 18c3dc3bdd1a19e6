/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cat, arguments, xml: print a text of each unikernel. */

#include <stdio.h>

#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"

/* All texts are fetched before the first is printed; failures are reported at the end. key is the JSON
 * key. */
static int text_print(Ctl *ctl, char **operands, const char *member, const char *what, const char *key,
                bool paged, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(JsonArray) array = json_array_new();
        int r, exit_status = CTL_EXIT_SUCCESS;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        for (char **name = names; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                JsonObject *object;
                char *text = NULL;

                r = client_get_text(ctl, member, *name, &text, &error);
                if (r < 0) {
                        error_cannot(&error, "show %s of %s", what, *name);
                        terminal_print_error(&error, r);
                        if (exit_status == CTL_EXIT_SUCCESS)
                                exit_status = ctl_exit_status(ctl, &error);
                        continue;
                }
                g_ptr_array_add(texts, text);
                object = json_object_new();
                json_object_set_string_member(object, "Name", *name);
                json_object_set_string_member(object, key, text);
                json_array_add_object_element(array, object);
        }

        if (texts->len > 0 && paged)
                pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF) {
                json_print_array(&ctl->options, array, operands_are_single(operands));
                return exit_status;
        }
        for (guint i = 0; i < texts->len; i++) {
                if (i > 0 && paged)
                        putchar('\n');
                print_foreign(texts->pdata[i]);
        }

        return exit_status;
}

int verb_cat(Ctl *ctl, char **operands, Error *ret_error)
{
        return text_print(ctl, operands, "GetUnikernelDefinition", "the definition", "Definition", true,
                        ret_error);
}

int verb_arguments(Ctl *ctl, char **operands, Error *ret_error)
{
        return text_print(ctl, operands, "GetUnikernelArguments", "the arguments", "Arguments", false,
                        ret_error);
}

int verb_xml(Ctl *ctl, char **operands, Error *ret_error)
{
        return text_print(ctl, operands, "GetUnikernelDomainXML", "the domain", "XML", true, ret_error);
}
