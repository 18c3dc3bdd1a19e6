/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* URLs of files. */

#include "common/https-url.h"

#include <glib.h>
#include <string.h>

#define SCHEME "https://"

bool text_is_url(const char *text)
{
        return strstr(text, "://") != NULL;
}

static bool url_characters_are_valid(const char *text)
{
        for (const char *p = text; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("\"<>\\^`{|}", *p))
                        return false;

        return strlen(text) <= HTTPS_URL_MAX;
}

/* HOST, HOST:PORT, or an IPv6 address in brackets for HOST. */
static bool url_host_is_valid(const char *host, size_t length)
{
        size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
        size_t digits;

        if (n == 0 || n > length ||
                        (host[0] != '[' && strspn(host, "abcdefghijklmnopqrstuvwxyz"
                                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") < n))
                return false;
        if (n == length)
                return true;
        digits = strspn(host + n + 1, "0123456789");
        return host[n] == ':' && digits > 0 && digits <= 5 && n + 1 + digits == length;
}

int https_url_check(const char *text, Error *ret_error)
{
        const char *host, *path, *slash;

        if (g_str_has_prefix(text, "http://"))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "http is not encrypted, so that anybody on the way sees and changes what is "
                                "fetched: write https://");
        if (!g_str_has_prefix(text, SCHEME))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "only https is fetched: write https://HOST/PATH, or the path of a file");
        if (!url_characters_are_valid(text))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "not a URL: write at most %d characters of ASCII, and all others as %%XX",
                                HTTPS_URL_MAX);

        host = text + strlen(SCHEME);
        path = host + strcspn(host, "/");
        if (strcspn(host, "@") < (size_t) (path - host))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "a definition is no place for a password: write the URL without USER@");
        if (strpbrk(host, "?#"))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "the signature is beside the file, so its URL has no '?' and no '#': write "
                                "one that ends with the name of the file");
        if (!url_host_is_valid(host, (size_t) (path - host)))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "not a host, or a host and a port: write https://HOST/PATH");
        slash = strrchr(path, '/');
        if (!slash || !slash[1] || g_str_equal(slash, "/.") || g_str_equal(slash, "/.."))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "no file: write https://HOST/PATH, ending with the name of the file");

        return 0;
}
