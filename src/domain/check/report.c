/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Statistics, probe and networks, as lines of the protocol. Called by verbs.c. */

#include "domain/check/report-private.h"

#include <glib.h>
#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/names.h"
#include "domain/host/bridges.h"
#include "domain/host/neighbours-client.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/host-probe.h"
#include "domain/lifecycle/lifecycle.h"
#include "domain/network/attachment.h"
#include "domain/plan/plan.h"
#include "domain/xml/domain-xml.h"
#include "unikernel/process.h"

/* Does not wait for another job on the domain: omits what is not available at once. */
#define STATISTICS                                                                                          \
        (VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_INTERFACE |               \
                        VIR_DOMAIN_STATS_BLOCK)
#define STATISTICS_FLAGS VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT

/* How many domains libvirt is asked about at a time, because its answers are limited. */
#define STATISTICS_AT_ONCE 64

/* Seconds that libvirt may take to answer; the probe boots guests. */
#define ANSWER_GUARD   60
#define NETWORKS_GUARD 120

/* Number of lines, which stays below the size of an answer that shruthid reads. */
#define DHCP_LEASES_MAX 32768

/* *ret_connection is NULL on a host without libvirt. */
static int report_connect(Conf **ret_conf, virConnectPtr *ret_connection, Error *ret_error)
{
        g_autoptr(Conf) conf = NULL;
        int r;

        r = conf_load(&conf, ret_error);
        if (r < 0)
                return r;
        r = virt_setup(ret_error);
        if (r < 0)
                return r;
        protocol_guard(ANSWER_GUARD, "answer");
        r = virt_connect_if_wanted(conf->libvirt_uri, ret_connection, ret_error);
        if (r < 0)
                return r;

        *ret_conf = g_steal_pointer(&conf);
        return 0;
}

static bool record_get_number(const virDomainStatsRecord *record, const char *field, uint64_t *ret)
{
        unsigned long long value;

        if (virTypedParamsGetULLong(record->params, record->nparams, field, &value) != 1)
                return false;

        *ret = value;
        return true;
}

/* libvirt's name of a number, after "net.INDEX." or "block.INDEX.", and ours. */
typedef struct StatisticsField {
        const char *libvirt_field;
        DomainField field;
} StatisticsField;

/* libvirt numbers the devices of a kind in the order of the XML, as the metadata does. */
static void emit_devices(const virDomainStatsRecord *record, const char *prefix, const char *shown,
                const StatisticsField *fields, char **names, char **addresses)
{
        for (guint i = 0; names[i]; i++) {
                protocol_emit_field(shown, i, DOMAIN_FIELD_NAME, "%s", names[i]);
                if (addresses && i < g_strv_length(addresses))
                        protocol_emit_field(shown, i, DOMAIN_FIELD_ADDRESSES, "%s", addresses[i]);
                for (const StatisticsField *field = fields; field->libvirt_field; field++) {
                        g_autofree char *from = g_strdup_printf("%s.%u.%s", prefix, i, field->libvirt_field);
                        uint64_t value;

                        if (record_get_number(record, from, &value))
                                protocol_emit_field(shown, i, field->field, "%" PRIu64, value);
                }
        }
}

static void emit_statistics(const virDomainStatsRecord *record, const char *metadata, char **addresses)
{
        static const StatisticsField network_fields[] = {
                        {"rx.bytes", DOMAIN_FIELD_RX_BYTES},
                        {"rx.pkts", DOMAIN_FIELD_RX_PACKETS},
                        {"rx.drop", DOMAIN_FIELD_RX_DROPPED},
                        {"tx.bytes", DOMAIN_FIELD_TX_BYTES},
                        {"tx.pkts", DOMAIN_FIELD_TX_PACKETS},
                        {"tx.drop", DOMAIN_FIELD_TX_DROPPED},
                        {},
        };
        static const StatisticsField volume_fields[] = {
                        {"rd.bytes", DOMAIN_FIELD_RD_BYTES},
                        {"rd.reqs", DOMAIN_FIELD_RD_REQUESTS},
                        {"wr.bytes", DOMAIN_FIELD_WR_BYTES},
                        {"wr.reqs", DOMAIN_FIELD_WR_REQUESTS},
                        {"fl.reqs", DOMAIN_FIELD_FLUSH_REQUESTS},
                        {},
        };
        g_auto(GStrv) networks = domain_xml_metadata_devices(metadata, DEVICE_NETWORK);
        g_auto(GStrv) volumes = domain_xml_metadata_devices(metadata, DEVICE_BLOCK);
        uint64_t value;

        if (record_get_number(record, "cpu.time", &value))
                protocol_emit(DOMAIN_KEY_CPU_TIME_USEC, "%" PRIu64, value / 1000);
        if (record_get_number(record, "balloon.maximum", &value))
                protocol_emit(DOMAIN_KEY_MEMORY, "%" PRIu64, value * 1024);
        if (record_get_number(record, "balloon.rss", &value))
                protocol_emit(DOMAIN_KEY_MEMORY_RESIDENT, "%" PRIu64, value * 1024);
        emit_devices(record, "net", DOMAIN_KIND_NETWORK, network_fields, networks, addresses);
        emit_devices(record, "block", DOMAIN_KIND_VOLUME, volume_fields, volumes, NULL);
}

