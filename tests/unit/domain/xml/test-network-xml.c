/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libvirt says of networks is read as it is meant, and hosts are written as it takes them. */

#include <glib.h>
#include <string.h>

#include "domain/xml/network-xml.h"

static NetworkHost host(const char *name, const char *mac, const char *ip)
{
        NetworkHost result = {.name = name, .mac = mac};

        g_assert_cmpint(address_parse_ip(ip, &result.address), ==, 0);
        return result;
}

static void assert_address(const Address *found, const char *expected)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(found, text);
        g_assert_cmpstr(text, ==, expected);
}

static void test_updates(void)
{
        NetworkHost four = host("web", "52:54:00:00:00:01", "10.0.0.2"),
                    six = host("web", four.mac, "fd00::2"), bad;
        char *xml = NULL;

        g_assert_cmpint(network_xml_format_dhcp_host(&four, &xml, NULL), ==, 0);
        g_assert_cmpstr(xml, ==, "<host mac='52:54:00:00:00:01' name='web' ip='10.0.0.2'/>");
        g_clear_pointer(&xml, g_free);
        g_assert_cmpint(network_xml_format_dhcp_host(&six, &xml, NULL), ==, 0);
        g_assert_cmpstr(xml, ==, "<host name='web' ip='fd00::2'/>");
        g_clear_pointer(&xml, g_free);
        g_assert_cmpint(network_xml_format_dns_host(&six, &xml, NULL), ==, 0);
        g_assert_cmpstr(xml, ==, "<host ip='fd00::2'><hostname>web</hostname></host>");
        g_clear_pointer(&xml, g_free);

        bad = four;
        bad.name = "we'b/>";
        g_assert_cmpint(network_xml_format_dhcp_host(&bad, &xml, NULL), ==, -EINVAL);
        bad = four;
        bad.mac = "52:54:00:00:00:0'";
        g_assert_cmpint(network_xml_format_dns_host(&bad, &xml, NULL), ==, -EINVAL);
        bad = four;
        bad.address = ADDRESS_NONE;
        g_assert_cmpint(network_xml_format_dns_host(&bad, &xml, NULL), ==, -EINVAL);
        g_assert_null(xml);
}

/* As libvirt gives its stock network back, and others that administrators make. */
static void test_reads_others(void)
{
        static const char stock[] =
                        "<network "
                        "connections='1'><name>default</name><uuid>26c75f42-5b6b-4150-9895-4e8a289f86c3</"
                        "uuid>"
                        "<forward mode='nat'><nat><port start='1024' end='65535'/></nat></forward>"
                        "<bridge name='virbr0' stp='on' delay='0'/><mac address='52:54:00:61:82:7b'/>"
                        "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>"
                        "<range start='192.168.122.100' end='192.168.122.200'/>"
                        "<range start='192.168.122.2' end='192.168.122.50'/>"
                        "<host mac='52:54:00:AA:bb:cc' name='x' ip='192.168.122.9'/><host "
                        "name='none'/></dhcp></ip>"
                        "<ip address='10.9.9.1' netmask='255.0.255.0'/><ip address='10.9.8.1'/></network>";
        static const struct {
                const char *xml;
                NetworkMode mode;
                const char *subnet, *gateway, *dns;
        } cases[] = {
                        {"<network><name>a</name><forward mode='bridge'/><bridge name='br0'/></network>",
                                        _NETWORK_MODE_INVALID, "", "", ""},
                        {"<network><name>a</name><forward/><ip address='10.9.8.1'/></network>", NETWORK_NAT,
                                        "10.0.0.0/8", "10.9.8.1/8", "10.9.8.1/8"},
                        {"<network><name>a</name><dns enable='no'/><ip address='172.16.1.1' "
                         "prefix='28'/></network>",
                                        NETWORK_ISOLATED, "172.16.1.0/28", "", ""},
                        {"<network><name>a</name><ip address='10.0.0.1' prefix='0'/><ip "
                         "address='x'/></network>",
                                        NETWORK_ISOLATED, "", "", ""},
        };
        g_autoptr(NetworkInfo) info = NULL;
        const SeenAddress *seen;

        g_assert_cmpint(network_xml_parse(stock, &info, NULL), ==, 0);
        g_assert_cmpstr(info->bridge, ==, "virbr0");
        g_assert_false(info->ours);
        assert_address(&info->subnet4.network, "192.168.122.0/24");
        assert_address(&info->subnet4.gateway, "192.168.122.1/24");
        assert_address(&info->subnet4.dynamic_first, "192.168.122.2/24");
        assert_address(&info->subnet4.dynamic_last, "192.168.122.200/24");
        g_assert_cmpuint(info->reserved->len, ==, 3);
        seen = &g_array_index(info->reserved, SeenAddress, 0);
        g_assert_cmpstr(seen->mac, ==, "52:54:00:aa:bb:cc");

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(NetworkInfo) other = NULL;

                g_assert_cmpint(network_xml_parse(cases[i].xml, &other, NULL), ==, 0);
                g_assert_cmpint(other->mode, ==, cases[i].mode);
                assert_address(&other->subnet4.network, cases[i].subnet);
                assert_address(&other->subnet4.gateway, cases[i].gateway);
                assert_address(&other->subnet4.dns, cases[i].dns);
        }
}

