/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No address ever has two owners, whoever asks at the same time; what a device has stays its own until it is
 * released. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "unikernel/lease.h"

#define KEY "network-default"

typedef struct Fixture {
        char *root;
        Subnet subnet;
} Fixture;

static Subnet subnet(const char *text)
{
        Subnet result;

        g_assert_cmpint(subnet_parse(text, &result, NULL), ==, 0);
        subnet_set_defaults(&result);
        return result;
}

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-lease-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
        f->subnet = subnet("10.0.0.0/24");
}

static void remove_tree(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                if (g_file_test(child, G_FILE_TEST_IS_DIR))
                        remove_tree(child);
                else
                        g_assert_cmpint(g_unlink(child), ==, 0);
        }
        g_assert_cmpint(g_rmdir(path), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        remove_tree(f->root);
        paths_set_root(NULL);
        g_free(f->root);
}

static LeaseOwner owner(const char *unikernel)
{
        return (LeaseOwner){.unikernel = unikernel, .device = "service", .mac = "52:54:00:00:00:01"};
}

/* The text of what unikernel gets, or NULL with the error's code in *ret_code. Free with g_free(). */
static char *take_as(const Subnet *net, const char *key, const LeaseOwner *who, const char *asked,
                const SeenAddress *seen, size_t n_seen, ErrorCode *ret_code)
{
        _cleanup_error_ Error error = ERROR_INIT;
        char text[ADDRESS_TEXT_MAX];
        Address wanted, found;
        LeaseRequest request = {.network = key,
                        .subnet = net,
                        .asked = asked ? &wanted : NULL,
                        .owner = *who,
                        .seen = seen,
                        .n_seen = n_seen};
        int r;

        if (asked)
                g_assert_cmpint(address_parse(asked, &wanted, NULL), ==, 0);
        r = lease_acquire(&request, &found, &error);
        if (r < 0) {
                g_assert_nonnull(error.message);
                g_assert_nonnull(ret_code);
                *ret_code = error.code;
                return NULL;
        }

        address_format(&found, text);
        return g_strdup(text);
}

static char *take(Fixture *f, const char *unikernel, const char *asked, ErrorCode *ret_code)
{
        LeaseOwner who = owner(unikernel);

        return take_as(&f->subnet, KEY, &who, asked, NULL, 0, ret_code);
}

static unsigned count(const char *key, const char *unikernel)
{
        g_autoptr(GPtrArray) leases = NULL;

        g_assert_cmpint(lease_list(key, unikernel, &leases, NULL), ==, 0);
        return leases->len;
}

/* All that a unikernel has, or (with a device) what that has. */
static int release(const char *unikernel, const char *device)
{
        g_autoptr(GPtrArray) leases = NULL;
        int r = lease_list(NULL, unikernel, &leases, NULL);

        for (guint i = 0; r >= 0 && i < leases->len; i++)
                if (!device || g_str_equal(((const Lease *) leases->pdata[i])->device, device))
                        r = lease_give_back(leases->pdata[i], NULL);

        return r;
}

static void test_stays_the_same(Fixture *f, const void *data)
{
        g_autofree char *first = take(f, "a", NULL, NULL), *other = take(f, "b", NULL, NULL);
        g_autofree char *again = take(f, "a", NULL, NULL), *third = NULL;

        g_assert_cmpstr(first, ==, again);
        g_assert_cmpstr(first, !=, other);
        g_assert_cmpuint(count(NULL, NULL), ==, 2);

        /* And tends to be the same one after it was given back. */
        g_assert_cmpint(release("a", NULL), ==, 0);
        g_assert_cmpuint(count(NULL, "a"), ==, 0);
        g_assert_cmpint(release("a", NULL), ==, 0);
        third = take(f, "a", NULL, NULL);
        g_assert_cmpstr(first, ==, third);
}