/* Adds the addresses that DHCP has leased to it, or that the host has seen it use, separated by spaces. */
static void port_add_addresses(
                virConnectPtr connection, const Conf *conf, const DomainPort *port, GString *text)
{
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        g_autoptr(Attachment) attachment = NULL;

        if (attachment_find(connection, conf, port->network, port->bridge, &attachment, NULL) < 0 ||
                        attachment_list_seen(attachment, seen, NULL) < 0)
                return;
        for (guint i = 0; i < seen->len; i++) {
                const SeenAddress *one = &g_array_index(seen, SeenAddress, i);
                g_auto(GStrv) known = g_strsplit(text->str, " ", -1);
                char ip[ADDRESS_TEXT_MAX];

                address_format_ip(&one->address, ip);
                if (g_str_equal(one->mac, port->mac) && !address_is_link_local(&one->address) &&
                                !g_strv_contains((const char *const *) known, ip))
                        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", ip);
        }
}

/* The addresses of each network device, whoever assigned them. Free with g_strfreev(). */
static char **ports_find_addresses(virConnectPtr connection, const Conf *conf, const GPtrArray *ports)
{
        g_autoptr(GStrvBuilder) all = g_strv_builder_new();

        for (guint i = 0; i < ports->len; i++) {
                const DomainPort *port = ports->pdata[i];
                g_autoptr(GString) text = g_string_new(NULL);

                if (port->mac && (port->network || port->bridge))
                        port_add_addresses(connection, conf, port, text);
                g_strv_builder_add(all, text->str);
        }
        return g_strv_builder_end(all);
}

static char **domain_find_addresses(virConnectPtr connection, const Conf *conf, virDomainPtr domain)
{
        char *xml = virDomainGetXMLDesc(domain, 0);
        g_autoptr(GPtrArray) ports = domain_xml_ports(xml ?: "");

        free(xml);
        return ports_find_addresses(connection, conf, ports);
}

/* It is there without libvirt, too. */
static int report_statistics_of_process(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(GPtrArray) ports = lifecycle_process_ports(name, NULL);
        g_auto(GStrv) addresses = NULL;
        g_autoptr(Conf) conf = NULL;

        if (report_connect(&conf, &connection, NULL) >= 0)
                addresses = ports_find_addresses(connection, conf, ports);
        protocol_guard(0, NULL);
        return report_process(name, addresses, ret_error);
}

int report_statistics(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(Conf) conf = NULL;
        virDomainStatsRecordPtr *records = NULL;
        virDomainPtr domains[2] = {};
        g_auto(GStrv) addresses = NULL;
        char uuid[37], *metadata;
        int r;

        r = plan_identity(name, uuid, ret_error);
        if (r < 0)
                return r;
        if (process_is_body(name))
                return report_statistics_of_process(name, ret_error);
        r = report_connect(&conf, &connection, ret_error);
        if (r >= 0 && connection)
                r = virt_domain_find(connection, name, uuid, &domain, ret_error);
        if (r < 0)
                return r;
        if (r == 0 || virDomainIsActive(domain) != 1)
                return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);

        domains[0] = domain;
        r = virDomainListGetStats(domains, STATISTICS, &records, STATISTICS_FLAGS);
        if (r < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED,
                                "Cannot read the statistics of '%s'", name);

        metadata = virt_domain_metadata(domain);
        addresses = domain_find_addresses(connection, conf, domain);
        if (r > 0)
                emit_statistics(records[0], metadata, addresses);
        free(metadata);
        virDomainStatsRecordListFree(records);

        return r > 0 ? 0 : error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' has just ended", name);
}

static void domains_free(virDomainPtr *domains)
{
        for (virDomainPtr *domain = domains; *domain; domain++)
                (void) virDomainFree(*domain);
        free(domains);
}

/* Emits nothing if the domain is not ours. */
static void emit_statistics_of(const virDomainStatsRecord *record)
{
        const char *domain = virDomainGetName(record->dom), *name;
        char *metadata = virt_domain_metadata(record->dom);

        name = domain + strlen(SHRUTHI_DOMAIN_PREFIX);
        if (domain_xml_metadata_is(metadata, name)) {
                protocol_emit(DOMAIN_KEY_UNIKERNEL, "%s", name);
                emit_statistics(record, metadata, NULL);
        }
        free(metadata);
}

