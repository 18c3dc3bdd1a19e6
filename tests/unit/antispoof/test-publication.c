/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked to be published is written in one way only, is kept on disk until its guest is gone, and
 * makes the commands of golden/, which the system test "publish" proves against the kernel. */

#include <string.h>
#include <sys/stat.h>

#include "antispoof/publication-record.h"
#include "antispoof/publication-ruleset.h"
#include "fixture/files.h"

#define BOTH                                                                                                \
        "shruaaaaaaaaaaa virbr0 10.0.0.2/24 fd00::2/64 web 8080:80 192.0.2.1:53:53/udp [::1]:90-91:80-81"
#define ONE "shrubbbbbbbbbbb virbr0 10.0.0.3/24 none other 8081:80 7007:7/udp"

static AntispoofPublication *publication_of(const char *text)
{
        AntispoofPublication *publication = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r = antispoof_publication_parse(text, &publication, &error);

        if (r < 0)
                g_error("%s: %s", text, error_message(&error, r));
        return publication;
}

static void test_spelling(void)
{
        static const char *const wrong[] = {
                        "",
                        "shru1 virbr0 10.0.0.2/24 none web",
                        "vnet1 virbr0 10.0.0.2/24 none web 80:80",
                        "shru1 virbr0 10.0.0.2 none web 80:80",
                        "shru1 virbr0 10.0.0.2/0 none web 80:80",
                        "shru1 virbr0 fd00::2/64 none web 80:80",
                        "shru1 virbr0 10.0.0.2/24 10.0.0.2/24 web 80:80",
                        "shru1 virbr0 127.0.0.1/8 none web 80:80",
                        "shru1 virbr0 10.0.0.2/24 none Web 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web 80:80/tcp",
                        "shru1 virbr0 10.0.0.2/24 none web 80:80 ",
                        "shru1 virbr0 10.0.0.2/24 none web  80:80",
                        "shru1 vir/br0 10.0.0.2/24 none web 80:80",
                        "shru1 \";flush 10.0.0.2/24 none web 80:80",
                        "shru1 virbr0123456789012 10.0.0.2/24 none web 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web 1-1024:1-1024 1025:80",
        };
        g_autoptr(AntispoofPublication) both = publication_of(BOTH);
        g_autofree char *text = antispoof_publication_format(both);

        g_assert_cmpstr(text, ==, BOTH);
        g_assert_cmpuint(both->address4.prefix, ==, 24);
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                AntispoofPublication *none = NULL;

                g_test_message("%s", wrong[i]);
                g_assert_cmpint(antispoof_publication_parse(wrong[i], &none, NULL), <, 0);
                g_assert_null(none);
        }
}

/* As many as there may be fit into a request. */
static void test_largest(void)
{
        g_autoptr(GString) text = g_string_new("shruaaaaaaaaaaa virbr0123456789 10.100.100.100/24 none ");
        _cleanup_antispoof_request_ AntispoofRequest request = {};
        g_autofree char *name = g_strnfill(63, 'a'), *whole = NULL;

        g_string_append(text, name);
        for (unsigned i = 0; i < PUBLISHED_LINES_MAX; i++)
                g_string_append_printf(text, " [2001:db8:1111:2222:3333:4444:5555:6666]:%u-%u:%u-%u/udp",
                                10000 + 2 * i, 10001 + 2 * i, 20000 + 2 * i, 20001 + 2 * i);
        whole = g_strconcat("publish ", text->str, NULL);
        g_assert_cmpuint(strlen(whole), <=, ANTISPOOF_REQUEST_MAX);
        g_assert_cmpint(antispoof_request_parse(whole, strlen(whole), &request, NULL), ==, 0);
        g_assert_cmpuint(request.publication->ports->len, ==, PUBLISHED_LINES_MAX);
}

