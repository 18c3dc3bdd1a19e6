/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What dnsmasq reads of who is on a network is just what was entered, a name never stays behind its
 * address, and dnsmasq is told of each change. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/paths.h"
#include "domain/network/hosts.h"
#include "fixture/files.h"

typedef struct Fixture {
        char *root;
        char *path;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-hosts-XXXXXX", NULL);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_hosts(), 0711), ==, 0);
        g_assert_cmpint(hosts_make("lab", &f->path, NULL), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        g_free(f->path);
        fixture_remove_tree(f->root);
        paths_set_root(NULL);
        g_free(f->root);
}

static NetworkHost host(const char *name, const char *mac, const char *ip)
{
        NetworkHost result = {.name = name, .mac = mac};

        g_assert_cmpint(address_parse_ip(ip, &result.address), ==, 0);
        return result;
}

static void enter(const Fixture *f, const char *name, const char *mac, const char *ip)
{
        const NetworkHost h = host(name, mac, ip);

        g_assert_cmpint(hosts_enter(f->path, &h, NULL), ==, 0);
}

/* Whether dnsmasq has to be told of something; it is told. */
static bool tell(const Fixture *f)
{
        _cleanup_close_ int lock = -EBADF;
        int r = hosts_need_reread(f->path, &lock);

        g_assert_cmpint(r, >=, 0);
        hosts_set_reread(f->path);
        return r > 0;
}

static void leave(const Fixture *f, const char *ip)
{
        const NetworkHost h = host(NULL, NULL, ip);

        g_assert_cmpint(hosts_leave(f->path, &h.address, NULL), ==, 0);
}

static void assert_file(const Fixture *f, const char *name, const char *expected)
{
        g_autofree char *file = g_build_filename(f->path, name, NULL), *text = NULL;

        (void) file_read_at(AT_FDCWD, file, 1 << 16, &text, NULL);
        g_assert_cmpstr(text, ==, expected);
}

static void assert_mode(const char *path, mode_t mode)
{
        struct stat st;

        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, mode);
}

#define MAC1 "52:54:00:00:00:01"
#define MAC2 "52:54:00:00:00:02"

static void test_enters(Fixture *f, const void *data)
{
        enter(f, "db", MAC1, "10.0.0.2");
        enter(f, "db", MAC1, "fd00::2");
        enter(f, "web", MAC2, "10.0.0.22");
        assert_file(f, "dhcp", MAC1 ",10.0.0.2,db,10m\ndb,[fd00::2],10m\n" MAC2 ",10.0.0.22,web,10m\n");
        assert_file(f, "dns", "10.0.0.2 db\nfd00::2 db\n10.0.0.22 web\n");
}

static void test_leaves_nothing(Fixture *f, const void *data)
{
        enter(f, "db", MAC1, "10.0.0.2");
        enter(f, "db", MAC1, "fd00::2");
        enter(f, "web", MAC2, "10.0.0.22");
        leave(f, "10.0.0.2");
        assert_file(f, "dhcp", "db,[fd00::2],10m\n" MAC2 ",10.0.0.22,web,10m\n");
        assert_file(f, "dns", "fd00::2 db\n10.0.0.22 web\n");
        leave(f, "fd00::2");
        leave(f, "10.0.0.22");
        leave(f, "10.0.0.22");
        assert_file(f, "dhcp", "");
        assert_file(f, "dns", "");
}

/* dnsmasq is told of each change once, and of nothing that was so before. */
static void test_is_told(Fixture *f, const void *data)
{
        g_assert_true(tell(f));
        g_assert_false(tell(f));
        enter(f, "db", MAC1, "10.0.0.2");
        g_assert_true(tell(f));
        enter(f, "db", MAC1, "10.0.0.2");
        leave(f, "10.0.0.3");
        g_assert_false(tell(f));
        enter(f, "db", MAC2, "10.0.0.2");
        leave(f, "10.0.0.3");
        g_assert_true(tell(f));
        leave(f, "10.0.0.2");
        g_assert_true(tell(f));
}

static void test_another_in_its_place(Fixture *f, const void *data)
{
        enter(f, "db", MAC1, "10.0.0.2");
        enter(f, "web", MAC2, "10.0.0.2");
        assert_file(f, "dhcp", MAC2 ",10.0.0.2,web,10m\n");
        assert_file(f, "dns", "10.0.0.2 web\n");
}

static void test_without_a_name(Fixture *f, const void *data)
{
        enter(f, "db", MAC1, "10.0.0.2");
        enter(f, NULL, MAC1, "10.0.0.2");
        enter(f, NULL, MAC1, "fd00::2");
        assert_file(f, "dhcp", MAC1 ",10.0.0.2,10m\n");
        assert_file(f, "dns", "");
}

