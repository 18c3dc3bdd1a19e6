/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rule in libvirt's chains. In that of iptables it is one that iptables itself would write, so that it
 * still reads its table. Called by publish.c. */

#include "antispoof/forward.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "antispoof/nft.h"
#include "antispoof/publication-ruleset.h"
#include "common/log.h"

#define RULE   "meta mark " PUBLICATION_MARK
#define HANDLE "# handle "

/* Chains for what is forwarded: those of iptables, and those of libvirt's other backend. */
static const char *const chains[] = {
                "ip filter FORWARD",
                "ip6 filter FORWARD",
                "ip libvirt_network forward",
                "ip6 libvirt_network forward",
};

/* Whether published ports do not pass by themselves. One of iptables has libvirt's rules, or drops what none
 * of its rules accepts, as Docker and ufw have it: libvirt's own rules go before that, too. */
static bool chain_rejects(const char *chain, const char *listing)
{
        return strstr(chain, "libvirt") || strstr(listing, "jump LIBVIRT_FWI") ||
               strstr(listing, "policy drop");
}

/* Of our rule in the listing of a chain, 0: it has none. */
static unsigned long chain_find_rule(const char *listing)
{
        const char *rule = strstr(listing, RULE);
        const char *end = rule ? strchrnul(rule, '\n') : NULL;
        const char *handle = rule ? g_strstr_len(rule, end - rule, HANDLE) : NULL;

        return handle ? strtoul(handle + strlen(HANDLE), NULL, 10) : 0;
}

static int chain_set_rule(size_t i, bool wanted, Error *ret_error)
{
        g_autofree char *list = g_strconcat("list chain ", chains[i], NULL), *listing = NULL;
        g_autofree char *command = NULL;
        unsigned long handle;

        /* This host has no such chain, so there is nothing that rejects. */
        if (nft_query(list, &listing, NULL) < 0)
                return 0;

        handle = chain_find_rule(listing);
        if (wanted && handle == 0 && chain_rejects(chains[i], listing))
                command = g_strdup_printf(
                                "insert rule %s " RULE " counter accept comment \"shruthi\"", chains[i]);
        else if (!wanted && handle != 0)
                command = g_strdup_printf("delete rule %s handle %lu", chains[i], handle);
        return command ? nft_run(command, ret_error) : 0;
}

int forward_set_accepted(bool wanted, Error *ret_error)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(chains); i++)
                r = chain_set_rule(i, wanted, ret_error);
        return r;
}
