/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-seal and its answers, to text and back. */

#include "seal/protocol.h"

#include <inttypes.h>
#include <string.h>

#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "common/ustar.h"

static const char *const seal_verb_table[_SEAL_VERB_MAX] = {
        [SEAL_SET]    = "set",
        [SEAL_ROTATE] = "rotate",
        [SEAL_REMOVE] = "remove",
        [SEAL_FORGET] = "forget",
        [SEAL_LIST]   = "list",
};

DEFINE_STRING_TABLE(seal_verb, SealVerb, seal_verb_table, _SEAL_VERB_MAX)

bool seal_verb_takes_key(SealVerb verb)
{
        return verb == SEAL_SET || verb == SEAL_ROTATE || verb == SEAL_REMOVE;
}

bool seal_verb_takes_content(SealVerb verb)
{
        return verb == SEAL_SET || verb == SEAL_ROTATE;
}

void seal_request_clear(SealRequest *request)
{
        g_clear_pointer(&request->name, g_free);
        g_clear_pointer(&request->key, g_free);
}

int seal_key_check(const char *key, Error *ret_error)
{
        g_autofree char *shown = NULL;

        if (ustar_name_is_valid(key))
                return 0;

        shown = text_for_display(key, USTAR_NAME_MAX);
        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "'%s' is not a valid key name: use 1 to %d printable ASCII characters without '/', "
                        "':' and space, not beginning with '.'",
                        shown, USTAR_NAME_MAX);
}

char *seal_request_format(SealVerb verb, const char *name, const char *key, uint64_t size_max)
{
        g_autofree char *number = g_strdup_printf("%" PRIu64, size_max);

        return g_strjoin(" ", seal_verb_to_string(verb), name, key, size_max < UINT64_MAX ? number : NULL,
                        NULL);
}

/* Accepts what seal_request_format() writes, and nothing else that could be read as a number. */
static bool parse_size_max(const char *word, uint64_t *ret_size_max)
{
        return (word[0] != '0' || !word[1]) &&
               g_ascii_string_to_unsigned(word, 10, 0, UINT64_MAX - 1, ret_size_max, NULL);
}

int seal_request_parse(const char *data, size_t size, SealRequest *ret, Error *ret_error)
{
        g_autofree char *text = NULL;
        g_auto(GStrv) words = NULL;
        uint64_t size_max = UINT64_MAX;
        SealVerb verb;
        guint n;
        int r;

        if (size == 0 || size > SEAL_REQUEST_MAX || memchr(data, 0, size))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");

        text = g_strndup(data, size);
        words = g_strsplit(text, " ", 5);
        n = g_strv_length(words);
        verb = words[0] ? seal_verb_from_string(words[0]) : _SEAL_VERB_INVALID;
        if ((int) verb >= 0 && seal_verb_takes_content(verb) && n == 4 &&
                        parse_size_max(words[3], &size_max))
                n--;
        if ((int) verb < 0 || n != (seal_verb_takes_key(verb) ? 3 : 2))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");

        r = name_check(words[1], ret_error);
        if (r >= 0 && seal_verb_takes_key(verb))
                r = seal_key_check(words[2], ret_error);
        if (r < 0)
                return r;

        *ret = (SealRequest){.verb = verb,
                        .name = g_strdup(words[1]),
                        .key = g_strdup(words[2]),
                        .size_max = size_max};
        return 0;
}

char *seal_answer_format(int r, const Error *error, char *const *keys)
{
        GString *answer = g_string_new(NULL);
        g_autofree char *message = NULL;

        if (r < 0) {
                ErrorCode code = error->message ? error->code : ERROR_FAILED;

                message = text_for_display(error_message(error, r), 4096);
                g_string_printf(answer, "error\n%s\n%s", error_code_to_bus_name(code), message);
                return g_string_free(answer, FALSE);
        }

        g_string_append(answer, "ok");
        for (; keys && *keys; keys++)
                g_string_append_printf(answer, "\n%s", *keys);
        return g_string_free(answer, FALSE);
}

int seal_answer_parse(const char *data, size_t size, char ***ret_keys, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        guint n = g_strv_length(lines);

        if (n == 3 && g_str_equal(lines[0], "error")) {
                ErrorCode code = error_code_from_bus_name(lines[1]);

                return error_set(ret_error, (int) code < 0 ? ERROR_FAILED : code, "%s", lines[2]);
        }
        for (guint i = 1; i < n; i++)
                if (!ustar_name_is_valid(lines[i]))
                        n = 0;
        if (n == 0 || !g_str_equal(lines[0], "ok")) {
                (void) error_set(ret_error, ERROR_CREDENTIALS_UNAVAILABLE,
                                "Malformed answer from shruthi-seal");
                return -EBADMSG;
        }

        *ret_keys = g_strdupv(lines + 1);
        return 0;
}
