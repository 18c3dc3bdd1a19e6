/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariant: who may have a volume is its owner, who shares its group, and root; and whoever names one, by
 * the default name too, is found. */

#include <glib.h>
#include <pwd.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/volumes.h"

#define IMAGE "[Unikernel]\nImage=/srv/a\n"

typedef struct Fixture {
        char *root;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-volumes-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
}

static void tear_down(Fixture *f, const void *data)
{
        fixture_remove_tree(f->root);
        paths_set_root(NULL);
        g_free(f->root);
}

static void run(const char *name)
{
        g_autofree char *runtime = paths_unikernel_runtime(name);

        g_assert_cmpint(g_mkdir_with_parents(runtime, 0711), ==, 0);
}

static void assert_names(int r, char **names, const char *expected)
{
        g_autofree char *joined = NULL;

        g_assert_cmpint(r, ==, 0);
        joined = g_strjoinv(" ", names);
        g_assert_cmpstr(joined, ==, expected);
        g_strfreev(names);
}

static void test_owners(Fixture *f, const void *data)
{
        const Volume volume = {.owner = 1000, .group = GID_INVALID};

        g_assert_true(volume_is_for(&volume, 1000));
        g_assert_true(volume_is_for(&volume, 0));
        g_assert_false(volume_is_for(&volume, 1001));
}

/* With a user whom every system has: bin is in its own group, and in no other. */
static void test_groups(Fixture *f, const void *data)
{
        const struct passwd *bin = getpwnam("bin");
        Volume volume = {.owner = 0};

        g_assert_nonnull(bin);
        volume.group = bin->pw_gid;
        g_assert_true(volume_is_for(&volume, bin->pw_uid));
        volume.group = 4294967000;
        g_assert_false(volume_is_for(&volume, bin->pw_uid));
        volume.group = GID_INVALID;
        g_assert_false(volume_is_for(&volume, bin->pw_uid));
        /* A user who is not there is in no group. */
        volume.group = bin->pw_gid;
        g_assert_false(volume_is_for(&volume, 4294967000));
}

/* Nobody can take the names that somebody else's unikernel will want. */
static void test_reserved(Fixture *f, const void *data)
{
        static const struct {
                const char *volume;
                uid_t owner;
                bool free;
        } cases[] = {
                {"web-data", 1000, true},    {"web-data", 1001, false}, {"web-data", 0, false},
                {"web-2-data", 1001, true},  {"web-2-data", 1000, false}, {"web-3-data", 1001, false},
                {"web", 1001, true},         {"webs-data", 1001, true}, {"broken-x", 1000, false},
                {"broken-x", 0, true},       {"a_b-data", 1001, true},  {"web.x", 1001, true},
        };

        fixture_put(paths_state_definitions(), "web.unikernel", IMAGE "Owner=1000\n");
        fixture_put(paths_state_definitions(), "web-2.unikernel", IMAGE "Owner=1001\n");
        fixture_put(paths_config_definitions(), "broken.unikernel", "nonsense");
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = volume_check_reserved(cases[i].volume, cases[i].owner, &error);

                g_test_message("%s of %u", cases[i].volume, (unsigned) cases[i].owner);
                g_assert_cmpint(r >= 0, ==, cases[i].free);
                if (r < 0)
                        g_assert_cmpint(error.code, ==, ERROR_ACCESS_DENIED);
        }
}

static void test_running(Fixture *f, const void *data)
{
        g_autofree char *path = volume_path("a-data");
        _cleanup_error_ Error error = ERROR_INIT;
        char **names = NULL;
        int r;

        fixture_put(paths_config_definitions(), "a.unikernel", IMAGE "[Volume data]\nSize=1M\n");
        fixture_put(paths_config_definitions(), "b.unikernel", IMAGE "[Volume x]\nVolume=a-data\n");
        fixture_put(paths_config_definitions(), "p.unikernel", IMAGE "[Volume x]\nPath=/srv/x\n");
        fixture_put(paths_state_definitions(), "e.unikernel", "[Volume data]\nVolume=a-data\n");
        r = volume_list_running(path, &names, &error);
        assert_names(r, names, "");

        run("b");
        run("p");
        run("e");
        r = volume_list_running(path, &names, &error);
        assert_names(r, names, "b");
        r = volume_list_running("/srv/x", &names, &error);
        assert_names(r, names, "p");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/volumes/belong-to-owners", Fixture, NULL, set_up, test_owners, tear_down);
        g_test_add("/volumes/are-shared-by-groups", Fixture, NULL, set_up, test_groups, tear_down);
        g_test_add("/volumes/keep-names-for-unikernels", Fixture, NULL, set_up, test_reserved, tear_down);
        g_test_add("/volumes/finds-who-runs-with-one", Fixture, NULL, set_up, test_running, tear_down);
        return g_test_run();
}
