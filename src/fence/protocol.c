/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-fence and its answers, to text and back; and what an interface is called. */

#include "fence/protocol.h"

#include <string.h>

#include "common/string-util.h"

#define HOLD_VERB  "hold "
#define CHECK_VERB "check"

void fence_hold_free(FenceHold *hold)
{
        if (!hold)
                return;

        g_free(hold->unikernel);
        g_free(hold->device);
        g_free(hold);
}

/* As in a section's header. It stands last, because it may have spaces. */
static bool device_is_valid(const char *device)
{
        size_t length = strlen(device);

        if (length == 0 || length > FENCE_DEVICE_MAX)
                return false;
        for (const char *c = device; *c; c++)
                if (!g_ascii_isprint(*c))
                        return false;

        return true;
}

static bool mac_is_valid(const char *mac)
{
        if (strlen(mac) != 17)
                return false;
        for (size_t i = 0; i < 17; i++)
                if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit(mac[i]) || g_ascii_isupper(mac[i]))
                        return false;

        /* Not of a group, and not nobody's. */
        return (g_ascii_xdigit_value(mac[1]) & 1) == 0 && strcmp(mac, "00:00:00:00:00:00") != 0;
}

static int family_parse(const char *text, int family, FenceFamily *ret)
{
        char again[ADDRESS_TEXT_MAX];
        Address address;

        *ret = (FenceFamily){.any = strcmp(text, "any") == 0};
        if (ret->any || strcmp(text, "none") == 0)
                return 0;

        if (address_parse_ip(text, &address) < 0 || address.family != family ||
                        !address_is_unicast(&address))
                return -EINVAL;
        address_format_ip(&address, again);
        if (strcmp(text, again) != 0)
                return -EINVAL;

        ret->address = address;
        return 0;
}

static void family_append(GString *text, const FenceFamily *family)
{
        char ip[ADDRESS_TEXT_MAX];

        if (address_is_set(&family->address))
                address_format_ip(&family->address, ip);
        g_string_append_printf(text, " %s",
                        family->any                        ? "any"
                        : address_is_set(&family->address) ? ip
                                                           : "none");
}

char *fence_hold_format(const FenceHold *hold)
{
        GString *text = g_string_new(NULL);

        g_string_printf(text, "%s %s", hold->unikernel, hold->mac);
        family_append(text, &hold->ipv4);
        family_append(text, &hold->ipv6);
        g_string_append_printf(text, " %s", hold->device);
        return g_string_free(text, FALSE);
}

int fence_hold_parse(const char *text, FenceHold **ret_hold, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, " ", 5);
        g_autoptr(FenceHold) hold = g_new0(FenceHold, 1);
        int r;

        if (g_strv_length(words) != 5)
                return error_set(ret_error, ERROR_INVALID_ARGS, "The request cannot be read");
        r = name_check(words[0], ret_error);
        if (r < 0)
                return r;
        if (!device_is_valid(words[4]))
                return error_set(ret_error, ERROR_INVALID_ARGS, "No device can have that name");
        if (!mac_is_valid(words[1]))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The MAC address is none that one interface can have");
        if (family_parse(words[2], AF_INET, &hold->ipv4) < 0 ||
                        family_parse(words[3], AF_INET6, &hold->ipv6) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "No interface can be held to that address");

        hold->unikernel = g_strdup(words[0]);
        hold->device = g_strdup(words[4]);
        g_strlcpy(hold->mac, words[1], sizeof hold->mac);
        *ret_hold = g_steal_pointer(&hold);
        return 0;
}

char *fence_request_format(const FenceHold *hold)
{
        g_autofree char *text = hold ? fence_hold_format(hold) : NULL;

        return hold ? g_strconcat(HOLD_VERB, text, NULL) : g_strdup(CHECK_VERB);
}

int fence_request_parse(const char *data, size_t size, FenceHold **ret_hold, Error *ret_error)
{
        g_autofree char *text = NULL;

        if (size == 0 || size > FENCE_REQUEST_MAX || memchr(data, 0, size))
                return error_set(ret_error, ERROR_INVALID_ARGS, "The request cannot be read");

        text = g_strndup(data, size);
        if (g_str_has_prefix(text, HOLD_VERB))
                return fence_hold_parse(text + strlen(HOLD_VERB), ret_hold, ret_error);
        if (!g_str_equal(text, CHECK_VERB))
                return error_set(ret_error, ERROR_INVALID_ARGS, "The request cannot be read");

        *ret_hold = NULL;
        return 0;
}

char *fence_answer_format(int r, const Error *error, const char *word)
{
        g_autofree char *sentence = NULL;

        if (r >= 0)
                return g_strconcat("ok ", word, NULL);

        sentence = text_for_display(error_message(error, r), 512);
        return g_strconcat("error ", sentence, NULL);
}

static bool word_is_valid(const char *word)
{
        size_t length = strlen(word);

        return length > 0 && length < IF_NAMESIZE && strspn(word, G_CSET_a_2_z G_CSET_DIGITS) == length;
}

int fence_answer_parse(const char *data, size_t size, char **ret_word, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size), *shown = NULL;

        if (g_str_has_prefix(text, "error ")) {
                shown = text_for_display(text + strlen("error "), 512);
                return error_set(ret_error, ERROR_FAILED, "%s", shown);
        }
        if (!g_str_has_prefix(text, "ok ") || !word_is_valid(text + strlen("ok "))) {
                (void) error_set(
                                ret_error, ERROR_FAILED, "shruthi-fence gave an answer that cannot be read");
                return -EBADMSG;
        }

        *ret_word = g_strdup(text + strlen("ok "));
        return 0;
}

void fence_interface_name(const FenceHold *hold, char ret[static IF_NAMESIZE])
{
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 */
        g_autofree char *text = fence_hold_format(hold);
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        const size_t prefix = strlen(FENCE_INTERFACE_PREFIX);
        uint8_t digest[32];
        gsize size = sizeof digest;

        g_checksum_update(checksum, (const guchar *) text, (gssize) strlen(text));
        g_checksum_get_digest(checksum, digest, &size);

        memcpy(ret, FENCE_INTERFACE_PREFIX, prefix);
        for (size_t i = prefix; i < IF_NAMESIZE - 1; i++)
                ret[i] = digits[digest[i] & 31];
        ret[IF_NAMESIZE - 1] = 0;
}

Address fence_link_local(const char *mac)
{
        Address address = {.family = AF_INET6, .prefix = 128, .bytes = {0xfe, 0x80}};
        uint8_t m[6];

        for (size_t i = 0; i < G_N_ELEMENTS(m); i++)
                m[i] = (uint8_t) (g_ascii_xdigit_value(mac[3 * i]) << 4 |
                                  g_ascii_xdigit_value(mac[3 * i + 1]));
        memcpy(address.bytes + 8, (uint8_t[]){m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}, 8);
        return address;
}
