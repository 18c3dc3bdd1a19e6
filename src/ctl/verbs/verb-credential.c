/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* credential list, set, rotate, remove: the keys of a unikernel. */

#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/input/secret-input.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"

int verb_credential_list(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"KEY", NULL};
        g_autoptr(Table) table = table_new(headers);
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_auto(GStrv) keys = NULL;
        int r;

        r = client_call(ctl, "ListCredentials", &reply, ret_error, "s", operands[0]);
        if (r < 0) {
                error_cannot(ret_error, "list the keys of %s", operands[0]);
                return r;
        }
        r = sd_bus_message_read_strv(reply, &keys);
        if (r < 0)
                return client_message_error(r, ret_error);

        for (char **key = keys; key && *key; key++)
                table_add(table, *key, COLOR_NONE, NULL);
        pager_open(&ctl->options);
        table_print(table, &ctl->options, "keys listed");
        return CTL_EXIT_SUCCESS;
}

int verb_credential_set(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_secret_input_ SecretInput input = SECRET_INPUT_INIT;
        int r;

        r = secret_input_open(operands[0], operands[1], &input, ret_error);
        if (r < 0)
                return r;

        r = client_call(ctl, "SetCredential", NULL, ret_error, "ssh", operands[0], operands[1], input.fd);
        if (r < 0)
                error_cannot(ret_error, "set key %s of %s", operands[1], operands[0]);
        return r;
}

int verb_credential_rotate(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_secret_input_ SecretInput input = SECRET_INPUT_INIT;
        int r;

        r = secret_input_open(operands[0], operands[1], &input, ret_error);
        if (r < 0)
                return r;

        r = client_call(ctl, "RotateCredential", NULL, ret_error, "sshb", operands[0], operands[1], input.fd,
                        (int) ctl->options.now);
        if (r < 0)
                error_cannot(ret_error, "rotate key %s of %s", operands[1], operands[0]);
        return r;
}

int verb_credential_remove(Ctl *ctl, char **operands, Error *ret_error)
{
        if (ctl->options.all != !operands[1])
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Name the keys to remove, or give --all: shruthictl credential remove NAME "
                                "KEY…");
        if (ctl->options.all) {
                int r = client_call(ctl, "RemoveCredential", NULL, ret_error, "ss", operands[0], "");

                if (r < 0)
                        error_cannot(ret_error, "remove the keys of %s", operands[0]);
                return r;
        }

        for (char **key = operands + 1; *key; key++) {
                int r = client_call(ctl, "RemoveCredential", NULL, ret_error, "ss", operands[0], *key);

                if (r < 0) {
                        error_cannot(ret_error, "remove key %s of %s", *key, operands[0]);
                        return r;
                }
        }

        return CTL_EXIT_SUCCESS;
}
