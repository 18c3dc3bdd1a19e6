/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One list of publications, from which all of the table is made anew with each change: it is one
 * transaction, and there are some ports of some guests. Called by main.c. */

#include "antispoof/publish.h"

#include <string.h>

#include "antispoof/conntrack.h"
#include "antispoof/forward.h"
#include "antispoof/loopback.h"
#include "antispoof/nft.h"
#include "antispoof/publication-record.h"
#include "antispoof/publication-ruleset.h"
#include "antispoof/record.h"
#include "antispoof/table.h"
#include "common/log.h"
#include "common/unikernel-name.h"

static GPtrArray *publications; /* AntispoofPublication */

static bool publications_have_bridge(const char *bridge)
{
        for (guint i = 0; i < publications->len; i++)
                if (g_str_equal(((const AntispoofPublication *) publications->pdata[i])->bridge, bridge))
                        return true;
        return false;
}

/* A bridge that is just gone is told when it is made again. */
static void publish_set_loopback(const char *bridge)
{
        bool wanted = publications_have_bridge(bridge);
        int r = loopback_set_routed(bridge, wanted);

        if (r < 0 && wanted)
                log_debug("Ports cannot be reached by 127.0.0.1 over '%s': %s", bridge, g_strerror(-r));
}

void publish_reach_loopback(void)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < publications->len; i++) {
                AntispoofPublication *publication = publications->pdata[i];

                if (g_hash_table_add(seen, publication->bridge))
                        publish_set_loopback(publication->bridge);
        }
}

static bool publications_are_twins(const AntispoofPublication *a, const AntispoofPublication *b)
{
        g_autofree char *own = name_without_twin(a->unikernel), *other = name_without_twin(b->unikernel);

        return g_str_equal(own, other) && !g_str_equal(a->unikernel, b->unikernel);
}

/* Whether its ports lead to the other one of a unikernel and its twin. It follows from who is there, so that
 * nobody has to be told when a guest is gone. */
static bool publication_is_on_standby(const AntispoofPublication *publication)
{
        g_autofree char *own = name_without_twin(publication->unikernel);

        if (publication_record_twin_leads(own) == name_is_twin(publication->unikernel))
                return false;
        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *other = publications->pdata[i];

                if (publications_are_twins(publication, other) &&
                                published_ports_find_overlap(publication->ports, other->ports))
                        return true;
        }
        return false;
}

static int publish_run(const char *commands, bool retrying)
{
        _cleanup_error_ Error ignored = ERROR_INIT;

        return retrying ? nft_run_retrying(commands, &ignored) : nft_run(commands, &ignored);
}

/* Where there is a table its chains stay: whenever one goes, the kernel drops all packets that are held for
 * guests (demand.h), whichever they are for. */
static int publish_make_table(Error *ret_error)
{
        static bool made; /* so that a failure is rather somebody else's transaction at the same moment */
        g_autoptr(GString) commands = g_string_new(NULL);
        int r;

        for (guint i = 0; i < publications->len; i++) {
                AntispoofPublication *publication = publications->pdata[i];

                publication->standby = publication_is_on_standby(publication);
        }
        if (publications->len > 0) {
                publication_ruleset_append_again(commands, publications);
                if (publish_run(commands->str, made) >= 0) {
                        made = true;
                        return 0;
                }
                g_string_truncate(commands, 0);
        }
        publication_ruleset_append(commands, publications);
        r = nft_run_retrying(commands->str, ret_error);
        made = r >= 0 && publications->len > 0;
        return r;
}

int publish_restore(Error *ret_error)
{
        int r;

        r = publish_make_table(ret_error);
        if (r >= 0)
                r = forward_set_accepted(publications->len > 0, ret_error);
        /* Only with the table, which guards the host's own addresses. */
        if (r >= 0)
                publish_reach_loopback();
        return r;
}

static AntispoofPublication *publish_find(const char *interface, guint *ret_index)
{
        for (guint i = 0; i < publications->len; i++)
                if (g_str_equal(((AntispoofPublication *) publications->pdata[i])->interface, interface)) {
                        *ret_index = i;
                        return publications->pdata[i];
                }
        return NULL;
}

static GPtrArray *publications_new(void)
{
        return g_ptr_array_new_with_free_func(antispoof_publication_destroy);
}

static void publication_append_addresses(const AntispoofPublication *publication, GArray *guests)
{
        if (address_is_set(&publication->address4))
                g_array_append_val(guests, publication->address4);
        if (address_is_set(&publication->address6))
                g_array_append_val(guests, publication->address6);
}

/* All but those on that interface (NULL: no exception). */
static void publish_forget_connections(const GPtrArray *ended, const char *but)
{
        g_autoptr(GArray) guests = g_array_new(FALSE, FALSE, sizeof(Address));
        int r;

        for (guint i = 0; i < ended->len; i++) {
                const AntispoofPublication *publication = ended->pdata[i];

                if (g_strcmp0(publication->interface, but) != 0)
                        publication_append_addresses(publication, guests);
        }
        r = conntrack_forget(guests);
        if (r < 0)
                log_warning("Cannot end the connections to ports that are no longer published: %s",
                                g_strerror(-r));
}