static void test_what_is_asked_for(Fixture *f, const void *data)
{
        g_autofree char *a = take(f, "a", "10.0.0.2/24", NULL), *moved = NULL;
        ErrorCode code;

        g_assert_cmpstr(a, ==, "10.0.0.2/24");
        g_assert_null(take(f, "b", "10.0.0.2/24", &code));
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);
        g_assert_null(take(f, "b", "10.0.0.1/24", &code));
        g_assert_cmpint(code, ==, ERROR_INVALID_ARGS);
        g_assert_null(take(f, "b", "10.0.1.2/24", &code));
        g_assert_cmpint(code, ==, ERROR_INVALID_ARGS);
        g_assert_cmpuint(count(NULL, "b"), ==, 0);

        /* A device has one address: the old one is free with the new. */
        moved = take(f, "a", "10.0.0.3/24", NULL);
        g_assert_cmpstr(moved, ==, "10.0.0.3/24");
        g_assert_cmpuint(count(NULL, "a"), ==, 1);
        g_free(take(f, "b", "10.0.0.2/24", NULL));
        g_assert_cmpuint(count(NULL, "b"), ==, 1);
}

/* For many in a row the leases are read once, and no address has two owners then either. */
static void test_held(Fixture *f, const void *data)
{
        g_autofree char *a = take(f, "a", "10.0.0.2/24", NULL), *b = NULL, *again = NULL;
        ErrorCode code;

        lease_list_hold();
        b = take(f, "b", "10.0.0.3/24", NULL);
        g_assert_cmpuint(count(NULL, NULL), ==, 2);
        g_assert_cmpuint(count(KEY, "b"), ==, 1);
        g_assert_null(take(f, "c", "10.0.0.2/24", &code));
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);
        g_assert_null(take(f, "c", "10.0.0.3/24", &code));
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);
        again = take(f, "a", NULL, NULL);
        g_assert_cmpstr(again, ==, a);
        lease_list_release();
        g_assert_cmpuint(count(NULL, NULL), ==, 2);
        g_assert_cmpuint(count(NULL, "c"), ==, 0);
}

/* What is kept of a network is never older than its last change. */
static void test_cache(Fixture *f, const void *data)
{
        g_autofree char *a = take(f, "a", NULL, NULL), *b = NULL;

        lease_cache_enable();
        g_usleep(250 * 1000);
        g_assert_cmpuint(count(NULL, NULL), ==, 1);
        g_assert_cmpuint(count(NULL, "a"), ==, 1);
        b = take(f, "b", NULL, NULL);
        g_assert_cmpuint(count(NULL, NULL), ==, 2);
        g_assert_cmpint(release("a", NULL), ==, 0);
        g_assert_cmpuint(count(NULL, NULL), ==, 1);
        g_usleep(250 * 1000);
        g_assert_cmpuint(count(NULL, "b"), ==, 1);
        g_assert_cmpuint(count(NULL, "a"), ==, 0);
}

/* An address that cannot be had leaves the device the one that it has. */
static void test_refusal_keeps_the_old(Fixture *f, const void *data)
{
        g_autofree char *a = take(f, "a", "10.0.0.2/24", NULL), *b = take(f, "b", "10.0.0.3/24", NULL),
                        *still = NULL;
        ErrorCode code;

        g_assert_cmpstr(b, ==, "10.0.0.3/24");
        g_assert_null(take(f, "a", "10.0.0.3/24", &code));
        still = take(f, "a", NULL, NULL);
        g_assert_cmpstr(still, ==, a);
}

