/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever reaches the sealer's socket, a request that is taken has names that are safe in a path, and asks
 * for the same when it is written again; whatever an answer says, its keys are safe. */

#include <glib.h>
#include <string.h>

#include "common/unikernel-name.h"
#include "common/ustar.h"
#include "fuzz.h"
#include "seal/protocol.h"

static void check_request(const char *data, size_t size)
{
        _cleanup_seal_request_ SealRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *again = NULL;

        if (seal_request_parse(data, size, &request, &error) < 0) {
                g_assert_nonnull(error.message);
                return;
        }

        g_assert_true(name_is_valid(request.name));
        g_assert_true(seal_verb_takes_key(request.verb) ? ustar_name_is_valid(request.key) : !request.key);
        again = seal_request_format(request.verb, request.name, request.key, request.size_max);
        g_assert_cmpmem(again, strlen(again), data, size);
}

static void check_answer(const char *data, size_t size)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) keys = NULL;

        if (seal_answer_parse(data, size, &keys, &error) < 0) {
                g_assert_nonnull(error.message);
                return;
        }

        for (char **key = keys; *key; key++)
                g_assert_true(ustar_name_is_valid(*key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        check_request((const char *) data, size);
        check_answer((const char *) data, size);
        return 0;
}