/* While the table still guards them. */
static void publish_leave_bridges(const GPtrArray *ended)
{
        for (guint i = 0; i < ended->len; i++)
                if (!publications_have_bridge(((const AntispoofPublication *) ended->pdata[i])->bridge))
                        publish_set_loopback(((const AntispoofPublication *) ended->pdata[i])->bridge);
}

/* Those are in the list again. */
static void publish_take_back(GPtrArray *taken)
{
        while (taken->len > 0)
                g_ptr_array_add(publications, g_ptr_array_steal_index(taken, taken->len - 1));
}

/* What is in taken (AntispoofPublication) is no longer in the list, and not yet gone from the kernel. The
 * records go last: whoever is started after a kill finds what is left to do. If it fails, all of them are in
 * the list again, for another attempt. */
static int publish_end(GPtrArray *taken)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        publish_leave_bridges(taken);
        r = publish_restore(&error);
        if (r < 0) {
                log_warning("Cannot withdraw published ports, trying again: %s", error_message(&error, r));
                publish_take_back(taken);
                return r;
        }

        publish_forget_connections(taken, NULL);
        for (guint i = 0; i < taken->len; i++)
                publication_record_remove(((const AntispoofPublication *) taken->pdata[i])->interface);
        return 1;
}

int publish_withdraw(const char *interface)
{
        g_autoptr(GPtrArray) taken = publications_new();
        guint index;

        if (!publish_find(interface, &index) ||
                        ((const AntispoofPublication *) publications->pdata[index])->demand)
                return 0;
        g_ptr_array_add(taken, g_ptr_array_steal_index(publications, index));
        return publish_end(taken);
}

/* Whether its guest has come and gone, or a start has never made it. */
static bool publication_is_over(const AntispoofPublication *publication)
{
        bool seen = publication_record_was_seen(publication->interface);

        if (publication->demand)
                return false;
        if (if_nametoindex(publication->interface) == 0)
                return seen || publication_record_is_older(publication->interface, TABLE_START_SEC);
        if (!seen)
                publication_record_mark_seen(publication->interface);
        return false;
}

int publish_look(void)
{
        g_autoptr(GPtrArray) taken = publications_new();

        for (guint i = publications->len; i-- > 0;)
                if (publication_is_over(publications->pdata[i]))
                        g_ptr_array_add(taken, g_ptr_array_steal_index(publications, i));
        return taken->len > 0 ? publish_end(taken) : 0;
}

bool publish_is_waiting(void)
{
        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];

                if (!publication->demand && if_nametoindex(publication->interface) == 0)
                        return true;
        }
        return false;
}

static bool publications_have_unikernel(const char *unikernel)
{
        for (guint i = 0; i < publications->len; i++)
                if (g_str_equal(((const AntispoofPublication *) publications->pdata[i])->unikernel,
                                    unikernel))
                        return true;
        return false;
}

static int publish_check_unikernel(const char *unikernel, Error *ret_error)
{
        return publications_have_unikernel(unikernel)
                               ? 0
                               : error_set(ret_error, ERROR_FAILED, "Unikernel '%s' publishes no port now",
                                                 unikernel);
}

int publish_lead(const char *unikernel, Error *ret_error)
{
        g_autofree char *own = name_without_twin(unikernel);
        int r;

        (void) publish_look();
        r = publish_check_unikernel(unikernel, ret_error);
        if (r >= 0)
                r = publication_record_set_twin_leads(own, name_is_twin(unikernel), ret_error);
        return r < 0 ? r : publish_restore(ret_error);
}

int publish_count_connections(const char *unikernel, unsigned *ret_count, Error *ret_error)
{
        g_autoptr(GArray) guests = g_array_new(FALSE, FALSE, sizeof(Address));
        int r;

        for (guint i = 0; i < publications->len; i++)
                if (g_str_equal(((const AntispoofPublication *) publications->pdata[i])->unikernel,
                                    unikernel))
                        publication_append_addresses(publications->pdata[i], guests);
        r = conntrack_count(guests, ret_count);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot count the connections of '%s'", unikernel) : 0;
}

static bool filter_has_address(const AntispoofFamily *family, const Address *address)
{
        return !address_is_set(address) || (!family->any && address_equal(&family->address, address));
}

/* Who may send from another's address would answer for it. */
static int publication_check_filter(const AntispoofPublication *publication, Error *ret_error)
{
        g_autoptr(AntispoofFilter) filter = record_find(publication->interface);

        if (filter && g_str_equal(filter->unikernel, publication->unikernel) &&
                        filter_has_address(&filter->ipv4, &publication->address4) &&
                        filter_has_address(&filter->ipv6, &publication->address6))
                return 0;

        return error_set(ret_error, ERROR_FAILED, "The interface has no filter with this address");
}