static void test_hosts_are_left_alone(Fixture *f, const void *data)
{
        SeenAddress seen[256] = {0};
        LeaseOwner who = owner("a");
        g_autofree char *only = NULL, *own = NULL;
        ErrorCode code;

        for (unsigned i = 0; i < 256; i++) {
                g_autofree char *text = g_strdup_printf("10.0.0.%u", i);

                g_assert_cmpint(address_parse_ip(text, &seen[i].address), ==, 0);
                g_strlcpy(seen[i].mac, "52:54:00:99:99:99", sizeof seen[i].mac);
        }

        g_assert_null(take_as(&f->subnet, KEY, &who, NULL, seen, 256, &code));
        g_assert_cmpint(code, ==, ERROR_NO_FREE_ADDRESS);
        g_assert_null(take_as(&f->subnet, KEY, &who, "10.0.0.7/24", seen, 256, &code));
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);

        /* What the device itself left there does not count. */
        g_strlcpy(seen[77].mac, who.mac, sizeof seen[77].mac);
        only = take_as(&f->subnet, KEY, &who, NULL, seen, 256, NULL);
        g_assert_cmpstr(only, ==, "10.0.0.77/24");

        /* And once leased, it stays whatever is seen. */
        g_strlcpy(seen[77].mac, "52:54:00:99:99:99", sizeof seen[77].mac);
        own = take_as(&f->subnet, KEY, &who, NULL, seen, 256, NULL);
        g_assert_cmpstr(own, ==, "10.0.0.77/24");
}

static void test_until_all_are_gone(Fixture *f, const void *data)
{
        Subnet small = subnet("10.9.0.0/29");
        ErrorCode code;

        for (unsigned i = 0; i < 6; i++) {
                g_autofree char *name = g_strdup_printf("u%u", i), *address = NULL;
                LeaseOwner who = owner(name);

                address = take_as(&small, KEY, &who, NULL, NULL, 0, &code);
                g_assert_cmpint(address != NULL, ==, i < 5);
        }
        g_assert_cmpint(code, ==, ERROR_NO_FREE_ADDRESS);
}

static void test_both_families_and_many_networks(Fixture *f, const void *data)
{
        Subnet six = subnet("fd00::/64");
        LeaseOwner who = owner("a"),
                   uplink = {.unikernel = "a", .device = "uplink", .mac = "52:54:00:00:00:02"};
        g_autofree char *v4 = take(f, "a", NULL, NULL), *v6 = take_as(&six, KEY, &who, NULL, NULL, 0, NULL);
        g_autofree char *second = take_as(&f->subnet, KEY, &uplink, NULL, NULL, 0, NULL);
        g_autofree char *elsewhere = take_as(&f->subnet, "bridge-br0", &who, NULL, NULL, 0, NULL);
        g_autoptr(GPtrArray) leases = NULL;
        const Lease *lease;

        g_assert_true(g_str_has_prefix(v6, "fd00::"));
        g_assert_cmpstr(second, !=, v4);
        g_assert_cmpstr(elsewhere, ==, v4);

        g_assert_cmpint(lease_list(NULL, "a", &leases, NULL), ==, 0);
        g_assert_cmpuint(leases->len, ==, 4);
        lease = leases->pdata[0];
        g_assert_cmpstr(lease->network, ==, "bridge-br0");
        g_assert_cmpstr(lease->device, ==, "service");
        g_assert_cmpstr(lease->mac, ==, who.mac);
        g_assert_cmpuint(lease->address.prefix, ==, 24);
        lease = leases->pdata[3];
        g_assert_cmpint(lease->address.family, ==, AF_INET6);
        g_assert_cmpuint(lease->address.prefix, ==, 64);

        g_assert_cmpint(release("a", "uplink"), ==, 0);
        g_assert_cmpuint(count(NULL, "a"), ==, 3);
        g_assert_cmpint(release("a", NULL), ==, 0);
        g_assert_cmpuint(count(NULL, NULL), ==, 0);
}

/* A network that got another subnet gives its devices addresses there. */
static void test_another_subnet(Fixture *f, const void *data)
{
        Subnet other = subnet("10.1.0.0/16"), longer = subnet("10.1.0.0/17");
        LeaseOwner who = owner("a");
        g_autofree char *first = take(f, "a", NULL, NULL), *second = NULL, *third = NULL;

        g_assert_true(g_str_has_prefix(first, "10.0.0."));
        second = take_as(&other, KEY, &who, NULL, NULL, 0, NULL);
        g_assert_true(g_str_has_prefix(second, "10.1."));
        g_assert_cmpuint(count(NULL, "a"), ==, 1);
        third = take_as(&longer, KEY, &who, NULL, NULL, 0, NULL);
        g_assert_true(g_str_has_suffix(third, "/17"));
        g_assert_cmpuint(count(NULL, "a"), ==, 1);
}