static int emit_statistics_of_some(virConnectPtr connection, virDomainPtr *domains, Error *ret_error)
{
        virDomainStatsRecordPtr *records = NULL;
        int n;

        protocol_guard(ANSWER_GUARD, "answer");
        n = virDomainListGetStats(domains, STATISTICS, &records, STATISTICS_FLAGS);
        if (n < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot read the statistics");

        for (int i = 0; i < n; i++)
                emit_statistics_of(records[i]);
        virDomainStatsRecordListFree(records);
        return 0;
}

static void report_statistics_of_processes(void)
{
        g_auto(GStrv) names = process_list();

        for (char **name = names; *name; name++) {
                protocol_emit(DOMAIN_KEY_UNIKERNEL, "%s", *name);
                (void) report_process(*name, NULL, NULL);
        }
}

int report_statistics_all(Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Conf) conf = NULL;
        virDomainPtr *domains = NULL, some[STATISTICS_AT_ONCE + 1] = {};
        unsigned n = 0;
        int r;

        report_statistics_of_processes();
        r = report_connect(&conf, &connection, ret_error);
        if (r < 0 || !connection)
                return r;
        if (virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE) < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot list libvirt's domains");

        for (virDomainPtr *domain = domains; r >= 0 && *domain; domain++) {
                if (g_str_has_prefix(virDomainGetName(*domain), SHRUTHI_DOMAIN_PREFIX))
                        some[n++] = *domain;
                if (n < STATISTICS_AT_ONCE && domain[1])
                        continue;
                some[n] = NULL;
                if (n > 0)
                        r = emit_statistics_of_some(connection, some, ret_error);
                n = 0;
        }

        domains_free(domains);
        return r;
}

static void emit_version(DomainKey key, unsigned long version)
{
        protocol_emit(key, "%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

int report_probe(bool again, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_probe_result_ ProbeResult host = {};
        unsigned long libvirt_version, qemu_version;
        g_autoptr(Conf) conf = NULL;
        int r;

        r = report_connect(&conf, &connection, ret_error);
        if (r >= 0 && !connection)
                r = virt_connect(conf->libvirt_uri, &connection, ret_error);
        if (r < 0)
                return r;

        probe_guard();
        r = (again ? probe_host_anew : probe_host)(connection, conf, &host, ret_error);
        if (r < 0)
                return r;

        protocol_emit(DOMAIN_KEY_KVM, "%s", host.kvm ? "yes" : "no");
        protocol_emit(DOMAIN_KEY_KVM_REASON, "%s", host.kvm_reason);
        protocol_emit(DOMAIN_KEY_FAST_START, "%s", host.fast_start ? "yes" : "no");
        protocol_emit(DOMAIN_KEY_FAST_START_REASON, "%s", host.fast_start_reason);
        if (virConnectGetLibVersion(connection, &libvirt_version) >= 0)
                emit_version(DOMAIN_KEY_LIBVIRT_VERSION, libvirt_version);
        if (virConnectGetVersion(connection, &qemu_version) >= 0)
                emit_version(DOMAIN_KEY_QEMU_VERSION, qemu_version);

        return 0;
}

/* Emits the subnets of a network, so that addresses outside of them can be recognized. */
static void emit_subnets(virConnectPtr connection, virNetworkPtr network)
{
        g_autoptr(NetworkInfo) info = NULL;

        /* The network may be removed just now. */
        if (attachment_read_info(connection, network, &info, NULL) < 0)
                return;
        for (unsigned i = 0; i < 2; i++) {
                const Subnet *subnet = i == 0 ? &info->subnet4 : &info->subnet6;
                char text[ADDRESS_TEXT_MAX];

                if (!address_is_set(&subnet->network))
                        continue;
                address_format(&subnet->network, text);
                protocol_emit(DOMAIN_KEY_NETWORK_SUBNET, "%s %s %s", text, info->bridge ?: "-", info->name);
        }
}

int report_dhcp_leases(const char *network, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Conf) conf = NULL;
        g_autoptr(Attachment) attachment = NULL;
        g_autoptr(GArray) leases = NULL;
        int r;

        r = report_connect(&conf, &connection, ret_error);
        if (r >= 0)
                r = attachment_find(connection, conf, network, NULL, &attachment, ret_error);
        if (r >= 0)
                r = attachment_read_leases(attachment, &leases, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < MIN(leases->len, DHCP_LEASES_MAX); i++) {
                const DhcpLease *lease = &g_array_index(leases, DhcpLease, i);
                const Subnet *subnet = lease->address.family == AF_INET ? &attachment->subnet4
                                                                        : &attachment->subnet6;
                Address address = lease->address;
                char text[ADDRESS_TEXT_MAX];

                if (address_is_set(&subnet->network) && address_contains(&subnet->network, &address))
                        address.prefix = subnet->network.prefix;
                address_format(&address, text);
                protocol_emit(DOMAIN_KEY_LEASE, "%s %s", lease->mac, text);
        }

        return 0;
}

/* Emits all networks of libvirt, or with VIR_CONNECT_LIST_NETWORKS_ACTIVE the active ones. */
static int emit_networks(virConnectPtr connection, unsigned flags,
                void (*emit)(virConnectPtr connection, virNetworkPtr network), Error *ret_error)
{
        virNetworkPtr *networks = NULL;
        int n = connection ? virConnectListAllNetworks(connection, &networks, flags) : 0;

        if (n < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot list libvirt's networks");

        for (int i = 0; i < n; i++) {
                emit(connection, networks[i]);
                (void) virNetworkFree(networks[i]);
        }
        free(networks);
        return 0;
}

static void emit_network(virConnectPtr connection, virNetworkPtr network)
{
        char *bridge = virNetworkGetBridgeName(network);

        protocol_emit(DOMAIN_KEY_NETWORK, "%s", virNetworkGetName(network));
        if (bridge)
                protocol_emit(DOMAIN_KEY_NETWORK_BRIDGE, "%s %s", bridge, virNetworkGetName(network));
        free(bridge);
        emit_subnets(connection, network);
}

/* Where that cannot be told, a start asks again. */
static void emit_listeners(void)
{
        g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(Listener));

        (void) neighbours_ask_listeners(listeners, NULL);
        for (guint i = 0; i < listeners->len; i++) {
                g_autofree char *text = listener_format(&g_array_index(listeners, Listener, i));

                protocol_emit(DOMAIN_KEY_LISTENER, "%s", text);
        }
}

int report_networks(bool listeners, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Conf) conf = NULL;
        g_auto(GStrv) bridges = bridge_list();
        int r;

        r = report_connect(&conf, &connection, ret_error);
        if (r >= 0)
                r = emit_networks(connection, VIR_CONNECT_LIST_NETWORKS_ACTIVE, emit_network, ret_error);
        if (r < 0)
                return r;

        for (char **bridge = bridges; *bridge; bridge++)
                protocol_emit(DOMAIN_KEY_BRIDGE, "%s", *bridge);
        if (listeners)
                emit_listeners();
        return 0;
}

