/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The request "publish" as text, and back. publish.c carries it out. */

#include <string.h>

#include "antispoof/protocol.h"
#include "common/conf.h"
#include "common/unikernel-name.h"

#define NONE "none"
#define DEMAND "demand:"

enum { WORD_INTERFACE, WORD_BRIDGE, WORD_IPV4, WORD_IPV6, WORD_UNIKERNEL, WORD_PORTS };

void antispoof_publication_free(AntispoofPublication *publication)
{
        if (!publication)
                return;

        g_free(publication->unikernel);
        g_clear_pointer(&publication->ports, g_array_unref);
        g_free(publication);
}

static void publication_append_address(GString *text, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX] = NONE;

        if (address_is_set(address))
                address_format(address, ip);
        g_string_append_printf(text, " %s", ip);
}

char *antispoof_publication_format(const AntispoofPublication *publication)
{
        GString *text = g_string_new(NULL);

        g_string_printf(text, "%s %s", publication->interface, publication->bridge);
        publication_append_address(text, &publication->address4);
        publication_append_address(text, &publication->address6);
        g_string_append_printf(text, " %s", publication->unikernel);
        if (publication->demand)
                g_string_append_printf(text, " " DEMAND "%u", publication->idle_sec);
        for (guint i = 0; i < publication->ports->len; i++) {
                g_autofree char *port =
                                published_port_format(&g_array_index(publication->ports, PublishedPort, i));

                g_string_append_printf(text, " %s", port);
        }
        return g_string_free(text, FALSE);
}

static int publication_parse_address(const char *word, int family, Address *ret)
{
        if (g_str_equal(word, NONE))
                return 0;
        if (address_parse(word, ret, NULL) < 0 || ret->family != family || ret->prefix == 0 ||
                        !address_is_unicast(ret))
                return -EINVAL;
        return 0;
}

static int publication_parse_ports(AntispoofPublication *publication, char *const *words)
{
        unsigned n = 0;

        publication->ports = g_array_new(FALSE, FALSE, sizeof(PublishedPort));
        for (char *const *word = words; *word; word++) {
                PublishedPort port;

                if (published_port_parse(*word, &port, NULL) < 0)
                        return -EINVAL;
                n += published_port_count(&port);
                if (publication->ports->len >= PUBLISHED_LINES_MAX || n > PUBLISHED_PORTS_MAX)
                        return -EINVAL;
                g_array_append_val(publication->ports, port);
        }
        return publication->ports->len > 0 ? 0 : -EINVAL;
}

/* Returns how many words it takes. */
static int publication_parse_demand(AntispoofPublication *publication, const char *word)
{
        guint64 sec;

        if (!g_str_has_prefix(word, DEMAND))
                return 0;
        if (!g_ascii_string_to_unsigned(word + strlen(DEMAND), 10, 0, ANTISPOOF_IDLE_SEC_MAX, &sec, NULL))
                return -EINVAL;

        publication->demand = true;
        publication->idle_sec = (unsigned) sec;
        return 1;
}

/* One that stands in a rule as it is. */
static bool interface_name_is_plain(const char *name)
{
        return conf_bridge_name_is_valid(name) &&
               strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == strlen(name);
}

int antispoof_publication_parse(const char *text, AntispoofPublication **ret_publication, Error *ret_error)
{
        g_autoptr(AntispoofPublication) publication = g_new0(AntispoofPublication, 1);
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        g_autofree char *again = NULL;
        int r;

        if (g_strv_length(words) <= WORD_PORTS ||
                        !g_str_has_prefix(words[WORD_INTERFACE], ANTISPOOF_INTERFACE_PREFIX) ||
                        !interface_name_is_plain(words[WORD_INTERFACE]) ||
                        !interface_name_is_plain(words[WORD_BRIDGE]))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");
        r = name_check(words[WORD_UNIKERNEL], ret_error);
        if (r < 0)
                return r;
        if (publication_parse_address(words[WORD_IPV4], AF_INET, &publication->address4) < 0 ||
                        publication_parse_address(words[WORD_IPV6], AF_INET6, &publication->address6) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "A guest cannot have this address");
        r = publication_parse_demand(publication, words[WORD_PORTS]);
        if (r < 0 || publication_parse_ports(publication, words + WORD_PORTS + r) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "Invalid ports to publish");

        g_strlcpy(publication->interface, words[WORD_INTERFACE], sizeof publication->interface);
        g_strlcpy(publication->bridge, words[WORD_BRIDGE], sizeof publication->bridge);
        publication->unikernel = g_strdup(words[WORD_UNIKERNEL]);
        again = antispoof_publication_format(publication);
        if (!g_str_equal(again, text))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");

        *ret_publication = g_steal_pointer(&publication);
        return 0;
}
