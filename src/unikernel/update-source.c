/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of UpdateFrom= and UpdateVerify=. */

#include "unikernel/update-source.h"

#include <glib.h>
#include <string.h>

#include "common/https-url.h"
#include "common/paths.h"
#include "common/string-util.h"

static const char *const update_verify_kind_table[_UPDATE_VERIFY_MAX] = {
                [UPDATE_VERIFY_NOTHING] = "none",
                [UPDATE_VERIFY_MINISIGN] = "minisign",
                [UPDATE_VERIFY_OPENPGP] = "openpgp",
                [UPDATE_VERIFY_SHA256SUMS] = "sha256sums",
};
DEFINE_STRING_TABLE(update_verify_kind, UpdateVerifyKind, update_verify_kind_table, _UPDATE_VERIFY_MAX)

void update_verify_clear(UpdateVerify *verify)
{
        g_clear_pointer(&verify->path, g_free);
}

/* Whether text is the URL of a file or its path. */
static int update_location_check(const char *text, Error *ret_error)
{
        if (text_is_url(text))
                return https_url_check(text, ret_error);
        if (path_is_normalized(text))
                return 0;

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "neither a URL (https://…) nor an absolute path of a file: write the path from '/', "
                        "without '//', '.', '..' and a '/' at the end");
}

static int update_verify_refuse_minisign(const char *value, Error *ret_error)
{
        if (value[0] == '/')
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "write the key itself: the line of that file that begins with RW");

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "not a public key of minisign: write the line of its .pub file that begins with RW");
}

int update_verify_parse(const char *text, UpdateVerify *ret_verify, Error *ret_error)
{
        const char *value = text ? strchr(text, ':') : NULL;
        g_autofree char *word = value ? g_strndup(text, (size_t) (value - text)) : NULL;
        UpdateVerify verify = {.kind = UPDATE_VERIFY_NOTHING};

        if (!text) {
                *ret_verify = verify;
                return 0;
        }
        verify.kind = word ? update_verify_kind_from_string(word) : _UPDATE_VERIFY_INVALID;
        if ((int) verify.kind <= UPDATE_VERIFY_NOTHING)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "write minisign:KEY, openpgp:/PATH/OF/KEYRING or "
                                "sha256sums:/PATH/OF/SHA256SUMS (or sha256sums:https://…)");

        value++;
        if (verify.kind == UPDATE_VERIFY_MINISIGN) {
                if (minisign_key_parse(value, &verify.key) < 0)
                        return update_verify_refuse_minisign(value, ret_error);

                *ret_verify = verify;
                return 0;
        }
        if (verify.kind == UPDATE_VERIFY_SHA256SUMS) {
                int r = update_location_check(value, ret_error);

                if (r < 0)
                        return r;
        } else if (!path_is_normalized(value))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "not an absolute path without '//', '.', '..' and a '/' at the end: write "
                                "%s:/PATH",
                                word);

        verify.path = g_strdup(value);
        *ret_verify = verify;
        return 0;
}

int update_source_check(const char *text, Error *ret_error)
{
        return update_location_check(text, ret_error);
}

const char *update_source_file(const char *from)
{
        const char *slash = strrchr(from, '/');

        return slash ? slash + 1 : from;
}

const char *const *update_verify_endings(UpdateVerifyKind kind)
{
        static const char *const minisign[] = {".minisig", NULL}, *const openpgp[] = {".sig", ".asc", NULL},
                                 *const none[] = {NULL};

        return kind == UPDATE_VERIFY_MINISIGN ? minisign : kind == UPDATE_VERIFY_OPENPGP ? openpgp : none;
}
