/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Public keys and signatures of minisign. */

#include "common/minisign.h"

#include <endian.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#define UNTRUSTED_PREFIX "untrusted comment:"
#define TRUSTED_PREFIX   "trusted comment: "
#define LEGACY           "Ed" /* of keys, and of signatures of whole files */
#define PREHASHED        "ED"

void minisign_signature_clear(MinisignSignature *signature)
{
        g_clear_pointer(&signature->trusted_comment, g_free);
}

/* Decodes exactly size bytes. GLib skips what is no base64, so the text is compared with its own encoding.
 */
static bool base64_read(const char *text, void *bytes, size_t size)
{
        g_autofree char *again = NULL;
        g_autofree uint8_t *decoded = NULL;
        gsize n;

        if (strlen(text) != (size + 2) / 3 * 4)
                return false;
        decoded = g_base64_decode(text, &n);
        again = g_base64_encode(decoded, n);
        if (n != size || !g_str_equal(again, text))
                return false;

        memcpy(bytes, decoded, size);
        return true;
}

int minisign_key_parse(const char *text, MinisignKey *ret_key)
{
        uint8_t bytes[2 + sizeof ret_key->id + sizeof ret_key->key];

        if (!base64_read(text, bytes, sizeof bytes) || memcmp(bytes, LEGACY, 2) != 0)
                return -EINVAL;

        memcpy(ret_key->id, bytes + 2, sizeof ret_key->id);
        memcpy(ret_key->key, bytes + 2 + sizeof ret_key->id, sizeof ret_key->key);
        return 0;
}

char *minisign_id_format(const uint8_t id[8])
{
        uint64_t number;

        memcpy(&number, id, sizeof number);
        return g_strdup_printf("%016" PRIX64, le64toh(number));
}

static int minisign_refuse(Error *ret_error, const char *why)
{
        return error_set(ret_error, ERROR_VERIFICATION_FAILED, "not a signature of minisign: %s", why);
}

/* The four lines, without the line's end. */
static char **minisign_split(const char *data, size_t size)
{
        g_autofree char *text = g_strndup(data, size);
        char **lines = g_strsplit(text, "\n", 6);

        for (char **line = lines; *line; line++)
                if (g_str_has_suffix(*line, "\r"))
                        (*line)[strlen(*line) - 1] = 0;
        return lines;
}

static bool comment_is_text(const char *comment)
{
        for (const char *p = comment; *p; p++)
                if ((unsigned char) *p < ' ' && *p != '\t')
                        return false;

        return g_utf8_validate(comment, -1, NULL) && strlen(comment) <= MINISIGN_COMMENT_MAX;
}

int minisign_signature_parse(
                const char *data, size_t size, MinisignSignature *ret_signature, Error *ret_error)
{
        MinisignSignature signature = {};
        uint8_t bytes[2 + sizeof signature.id + sizeof signature.signature];
        g_auto(GStrv) lines = NULL;
        guint n;

        if (size > MINISIGN_SIZE_MAX)
                return minisign_refuse(ret_error, "it is too large");
        if (size == 0 || memchr(data, 0, size))
                return minisign_refuse(ret_error, size == 0 ? "it is empty" : "it is not text");

        lines = minisign_split(data, size);
        n = g_strv_length(lines);
        if (n < 4 || n > 5 || (n == 5 && *lines[4]) || !g_str_has_prefix(lines[0], UNTRUSTED_PREFIX) ||
                        !g_str_has_prefix(lines[2], TRUSTED_PREFIX))
                return minisign_refuse(ret_error,
                                "it does not have the four lines of one (the second of its two comments is "
                                "the trusted one, which signify does not write)");
        if (!base64_read(lines[1], bytes, sizeof bytes) ||
                        !base64_read(lines[3], signature.global_signature,
                                        sizeof signature.global_signature))
                return minisign_refuse(ret_error, "it is damaged");
        if (memcmp(bytes, LEGACY, 2) != 0 && memcmp(bytes, PREHASHED, 2) != 0)
                return minisign_refuse(ret_error, "its algorithm is not known");
        if (!comment_is_text(lines[2] + strlen(TRUSTED_PREFIX)))
                return minisign_refuse(ret_error, "its trusted comment is not text");

        signature.prehashed = memcmp(bytes, PREHASHED, 2) == 0;
        memcpy(signature.id, bytes + 2, sizeof signature.id);
        memcpy(signature.signature, bytes + 2 + sizeof signature.id, sizeof signature.signature);
        signature.trusted_comment = g_strdup(lines[2] + strlen(TRUSTED_PREFIX));
        *ret_signature = signature;
        return 0;
}