/* A word that dnsmasq reads otherwise in a reservation is a name in DNS alone. */
static void test_words(Fixture *f, const void *data)
{
        static const char *const words[] = {"ignore", "infinite", "7", "10m", "3600s", "1w"};

        for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
                g_autofree char *dns = g_strdup_printf("10.0.0.2 %s\nfd00::2 %s\n", words[i], words[i]);

                g_test_message("%s", words[i]);
                enter(f, words[i], MAC1, "10.0.0.2");
                enter(f, words[i], MAC1, "fd00::2");
                assert_file(f, "dhcp", MAC1 ",10.0.0.2,10m\n");
                assert_file(f, "dns", dns);
        }
        enter(f, "10mm", MAC1, "10.0.0.2");
        enter(f, "7-d", MAC1, "fd00::2");
        assert_file(f, "dhcp", MAC1 ",10.0.0.2,10mm,10m\n7-d,[fd00::2],10m\n");
}

static void test_finds_a_name(Fixture *f, const void *data)
{
        g_autoptr(GArray) found = NULL, none = hosts_find_name(f->path, "web");
        char ip[ADDRESS_TEXT_MAX];

        g_assert_cmpuint(none->len, ==, 0);
        enter(f, "db", MAC1, "10.0.0.2");
        enter(f, "db", MAC1, "fd00::2");
        found = hosts_find_name(f->path, "db");
        g_assert_cmpuint(found->len, ==, 2);
        address_format_ip(&g_array_index(found, Address, 1), ip);
        g_assert_cmpstr(ip, ==, "fd00::2");
        g_array_unref(g_steal_pointer(&found));
        found = hosts_find_name(f->path, "d");
        g_assert_cmpuint(found->len, ==, 0);
}

/* Where it is, is known to who made it and to dnsmasq. */
static void test_folder(Fixture *f, const void *data)
{
        g_autofree char *again = NULL, *folder = g_path_get_dirname(f->path), *dhcp = NULL, *other = NULL;
        g_autofree char *found = NULL, *outside = NULL;
        g_auto(GStrv) options = network_xml_hosts_options(f->path);

        g_assert_cmpint(hosts_make("lab", &again, NULL), ==, 0);
        g_assert_cmpstr(again, ==, f->path);
        g_free(again);
        again = hosts_find("lab");
        g_assert_cmpstr(again, ==, f->path);
        g_assert_null(hosts_find("la"));
        g_assert_null(hosts_find("../lab"));
        assert_mode(folder, 0711);
        assert_mode(f->path, 0711);
        dhcp = g_build_filename(f->path, "dhcp", NULL);
        assert_mode(dhcp, 0644);

        found = network_xml_parse_hosts_option("lab", options[0]);
        g_assert_cmpstr(found, ==, f->path);
        g_assert_null(network_xml_parse_hosts_option("la", options[0]));
        g_assert_null(network_xml_parse_hosts_option("lab", options[1]));
        outside = g_strdup_printf("dhcp-hostsfile=%s/lab/../%032d/dhcp", paths_hosts(), 0);
        g_assert_null(network_xml_parse_hosts_option("lab", outside));
        g_assert_null(network_xml_parse_hosts_option("lab", "dhcp-hostsfile=/etc"));

        g_assert_cmpint(hosts_remove("lab", NULL), ==, 0);
        g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
        g_assert_cmpint(hosts_remove("lab", NULL), ==, 0);
        g_assert_cmpint(hosts_make("lab", &other, NULL), ==, 0);
        g_assert_cmpstr(other, !=, f->path);
}

/* Whoever has tidied up takes nobody's address. */
static void test_folder_that_is_lost(Fixture *f, const void *data)
{
        g_assert_cmpint(hosts_remove("lab", NULL), ==, 0);
        leave(f, "10.0.0.2");
        enter(f, "db", MAC1, "10.0.0.2");
        assert_file(f, "dns", "10.0.0.2 db\n");
}

static void test_refuses(Fixture *f, const void *data)
{
        const NetworkHost bad[] = {
                        host("a b", MAC1, "10.0.0.2"),
                        host("db", "52:54:00:00:00:01,10.0.0.9", "10.0.0.2"),
                        host("db", NULL, "10.0.0.2"),
                        host("db", MAC1, "127.0.0.1"),
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(hosts_enter(f->path, &bad[i], &error), <, 0);
                g_assert_nonnull(error.message);
        }
        assert_file(f, "dhcp", "");
}

#define TEST(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        TEST("/domain/hosts/enters-address-and-name", test_enters);
        TEST("/domain/hosts/leaves-nothing-behind", test_leaves_nothing);
        TEST("/domain/hosts/dnsmasq-is-told", test_is_told);
        TEST("/domain/hosts/another-in-its-place", test_another_in_its_place);
        TEST("/domain/hosts/without-a-name", test_without_a_name);
        TEST("/domain/hosts/words-of-dnsmasq", test_words);
        TEST("/domain/hosts/finds-a-name", test_finds_a_name);
        TEST("/domain/hosts/folder", test_folder);
        TEST("/domain/hosts/folder-that-is-lost", test_folder_that_is_lost);
        TEST("/domain/hosts/refuses-what-is-no-host", test_refuses);
        return g_test_run();
}