/* A damaged file names nobody; its address is given to nobody either. */
/* What neighbour tables and reservations still tell of a guest that is gone keeps nobody from its address;
 * another's traces do, and what the DHCP server has leased to it and gives to nobody else. */
static void test_traces_of_the_released(Fixture *f, const void *data)
{
        LeaseOwner first = owner("a"), second = owner("b");
        SeenAddress seen = {.by = SEEN_BY_NEIGHBOUR, .mac = "52:54:00:00:00:01"};
        g_autofree char *got = NULL, *none = NULL, *again = NULL;
        ErrorCode code = 0;

        second.mac = "52:54:00:00:00:02";
        g_assert_cmpint(address_parse_ip("10.0.0.9", &seen.address), ==, 0);
        got = take_as(&f->subnet, KEY, &first, "10.0.0.9/24", NULL, 0, NULL);
        g_assert_cmpstr(got, ==, "10.0.0.9/24");
        g_assert_cmpint(release("a", NULL), ==, 0);

        g_strlcpy(seen.mac, "52:54:00:00:00:03", sizeof seen.mac);
        none = take_as(&f->subnet, KEY, &second, "10.0.0.9/24", &seen, 1, &code);
        g_assert_null(none);
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);

        g_strlcpy(seen.mac, "52:54:00:00:00:01", sizeof seen.mac);
        seen.by = SEEN_BY_LEASE;
        g_assert_null(take_as(&f->subnet, KEY, &second, "10.0.0.9/24", &seen, 1, &code));
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);
        seen.by = SEEN_BY_DHCP;
        again = take_as(&f->subnet, KEY, &second, "10.0.0.9/24", &seen, 1, NULL);
        g_assert_cmpstr(again, ==, "10.0.0.9/24");
}

