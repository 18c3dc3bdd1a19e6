/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests become records; what goes beyond a user's share needs an administrator and nothing else does.
 * What the helper says of libvirt's networks and of leases is read line by line. */

#include <glib.h>
#include <string.h>

#include "daemon/change/network-change.h"
#include "daemon/state/network-leases.h"
#include "daemon/state/network-registry.h"
#include "unikernel/definition.h"
#include "unikernel/lease.h"

#define ALICE 1001
#define USERS 100

typedef struct Case {
        NetworkRequest request;
        unsigned owned;
        ErrorCode code;     /* _ERROR_CODE_INVALID: it is let pass */
        bool administrator; /* could let it pass */
} Case;

static int make(const Case *c, uid_t uid, bool administer, NetworkRecord **ret, bool *ret_needs,
                Error *ret_error)
{
        char *pool[] = {(char *) "10.128.0.0/9", (char *) "fd00::/8", NULL};
        const Conf conf = {.network_pool = pool, .networks_max_user = 4};
        gid_t gids[] = {USERS};
        const Call call = {.uid = uid, .gids = gids, .n_gids = 1};

        return network_request_record(
                        &c->request, "lab", &conf, &call, c->owned, administer, ret, ret_needs, ret_error);
}

#define T(text) ((char *) (text))
static const Case cases[] = {
                {{}, 0, _ERROR_CODE_INVALID},
                {{.subnet = T("auto"), .subnet6 = T("auto"), .mode = T("isolated")}, 3, _ERROR_CODE_INVALID},
                {{.subnet = T("none"), .subnet6 = T("fd00:1::/64")}, 0, _ERROR_CODE_INVALID},
                {{.subnet = T("10.128.16.0/20"), .group = T("100"), .owner = T("1001")}, 0,
                                _ERROR_CODE_INVALID},
                {{.subnet = T(""), .subnet6 = T(""), .group = T(""), .bridge = T("")}, 0,
                                _ERROR_CODE_INVALID},
                {{}, 4, ERROR_LIMIT_EXCEEDED, true},
                {{.mode = T("routed")}, 0, ERROR_NETWORK_NOT_ALLOWED, true},
                {{.bridge = T("br7")}, 0, ERROR_NETWORK_NOT_ALLOWED, true},
                {{.subnet = T("10.0.0.0/24")}, 0, ERROR_NETWORK_NOT_ALLOWED, true},
                {{.subnet = T("10.128.0.0/19")}, 0, ERROR_NETWORK_NOT_ALLOWED, true},
                {{.subnet6 = T("2001:db8::/64")}, 0, ERROR_NETWORK_NOT_ALLOWED, true},
                {{.owner = T("1002")}, 0, ERROR_ACCESS_DENIED, true},
                {{.group = T("101")}, 0, ERROR_ACCESS_DENIED, true},
                {{.subnet = T("none")}, 0, ERROR_INVALID_ARGS, false},
                {{.subnet = T("10.128.0.1/24")}, 0, ERROR_INVALID_ARGS, false},
                {{.subnet = T("10.128.0.0")}, 0, ERROR_INVALID_ARGS, false},
                {{.subnet6 = T("10.128.0.0/24")}, 0, ERROR_INVALID_ARGS, false},
                {{.mode = T("open")}, 0, ERROR_INVALID_ARGS, false},
                {{.bridge = T("a/b")}, 0, ERROR_INVALID_ARGS, false},
                {{.owner = T("-1")}, 0, ERROR_INVALID_ARGS, false},
                {{.group = T("4294967295")}, 0, ERROR_INVALID_ARGS, false},
};

static void test_requests(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(NetworkRecord) record = NULL, root = NULL, administered = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                bool needs, nothing;
                int r = make(&cases[i], ALICE, false, &record, &needs, &error);

                if ((int) cases[i].code < 0) {
                        g_assert_cmpint(r, ==, 0);
                        g_assert_cmpuint(record->owner, ==, ALICE);
                        g_assert_cmpint(record->state, ==, NETWORK_CREATING);
                        g_assert_false(needs);
                        continue;
                }
                g_assert_cmpint(r, <, 0);
                if (error.code != cases[i].code)
                        g_error("case %zu: %s", i, error.message);
                g_assert_cmpint(needs, ==, cases[i].administrator);

                r = make(&cases[i], ALICE, true, &administered, &nothing, NULL);
                g_assert_cmpint(r == 0, ==, cases[i].administrator);
                g_assert_false(nothing);
                r = make(&cases[i], 0, false, &root, &nothing, NULL);
                g_assert_cmpint(r == 0, ==, cases[i].administrator);
        }
}