/* Whether its guests hear each other is said of all of its ports at once; others' elements are not meant. */
static void test_isolated(void)
{
        static const struct {
                const char *elements;
                bool isolated;
        } cases[] = {
                        {"", false},
                        {"<port isolated='yes'/>", true},
                        {"<bridge name='virbr0'/><port isolated='yes'/><ip address='10.0.0.1'/>", true},
                        {"<port isolated='no'/>", false},
                        {"<port isolated='YES'/>", false},
                        {"<port/>", false},
                        {"<forward mode='nat'><nat><port start='1024' end='65535' isolated='yes'/></nat></forward>",
                                        false},
                        {"<portgroup name='x'><port isolated='yes'/></portgroup>", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *xml = g_strdup_printf("<network><name>a</name>%s</network>", cases[i].elements);
                g_autoptr(NetworkInfo) info = NULL;

                g_assert_cmpint(network_xml_parse(xml, &info, NULL), ==, 0);
                g_assert_cmpint(info->isolated, ==, cases[i].isolated);
        }
}

/* libvirt takes a reservation for one <ip> of several, which is counted with those that are of no use. */
static void test_which_ip(void)
{
        static const char xml[] =
                        "<network><name>a</name><ip address='x'/><ip family='ipv6' address='fd00::1' "
                        "prefix='64'><dhcp><range start='fd00::10' end='fd00::20'/>"
                        "<host name='x' ip='fd00::9'/></dhcp></ip><ip address='10.9.8.1' prefix='24'/>"
                        "<ip address='10.9.9.1' prefix='24'/></network>";
        g_autoptr(NetworkInfo) info = NULL;

        g_assert_cmpint(network_xml_parse(xml, &info, NULL), ==, 0);
        assert_address(&info->subnet6.network, "fd00::/64");
        g_assert_cmpint(info->index6, ==, 1);
        assert_address(&info->subnet4.network, "10.9.8.0/24");
        g_assert_cmpint(info->index4, ==, 2);
}

#define OURS "xmlns:s='https://dream.org/xmlns/shruthi/1'"

/* Only an element of our namespace that names this network makes it ours. */
static void test_metadata(void)
{
        static const struct {
                const char *element;
                bool ours;
        } cases[] = {
                        {"<s:network " OURS " name='lab' owner='7'/>", true},
                        {"<s:network " OURS " name='lab2' owner='7'/>", false},
                        {"<s:network " OURS " name='lab'/>", false},
                        {"<s:network " OURS " name='lab' owner='-1'/>", false},
                        {"<s:network " OURS " name='lab' owner='4294967295'/>", false},
                        {"<s:unikernel " OURS " name='lab' owner='7'/>", false},
                        {"<network name='lab' owner='7'/>", false},
                        {"", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *xml =
                                g_strdup_printf("<network><name>lab</name><metadata>%s</metadata></network>",
                                                cases[i].element);
                g_autoptr(NetworkInfo) info = NULL;

                g_assert_cmpint(network_xml_parse(xml, &info, NULL), ==, 0);
                g_assert_cmpint(info->ours, ==, cases[i].ours);
        }
}

static void test_reads_nothing_else(void)
{
        static const char *const texts[] = {"", "x", "<network", "<network/>", "<network><name/></network>",
                        "<domain><name>a</name></domain>", "<network><name>a</name>"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                NetworkInfo *info = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(network_xml_parse(texts[i], &info, &error), ==, -EBADMSG);
                g_assert_null(info);
                g_assert_nonnull(error.message);
        }
}

static void test_domains(void)
{
        static const char on[] =
                        "<domain><name>x</name><devices><interface type='user'/>"
                        "<interface type='network'><source network='lab' bridge='virbr1'/></interface>"
                        "</devices></domain>";

        g_assert_true(domain_xml_is_on_network(on, "lab", NULL));
        g_assert_true(domain_xml_is_on_network(on, "other", "virbr1"));
        g_assert_false(domain_xml_is_on_network(on, "other", "virbr"));
        g_assert_false(domain_xml_is_on_network(on, "la", NULL));
        g_assert_false(domain_xml_is_on_network("<domain/>", "lab", "virbr1"));
        g_assert_false(domain_xml_is_on_network("nonsense", "lab", "virbr1"));
}

static void assert_port(const GPtrArray *ports, guint i, const char *interface, const char *network,
                const char *bridge, bool isolated)
{
        const DomainPort *port = ports->pdata[i];

        g_assert_cmpstr(port->interface, ==, interface);
        g_assert_cmpstr(port->network, ==, network);
        g_assert_cmpstr(port->bridge, ==, bridge);
        g_assert_cmpint(port->isolated, ==, isolated);
}

/* A network of libvirt's may have another bridge by now than the domain began with. */
static void test_ports(void)
{
        static const char xml[] =
                        "<domain><devices>"
                        "<interface type='network'><mac address='52:54:00:AB:cd:01'/>"
                        "<source network='lab' portid='x' bridge='virbr1'/>"
                        "<target dev='vnet0'/></interface>"
                        "<disk/>"
                        "<interface type='bridge'><source bridge='br7'/><target dev='shruaaaaaaaaaaa'/>"
                        "<port isolated='yes'/></interface>"
                        "<interface type='bridge'><source bridge='ovs0'/><virtualport type='openvswitch'/>"
                        "<target dev='vnet1'/></interface>"
                        "<interface type='user'/>"
                        "</devices></domain>";
        g_autoptr(GPtrArray) ports = domain_xml_ports(xml), none = domain_xml_ports("nonsense");

        g_assert_cmpuint(ports->len, ==, 4);
        g_assert_cmpstr(((const DomainPort *) ports->pdata[0])->mac, ==, "52:54:00:ab:cd:01");
        g_assert_null(((const DomainPort *) ports->pdata[1])->mac);
        assert_port(ports, 0, "vnet0", "lab", NULL, false);
        assert_port(ports, 1, "shruaaaaaaaaaaa", NULL, "br7", true);
        assert_port(ports, 2, "vnet1", NULL, NULL, false);
        assert_port(ports, 3, NULL, NULL, NULL, false);
        g_assert_cmpuint(none->len, ==, 0);
}

static void test_no_ports(void)
{
        g_autoptr(GPtrArray) ports = domain_ports_new();

        g_assert_cmpuint(ports->len, ==, 0);
        g_ptr_array_add(ports, g_new0(DomainPort, 1));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/network/updates", test_updates);
        g_test_add_func("/domain/network/reads-others", test_reads_others);
        g_test_add_func("/domain/network/isolates-its-ports", test_isolated);
        g_test_add_func("/domain/network/which-ip-a-reservation-is-for", test_which_ip);
        g_test_add_func("/domain/network/metadata-tells-ours", test_metadata);
        g_test_add_func("/domain/network/reads-nothing-else", test_reads_nothing_else);
        g_test_add_func("/domain/network-xml/domains", test_domains);
        g_test_add_func("/domain/network-xml/ports", test_ports);
        g_test_add_func("/domain/network-xml/ports-of-nobody-yet", test_no_ports);
        return g_test_run();
}