/* Where all else is taken, who asks for any address is told that it is leases that have to end. */
static void test_only_leased_are_left(Fixture *f, const void *data)
{
        Subnet small = subnet("10.9.0.0/30");
        LeaseOwner first = owner("a"), second = owner("b");
        SeenAddress seen = {.by = SEEN_BY_LEASE, .mac = "52:54:00:00:00:01"};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *got = NULL;
        LeaseRequest request;
        Address address;

        second.mac = "52:54:00:00:00:02";
        got = take_as(&small, KEY, &first, NULL, NULL, 0, NULL);
        g_assert_cmpstr(got, ==, "10.9.0.2/30");
        g_assert_cmpint(release("a", NULL), ==, 0);
        g_assert_cmpint(address_parse_ip("10.9.0.2", &seen.address), ==, 0);
        request = (LeaseRequest){
                        .network = KEY, .subnet = &small, .owner = second, .seen = &seen, .n_seen = 1};
        g_assert_cmpint(lease_acquire(&request, &address, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_FREE_ADDRESS);
        g_assert_nonnull(strstr(error.message, "net-dhcp-leases"));

        /* Its own guest gets it back. */
        g_free(got);
        got = take_as(&small, KEY, &first, NULL, &seen, 1, NULL);
        g_assert_cmpstr(got, ==, "10.9.0.2/30");
}

/* One lease goes, and only from the one who was listed with it. */
static void test_give_back(Fixture *f, const void *data)
{
        LeaseOwner first = owner("a"), second = owner("b");
        g_autoptr(GPtrArray) mine = NULL, left = NULL;
        g_autofree char *got = NULL, *other = NULL, *taken = NULL;

        got = take_as(&f->subnet, KEY, &first, "10.0.0.9/24", NULL, 0, NULL);
        other = take_as(&f->subnet, "network-other", &first, "10.0.0.9/24", NULL, 0, NULL);
        g_assert_cmpint(lease_list(KEY, "a", &mine, NULL), ==, 0);
        g_assert_cmpuint(mine->len, ==, 1);
        g_assert_cmpint(lease_give_back(mine->pdata[0], NULL), ==, 0);
        g_assert_cmpint(lease_list(NULL, "a", &left, NULL), ==, 0);
        g_assert_cmpuint(left->len, ==, 1);

        taken = take_as(&f->subnet, KEY, &second, "10.0.0.9/24", NULL, 0, NULL);
        g_assert_cmpint(lease_give_back(mine->pdata[0], NULL), ==, 0);
        g_clear_pointer(&left, g_ptr_array_unref);
        g_assert_cmpint(lease_list(KEY, "b", &left, NULL), ==, 0);
        g_assert_cmpuint(left->len, ==, 1);
}

static void test_damaged_file(Fixture *f, const void *data)
{
        g_autofree char *address = take(f, "a", "10.0.0.2/24", NULL), *dir = NULL;
        ErrorCode code;

        g_assert_cmpstr(address, ==, "10.0.0.2/24");
        dir = g_build_filename(paths_state_dir(), "leases", KEY, NULL);
        g_assert_cmpint(file_replace(dir, "10.0.0.2", "UNIKERNEL=../x\nMAC", 18, 0600), ==, 0);
        g_assert_null(take(f, "b", "10.0.0.2/24", &code));
        g_assert_cmpint(code, ==, ERROR_ADDRESS_IN_USE);
        g_assert_cmpuint(count(KEY, NULL), ==, 1);
        g_assert_cmpuint(count(KEY, "a"), ==, 0);
}

/* What a writer left that died half-way is swept by the next one, and counts as nothing. */
static void test_remains_are_swept(Fixture *f, const void *data)
{
        g_autofree char *address = take(f, "a", NULL, NULL), *dir = NULL, *remains = NULL, *again = NULL;

        dir = g_build_filename(paths_state_dir(), "leases", KEY, NULL);
        remains = g_build_filename(dir, ".10.0.0.9.XYZ123", NULL);
        g_assert_true(g_file_set_contents(remains, "UNIKERNEL=b\n", -1, NULL));
        g_assert_cmpuint(count(NULL, NULL), ==, 1);
        again = take(f, "a", NULL, NULL);
        g_assert_cmpstr(again, ==, address);
        g_assert_false(g_file_test(remains, G_FILE_TEST_EXISTS));
}

static void test_keys(Fixture *f, const void *data)
{
        g_autofree char *network = lease_network_key(true, "default"),
                        *bridge = lease_network_key(false, "virbr0");
        g_autofree char *hostile = lease_network_key(true, "../a\nb"), *empty = lease_network_key(true, "");
        g_autofree char *name = g_strnfill(200, 'x'), *longest = lease_network_key(true, name);
        static const char *const bad[] = {"", "..", "x", "network-../../x", "network-/", ".lock"};

        g_assert_cmpstr(network, ==, "network-default");
        g_assert_cmpstr(bridge, ==, "bridge-virbr0");
        g_assert_cmpstr(hostile, ==, "network-..%2Fa%0Ab");
        g_assert_null(empty);
        g_assert_null(longest);

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                LeaseOwner who = owner("a");
                ErrorCode code;

                g_assert_null(take_as(&f->subnet, bad[i], &who, NULL, NULL, 0, &code));
                g_assert_cmpint(code, ==, ERROR_INVALID_ARGS);
        }
        g_assert_cmpuint(count(NULL, NULL), ==, 0);
}