static void test_record(void)
{
        g_autoptr(NetworkRecord) plain = NULL, full = NULL;
        const Case all = {.request = {.subnet = T("10.128.7.0/24"),
                                          .subnet6 = T("auto"),
                                          .mode = T("routed"),
                                          .group = T("100"),
                                          .owner = T("7"),
                                          .bridge = T("br7")}};
        bool needs;

        g_assert_cmpint(make(&cases[0], ALICE, false, &plain, &needs, NULL), ==, 0);
        g_assert_cmpint(plain->mode, ==, NETWORK_NAT);
        g_assert_true(plain->choose4);
        g_assert_false(plain->choose6);
        g_assert_null(plain->bridge);
        g_assert_cmpuint(plain->group, ==, GID_INVALID);

        g_assert_cmpint(make(&all, 0, false, &full, &needs, NULL), ==, 0);
        g_assert_cmpint(full->mode, ==, NETWORK_ROUTED);
        g_assert_false(full->choose4);
        g_assert_true(full->choose6);
        g_assert_cmpuint(full->subnet4.network.prefix, ==, 24);
        g_assert_cmpstr(full->bridge, ==, "br7");
        g_assert_cmpuint(full->group, ==, 100);
        g_assert_cmpuint(full->owner, ==, 7);
}

static void test_seen(void)
{
        g_autoptr(GPtrArray) seen = seen_networks_parse(
                        "mode=nat\nnetwork=lab\nmode=nat\nactive=yes\nbridge=virbr1\nowner=7\n"
                        "subnet=10.0.0.0/24\nnotice=x\nnetwork=default\nmode=other\nactive=no\n"
                        "ipv6-subnet=fd00::/64\nnonsense\n");
        const SeenNetwork *lab = seen_networks_find(seen, "lab"), *other = seen->pdata[0];

        g_assert_cmpuint(seen->len, ==, 2);
        g_assert_cmpstr(other->name, ==, "default");
        g_assert_cmpstr(other->mode, ==, "other");
        g_assert_cmpstr(other->bridge, ==, "");
        g_assert_cmpstr(other->subnet6, ==, "fd00::/64");
        g_assert_false(other->active);
        g_assert_true(lab->active);
        g_assert_cmpstr(lab->bridge, ==, "virbr1");
        g_assert_cmpstr(lab->subnet, ==, "10.0.0.0/24");
        g_assert_null(seen_networks_find(seen, "la"));
}

/* "UNIKERNEL DEVICE ADDRESS" each. */
static char *match(const char *output, GHashTable *devices, const GPtrArray *leases)
{
        g_autoptr(GPtrArray) found = dhcp_leases_match(output, devices, leases);
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < found->len; i++) {
                const DeviceLease *lease = found->pdata[i];
                char address[ADDRESS_TEXT_MAX];

                address_format(&lease->address, address);
                g_string_append_printf(
                                text, "%s %s %s\n", lease->device->unikernel, lease->device->name, address);
        }
        return g_string_free(text, FALSE);
}

static void test_dhcp_leases(void)
{
        static const char output[] =
                        "lease=02:00:00:00:00:02 10.0.0.9/24\nlease=52:54:00:00:00:07 10.0.0.7/24\n"
                        "lease=02:00:00:00:00:01 10.0.0.8/24\nlease=02:00:00:00:00:01 fd00::8/64\n"
                        "lease=02:00:00:00:00:01\nlease=02:00:00:00:00:01 10.0.0.8\nnotice=x\nnonsense\n";
        Lease fixed = {.unikernel = T("a"), .device = T("service"), .address = {.family = AF_INET}};
        Lease unreadable = {.address = {.family = AF_INET6}};
        g_autoptr(GPtrArray) leases = g_ptr_array_new();
        g_autoptr(GHashTable) devices = dhcp_devices_new();
        g_autofree char *all = NULL, *rest = NULL, *none = NULL;

        dhcp_devices_add(devices, "02:00:00:00:00:01", "a", "service");
        dhcp_devices_add(devices, "02:00:00:00:00:01", "z", "service");
        dhcp_devices_add(devices, "02:00:00:00:00:02", "b", "lan");
        dhcp_devices_add(devices, "02:00:00:00:00:03", "c", "service");
        g_ptr_array_add(leases, &fixed);
        g_ptr_array_add(leases, &unreadable);

        all = match(output, devices, NULL);
        g_assert_cmpstr(all, ==, "a service 10.0.0.8/24\na service fd00::8/64\nb lan 10.0.0.9/24\n");
        rest = match(output, devices, leases);
        g_assert_cmpstr(rest, ==, "a service fd00::8/64\nb lan 10.0.0.9/24\n");
        none = match("", devices, leases);
        g_assert_cmpstr(none, ==, "");
}