/* Of another unikernel; those of the same one are in taken afterwards. */
static int publish_check_others(const AntispoofPublication *publication, GPtrArray *taken, Error *ret_error)
{
        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *other = publications->pdata[i];
                const PublishedPort *port = published_ports_find_overlap(publication->ports, other->ports);
                g_autofree char *text = port ? published_port_format(port) : NULL;

                if (port && !g_str_equal(other->unikernel, publication->unikernel) &&
                                !publications_are_twins(other, publication))
                        return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                                        "Publish=%s: this port of the host is published by unikernel '%s', "
                                        "which %s",
                                        text, other->unikernel,
                                        other->demand ? "waits for traffic there" : "runs");
        }
        for (guint i = publications->len; i-- > 0;) {
                const AntispoofPublication *other = publications->pdata[i];

                if (g_str_equal(other->interface, publication->interface) ||
                                (!publications_are_twins(other, publication) &&
                                                published_ports_find_overlap(
                                                                publication->ports, other->ports)))
                        g_ptr_array_add(taken, g_ptr_array_steal_index(publications, i));
        }
        return 0;
}

static AntispoofPublication *publication_copy(const AntispoofPublication *publication)
{
        AntispoofPublication *copy = g_memdup2(publication, sizeof *publication);

        copy->unikernel = g_strdup(publication->unikernel);
        copy->ports = g_array_ref(publication->ports);
        return copy;
}

/* Instead of what is in taken, which is in the list again if it fails. */
static int publish_replace(const AntispoofPublication *publication, GPtrArray *taken, Error *ret_error)
{
        _cleanup_error_ Error ignored = ERROR_INIT;
        guint index;
        int r;

        r = publication_record_write(publication, ret_error);
        if (r >= 0) {
                g_ptr_array_add(publications, publication_copy(publication));
                publish_leave_bridges(taken);
                r = publish_restore(ret_error);
        }
        if (r >= 0)
                return 0;

        if (publish_find(publication->interface, &index))
                g_ptr_array_remove_index(publications, index);
        publication_record_remove(publication->interface);
        for (guint i = 0; i < taken->len; i++)
                (void) publication_record_write(taken->pdata[i], NULL);
        publish_take_back(taken);
        (void) publish_restore(&ignored);
        return r;
}

/* A twin that has just been started is not to lead, whatever a former one did. */
static int publish_note_new_twin(const AntispoofPublication *publication, Error *ret_error)
{
        g_autofree char *own = name_without_twin(publication->unikernel);

        return name_is_twin(publication->unikernel) && !publications_have_unikernel(publication->unikernel)
                               ? publication_record_set_twin_leads(own, false, ret_error)
                               : 0;
}

/* That of a guest that was waited for is there when it starts. */
static bool publish_has(const AntispoofPublication *publication)
{
        const AntispoofPublication *other;
        g_autofree char *text = NULL, *others = NULL;
        guint index;

        other = publication->demand ? publish_find(publication->interface, &index) : NULL;
        if (!other)
                return false;
        text = antispoof_publication_format(publication);
        others = antispoof_publication_format(other);
        return g_str_equal(text, others);
}

int publish_add(const AntispoofPublication *publication, Error *ret_error)
{
        g_autoptr(GPtrArray) taken = publications_new();
        int r;

        (void) publish_look();
        r = publication_check_filter(publication, ret_error);
        if (r >= 0 && publish_has(publication))
                return 0;
        if (r >= 0)
                r = publish_note_new_twin(publication, ret_error);
        if (r >= 0)
                r = publish_check_others(publication, taken, ret_error);
        if (r >= 0)
                r = publish_replace(publication, taken, ret_error);
        if (r < 0)
                return r;

        publish_forget_connections(taken, publication->interface);
        for (guint i = 0; i < taken->len; i++) {
                const char *interface = ((const AntispoofPublication *) taken->pdata[i])->interface;

                if (!g_str_equal(interface, publication->interface))
                        publication_record_remove(interface);
        }
        return 0;
}

int publish_open(const char *directory, Error *ret_error)
{
        int r;

        r = publication_record_open(directory, ret_error);
        if (r < 0)
                return r;

        g_clear_pointer(&publications, g_ptr_array_unref);
        publications = publication_record_list();
        (void) publish_look();
        return 0;
}

int publish_end_demand(const char *unikernel, const char *const *but)
{
        for (guint i = 0; i < publications->len; i++) {
                AntispoofPublication *publication = publications->pdata[i];

                if (!publication->demand || !g_str_equal(publication->unikernel, unikernel) ||
                                (but && g_strv_contains(but, publication->interface)))
                        continue;
                publication->demand = false;
                (void) publication_record_write(publication, NULL);
                publication_record_mark_seen(publication->interface);
        }
        return publish_look();
}

const GPtrArray *publish_list(void)
{
        return publications;
}

unsigned publish_count(void)
{
        return publications->len;
}
