/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all bodies have in common. */

#include "body/body.h"

#include <glib.h>

#include "helper/keys.h"

void body_failure_clear(BodyFailure *failure)
{
        g_free(failure->message);
        *failure = BODY_FAILURE_INIT;
}

void body_failure_read(BodyFailure *failure, const char *key, const char *value)
{
        Result result;

        switch (domain_key_from_string(key)) {
        case DOMAIN_KEY_RESULT:
                result = result_from_string(value);
                failure->result = (int) result < 0 ? RESULT_RUNNER : result;
                break;
        case DOMAIN_KEY_ERROR_NAME:
                failure->error = error_code_from_bus_name(value);
                break;
        case DOMAIN_KEY_ERROR:
                g_free(failure->message);
                failure->message = g_strdup(value);
                break;
        default:
                break;
        }
}