static void test_dhcp_leases_are_bounded(void)
{
        g_autoptr(GHashTable) devices = dhcp_devices_new();
        g_autoptr(GString) output = g_string_new(NULL);
        g_autoptr(GPtrArray) found = NULL;

        dhcp_devices_add(devices, "02:00:00:00:00:01", "greedy", "service");
        dhcp_devices_add(devices, "02:00:00:00:00:02", "modest", "service");
        for (unsigned i = 2; i < 200; i++)
                g_string_append_printf(output, "lease=02:00:00:00:00:01 10.0.0.%u/24\n", i);
        g_string_append(output, "lease=02:00:00:00:00:02 10.0.0.201/24\n");
        found = dhcp_leases_match(output->str, devices, NULL);
        g_assert_cmpuint(found->len, ==, 9);
        g_assert_cmpstr(((const DeviceLease *) found->pdata[8])->device->unikernel, ==, "modest");
}

static void walk(const NetworkChangeEvent *events, const NetworkChangeState *states, size_t n)
{
        NetworkChangeState state = NETWORK_CHANGE_NEW;

        for (size_t i = 0; i < n; i++) {
                state = network_change_state_next(state, events[i]);
                g_assert_cmpint(state, ==, states[i]);
        }
        g_assert_cmpint(state, ==, NETWORK_CHANGE_ENDED);
}

#define EVENT(name) NETWORK_CHANGE_EVENT_##name
#define STATE(name) NETWORK_CHANGE_##name
#define EVENTS(...) ((const NetworkChangeEvent[]){__VA_ARGS__})
#define STATES(...) ((const NetworkChangeState[]){__VA_ARGS__})
#define WALK(e, s)                                                                                          \
        do {                                                                                                \
                g_assert_cmpuint(sizeof(e), ==, sizeof(s));                                                 \
                walk(e, s, sizeof(s) / sizeof(NetworkChangeState));                                         \
        } while (0)

/* The record first, then libvirt, then the answer; what cannot be made is taken back, and what guests are on
 * stays. */
static void test_change_states(void)
{
        WALK(EVENTS(EVENT(CREATE), EVENT(NEEDS_ADMINISTER), EVENT(DONE), EVENT(DONE), EVENT(DONE),
                             EVENT(DONE)),
                        STATES(STATE(RECORDING), STATE(AUTHORIZING), STATE(RECORDING), STATE(CREATING),
                                        STATE(READING), STATE(ENDED)));
        WALK(EVENTS(EVENT(CREATE), EVENT(NEEDS_ADMINISTER), EVENT(FAILED)),
                        STATES(STATE(RECORDING), STATE(AUTHORIZING), STATE(ENDED)));
        WALK(EVENTS(EVENT(CREATE), EVENT(DONE), EVENT(TAKE_BACK), EVENT(DONE), EVENT(DONE)),
                        STATES(STATE(RECORDING), STATE(CREATING), STATE(REMOVING), STATE(FORGETTING),
                                        STATE(ENDED)));
        WALK(EVENTS(EVENT(REMOVE), EVENT(DONE), EVENT(DONE), EVENT(DONE)),
                        STATES(STATE(MARKING), STATE(REMOVING), STATE(FORGETTING), STATE(ENDED)));
        WALK(EVENTS(EVENT(REMOVE), EVENT(DONE), EVENT(IN_USE), EVENT(DONE)),
                        STATES(STATE(MARKING), STATE(REMOVING), STATE(RESTORING), STATE(ENDED)));
        WALK(EVENTS(EVENT(REPAIR), EVENT(DONE), EVENT(DONE)),
                        STATES(STATE(CREATING), STATE(READING), STATE(ENDED)));
        WALK(EVENTS(EVENT(REPAIR), EVENT(FAILED)), STATES(STATE(CREATING), STATE(ENDED)));
        WALK(EVENTS(EVENT(TAKE_BACK), EVENT(FAILED)), STATES(STATE(REMOVING), STATE(ENDED)));
}

/* Each state but the last is left by success, and that one by nothing. */
static void test_change_ends(void)
{
        for (NetworkChangeState state = NETWORK_CHANGE_RECORDING; state < NETWORK_CHANGE_ENDED; state++)
                g_assert_cmpint(network_change_state_next(state, NETWORK_CHANGE_EVENT_DONE), >, 0);
        for (NetworkChangeEvent event = 0; event < _NETWORK_CHANGE_EVENT_MAX; event++)
                g_assert_cmpint(network_change_state_next(NETWORK_CHANGE_ENDED, event), ==,
                                _NETWORK_CHANGE_STATE_INVALID);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/network/requests", test_requests);
        g_test_add_func("/daemon/network/record", test_record);
        g_test_add_func("/daemon/network/seen", test_seen);
        g_test_add_func("/daemon/network/dhcp-leases", test_dhcp_leases);
        g_test_add_func("/daemon/network/dhcp-leases-are-bounded", test_dhcp_leases_are_bounded);
        g_test_add_func("/daemon/network/change-goes-by-its-table", test_change_states);
        g_test_add_func("/daemon/network/change-ends", test_change_ends);
        return g_test_run();
}