static void emit_subnet(const Subnet *subnet, DomainKey subnet_key, DomainKey gateway_key, DomainKey dns_key)
{
        char network[ADDRESS_TEXT_MAX], gateway[ADDRESS_TEXT_MAX], dns[ADDRESS_TEXT_MAX];

        if (!address_is_set(&subnet->network))
                return;
        address_format(&subnet->network, network);
        address_format_ip(&subnet->gateway, gateway);
        address_format_ip(&subnet->dns, dns);
        protocol_emit(subnet_key, "%s", network);
        protocol_emit(gateway_key, "%s", gateway);
        protocol_emit(dns_key, "%s", dns);
}

static void emit_network_details(virConnectPtr connection, virNetworkPtr network)
{
        g_autoptr(NetworkInfo) info = NULL;

        /* The network may be removed just now. */
        if (attachment_read_info(connection, network, &info, NULL) < 0)
                return;

        protocol_emit(DOMAIN_KEY_NETWORK, "%s", info->name);
        protocol_emit(DOMAIN_KEY_MODE, "%s", network_mode_to_string(info->mode) ?: "other");
        protocol_emit(DOMAIN_KEY_ACTIVE, "%s", virNetworkIsActive(network) == 1 ? "yes" : "no");
        if (info->bridge)
                protocol_emit(DOMAIN_KEY_BRIDGE, "%s", info->bridge);
        if (info->ours)
                protocol_emit(DOMAIN_KEY_OWNER, "%u", (unsigned) info->owner);
        if (info->ours && !info->hosts_path)
                protocol_emit(DOMAIN_KEY_FORMER, "yes");
        emit_subnet(&info->subnet4, DOMAIN_KEY_SUBNET, DOMAIN_KEY_GATEWAY, DOMAIN_KEY_DNS);
        emit_subnet(&info->subnet6, DOMAIN_KEY_IPV6_SUBNET, DOMAIN_KEY_IPV6_GATEWAY, DOMAIN_KEY_IPV6_DNS);
}

int report_network_details(Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Conf) conf = NULL;
        int r;

        r = report_connect(&conf, &connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(NETWORKS_GUARD, "manage networks");
        return emit_networks(connection, 0, emit_network_details, ret_error);
}