static void test_hostile_owners(Fixture *f, const void *data)
{
        static const LeaseOwner owners[] = {
                        {"../a", "service", "52:54:00:00:00:01"},
                        {"a", "ser\nvice", "52:54:00:00:00:01"},
                        {"a", "", "52:54:00:00:00:01"},
                        {"a", "service", "x\nUNIKERNEL=b"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(owners); i++) {
                ErrorCode code;

                g_assert_null(take_as(&f->subnet, KEY, &owners[i], NULL, NULL, 0, &code));
                g_assert_cmpint(code, ==, ERROR_INVALID_ARGS);
        }
}

static void test_forget(Fixture *f, const void *data)
{
        g_autofree char *address = take(f, "a", NULL, NULL), *path = NULL, *again = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        path = g_build_filename(paths_state_dir(), "leases", KEY, NULL);
        g_assert_cmpint(lease_forget_network(KEY, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_ADDRESS_IN_USE);
        g_assert_cmpint(release("a", NULL), ==, 0);
        g_assert_cmpint(lease_forget_network(KEY, NULL), ==, 0);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        g_assert_cmpint(lease_forget_network(KEY, NULL), ==, 0);
        again = take(f, "a", NULL, NULL);
        g_assert_cmpstr(again, ==, address);
}

#define PROCESSES 8
#define TAKES     25

/* One of many that ask at the same time: takes for names of its own, and for one that all share; forgets the
 * network and releases in between. Says by its exit status whether all went well. */
static void worker(const Subnet *net, unsigned number)
{
        for (unsigned i = 0; i < TAKES; i++) {
                g_autofree char *name = g_strdup_printf("u%u-%u", number, i);
                LeaseRequest own = {.network = KEY, .subnet = net, .owner = owner(name)};
                LeaseRequest shared = {.network = KEY, .subnet = net, .owner = owner("shared")};
                Address address;

                if (lease_acquire(&own, &address, NULL) < 0 || lease_acquire(&shared, &address, NULL) < 0)
                        _exit(1);
                (void) lease_forget_network(KEY, NULL);
                if (i % 5 == 0 && (release(name, NULL) < 0 || lease_acquire(&own, &address, NULL) < 0))
                        _exit(2);
        }
        _exit(0);
}

static void test_many_at_once(Fixture *f, const void *data)
{
        Subnet net = subnet("10.0.0.0/24"); /* 253 addresses for 201 owners: they meet */
        g_autoptr(GHashTable) addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GPtrArray) leases = NULL;
        pid_t pids[PROCESSES];

        for (unsigned i = 0; i < PROCESSES; i++) {
                pids[i] = fork();
                g_assert_cmpint(pids[i], >=, 0);
                if (pids[i] == 0)
                        worker(&net, i);
        }
        for (unsigned i = 0; i < PROCESSES; i++) {
                int status;

                g_assert_cmpint(waitpid(pids[i], &status, 0), ==, pids[i]);
                g_assert_cmpint(status, ==, 0);
        }

        g_assert_cmpint(lease_list(KEY, NULL, &leases, NULL), ==, 0);
        g_assert_cmpuint(leases->len, ==, PROCESSES * TAKES + 1);
        for (guint i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                char text[ADDRESS_TEXT_MAX];

                address_format_ip(&lease->address, text);
                g_assert_nonnull(lease->unikernel);
                g_assert_true(g_hash_table_add(addresses, g_strdup(text)));
                g_assert_true(g_hash_table_add(names, lease->unikernel));
                g_assert_cmpint(subnet_check_host(&net, &lease->address, NULL), ==, 0);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/unikernel/lease/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("stays-the-same", test_stays_the_same);
        ADD("what-is-asked-for", test_what_is_asked_for);
        ADD("refusal-keeps-the-old", test_refusal_keeps_the_old);
        ADD("hosts-are-left-alone", test_hosts_are_left_alone);
        ADD("until-all-are-gone", test_until_all_are_gone);
        ADD("both-families-and-many-networks", test_both_families_and_many_networks);
        ADD("another-subnet", test_another_subnet);
        ADD("traces-of-the-released-do-not-count", test_traces_of_the_released);
        ADD("only-leased-are-left", test_only_leased_are_left);
        ADD("one-is-given-back", test_give_back);
        ADD("damaged-file", test_damaged_file);
        ADD("remains-are-swept", test_remains_are_swept);
        ADD("keys", test_keys);
        ADD("hostile-owners", test_hostile_owners);
        ADD("forget", test_forget);
        ADD("many-at-once", test_many_at_once);
        ADD("many-in-a-row", test_held);
        ADD("kept-until-they-change", test_cache);
        return g_test_run();
}