static void test_records(void)
{
        g_autofree char *directory = g_dir_make_tmp("publication-XXXXXX", NULL), *text = NULL;
        g_autoptr(AntispoofPublication) one = publication_of(ONE);
        g_autoptr(GPtrArray) found = NULL, none = NULL;

        g_assert_cmpint(publication_record_open(directory, NULL), ==, 0);
        g_assert_cmpint(publication_record_write(one, NULL), ==, 0);
        g_assert_cmpint(publication_record_open(directory, NULL), ==, 0);
        found = publication_record_list();
        g_assert_cmpuint(found->len, ==, 1);
        text = antispoof_publication_format(found->pdata[0]);
        g_assert_cmpstr(text, ==, ONE);

        g_assert_false(publication_record_was_seen(one->interface));
        g_assert_false(publication_record_is_older(one->interface, 60));
        publication_record_mark_seen(one->interface);
        g_assert_true(publication_record_was_seen(one->interface));
        g_assert_cmpint(publication_record_write(one, NULL), ==, 0);
        g_assert_false(publication_record_was_seen(one->interface));

        publication_record_remove(one->interface);
        none = publication_record_list();
        g_assert_cmpuint(none->len, ==, 0);
        fixture_remove_tree(directory);
}

/* Who of a unikernel and its twin leads outlives the program; that it is no longer so may be said twice. */
static void test_twins(void)
{
        g_autofree char *directory = g_dir_make_tmp("publication-XXXXXX", NULL);
        g_autoptr(GPtrArray) found = NULL;

        g_assert_cmpint(publication_record_open(directory, NULL), ==, 0);
        g_assert_false(publication_record_twin_leads("web"));
        g_assert_cmpint(publication_record_set_twin_leads("web", true, NULL), ==, 0);
        g_assert_cmpint(publication_record_open(directory, NULL), ==, 0);
        g_assert_true(publication_record_twin_leads("web"));
        g_assert_false(publication_record_twin_leads("other"));
        found = publication_record_list();
        g_assert_cmpuint(found->len, ==, 0);
        for (unsigned i = 0; i < 2; i++)
                g_assert_cmpint(publication_record_set_twin_leads("web", false, NULL), ==, 0);
        g_assert_false(publication_record_twin_leads("web"));
        fixture_remove_tree(directory);
}

static void assert_golden(const char *name, const GString *commands)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden", name, NULL), *golden = NULL;

        if (g_getenv("SHRUTHI_UPDATE_GOLDEN"))
                g_assert_true(g_file_set_contents(path, commands->str, (gssize) commands->len, NULL));
        g_assert_true(g_file_get_contents(path, &golden, NULL, NULL));
        g_assert_cmpstr(commands->str, ==, golden);
}

static void test_table(void)
{
        g_autoptr(GPtrArray) publications = g_ptr_array_new_with_free_func(antispoof_publication_destroy);
        g_autoptr(GString) commands = g_string_new(NULL);

        publication_ruleset_append(commands, publications);
        g_assert_cmpstr(commands->str, ==,
                        "add table inet shruthi_publish\ndelete table inet shruthi_publish\n");

        g_string_truncate(commands, 0);
        g_ptr_array_add(publications, publication_of(BOTH));
        g_ptr_array_add(publications, publication_of(ONE));
        publication_ruleset_append(commands, publications);
        assert_golden("publish.nft", commands);
}

/* No new connection goes to who is on standby; the open ones are still known to be of a published port. */
static void test_standby(void)
{
        g_autoptr(GPtrArray) publications = g_ptr_array_new_with_free_func(antispoof_publication_destroy);
        g_autoptr(GString) commands = g_string_new(NULL);
        AntispoofPublication *twin = publication_of(
                        "shruccccccccccc virbr0 10.0.0.4/24 none other_next 8081:80 7007:7/udp");

        g_ptr_array_add(publications, publication_of(ONE));
        g_ptr_array_add(publications, twin);
        twin->standby = true;
        publication_ruleset_append(commands, publications);
        g_assert_nonnull(strstr(commands->str, "8081 : 10.0.0.3 . 80"));
        g_assert_null(strstr(commands->str, " : 10.0.0.4 ."));
        g_assert_nonnull(strstr(commands->str, "10.0.0.3 . tcp . 80, "));
        g_assert_nonnull(strstr(commands->str, "10.0.0.4 . tcp . 80, "));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/antispoof/publication/has-one-spelling", test_spelling);
        g_test_add_func("/antispoof/publication/the-largest-fits", test_largest);
        g_test_add_func("/antispoof/publication/is-kept-until-its-guest-is-gone", test_records);
        g_test_add_func("/antispoof/publication/keeps-who-leads", test_twins);
        g_test_add_func("/antispoof/publication/makes-a-table", test_table);
        g_test_add_func("/antispoof/publication/leads-nobody-to-who-is-on-standby", test_standby);
        return g_test_run();
}
