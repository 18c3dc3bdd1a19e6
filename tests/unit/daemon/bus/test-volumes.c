/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose volume it is decides, at the time of the act: what was asked about and has become another's is left
 * alone; what needs an administrator says so before anything is done; and nobody can keep somebody else's
 * volume, or its name. */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "daemon/change/volume-work.h"
#include "fixture/files.h"

#define ALICE 1001
#define BOB   1002
#define STAFF 2001
#define MIB   (UINT64_C(1) << 20)
#define IMAGE "[Unikernel]\nImage=/srv/a\n"

typedef struct Fixture {
        char *dir;
        Conf conf;
        SharedConf shared;
        gid_t gids[2];
        Call call;
        VolumeWork *work;
} Fixture;

static const VolumeVerb create = {.act = volume_work_create}, import = {.act = volume_work_import},
                        list = {.act = volume_work_list}, details = {.act = volume_work_details},
                        resize = {.act = volume_work_resize}, export = {.act = volume_work_export},
                        remove_verb = {.act = volume_work_remove};

static void set_up(Fixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-volumes-XXXXXX", NULL);
        paths_set_root(f->dir);
        g_assert_cmpint(g_mkdir_with_parents(paths_volumes(), 0710), ==, 0);
        f->conf = (Conf){.volumes_size_max_user = 10 * MIB, .volumes_max_user = 3};
        f->shared = (SharedConf){.references = 1, .conf = &f->conf};
        f->gids[0] = ALICE;
        f->gids[1] = STAFF;
}

static void tear_down(Fixture *f, const void *data)
{
        if (f->work)
                volume_work_free(f->work);
        paths_set_root(NULL);
        fixture_remove_tree(f->dir);
        g_free(f->dir);
}

/* Begins another one, of alice's, who is in group staff. */
static VolumeWork *begin(Fixture *f, const VolumeVerb *verb, const char *name)
{
        if (f->work)
                volume_work_free(f->work);
        f->call = (Call){.uid = ALICE, .gids = f->gids, .n_gids = 2};
        f->work = g_new0(VolumeWork, 1);
        *f->work = (VolumeWork){
                        .verb = verb,
                        .call = &f->call,
                        .conf = shared_conf_ref(&f->shared),
                        .name = g_strdup(name),
                        .size = MIB,
                        .fd = -EBADF,
                        .settings = settings_new(),
                        .error = ERROR_INIT,
        };
        return f->work;
}

static void expect(VolumeWork *work)
{
        int r = work->verb->act(work, &work->error);

        if (r < 0)
                g_error("refused: %s", work->error.message);
        g_assert_false(work->needs_administer);
}

static void refused(VolumeWork *work, ErrorCode code, bool needs_administer, const char *word)
{
        g_assert_cmpint(work->verb->act(work, &work->error), <, 0);
        g_test_message("%s", work->error.message);
        g_assert_cmpint(work->error.code, ==, code);
        g_assert_cmpint(work->needs_administer, ==, needs_administer);
        g_assert_nonnull(strstr(work->error.message, word));
        error_clear(&work->error);
        work->needs_administer = false;
}

static void looked(VolumeWork *work)
{
        g_assert_cmpint(volume_work_look(work, &work->error), ==, 0);
}

static void make(const char *name, uid_t owner, gid_t group)
{
        g_assert_cmpint(volume_create(name, MIB, owner, group, NULL, NULL), ==, 0);
}

static bool is_there(const char *name)
{
        g_autofree char *path = volume_path(name);

        return access(path, F_OK) >= 0;
}

static void test_owners(Fixture *f, const void *data)
{
        g_autoptr(Volume) volume = NULL;
        VolumeWork *work;

        expect(begin(f, &create, "hers"));
        g_assert_cmpint(volume_load("hers", &volume, NULL), ==, 0);
        g_assert_cmpuint(volume->owner, ==, ALICE);
        g_assert_cmpuint(volume->group, ==, GID_INVALID);
        g_assert_cmpuint(volume->size, ==, MIB);

        work = begin(f, &create, "his");
        work->settings->values[SETTING_OWNER] = g_strdup_printf("%d", BOB);
        refused(work, ERROR_ACCESS_DENIED, true, "another user");
        work = begin(f, &create, "theirs");
        settings_put(work->settings, SETTING_GROUP, "3001");
        refused(work, ERROR_ACCESS_DENIED, true, "a group that the caller is not in");
        work = begin(f, &create, "ours");
        work->settings->values[SETTING_GROUP] = g_strdup_printf("%d", STAFF);
        expect(work);
        work = begin(f, &create, "wrong");
        settings_put(work->settings, SETTING_OWNER, "no-such-user");
        refused(work, ERROR_INVALID_ARGS, false, "there is no user");
        g_assert_false(is_there("his") || is_there("theirs") || is_there("wrong"));

        work = begin(f, &create, "his");
        work->settings->values[SETTING_OWNER] = g_strdup_printf("%d", BOB);
        work->administer = true;
        expect(work);
}

/* A name that somebody else's unikernel will want. */
static void test_reserved(Fixture *f, const void *data)
{
        VolumeWork *work;

        fixture_put(paths_state_definitions(), "web.unikernel", IMAGE "Owner=1002\n");
        fixture_put(paths_state_definitions(), "mine.unikernel", IMAGE "Owner=1001\n");
        refused(begin(f, &create, "web-data"), ERROR_ACCESS_DENIED, true, "unikernel 'web'");
        expect(begin(f, &create, "mine-data"));
        work = begin(f, &create, "web-data");
        work->administer = true;
        expect(work);
}

static void test_limits(Fixture *f, const void *data)
{
        VolumeWork *work = begin(f, &create, "large");

        work->size = 11 * MIB;
        refused(work, ERROR_LIMIT_EXCEEDED, true, "VolumesSizeMaxPerUser=10M");
        g_assert_false(is_there("large"));
        work->administer = true;
        expect(work);

        make("small", ALICE, GID_INVALID);
        work = begin(f, &resize, "small");
        work->size = 2 * MIB;
        looked(work);
        refused(work, ERROR_LIMIT_EXCEEDED, true, "VolumesSizeMaxPerUser=10M");
        f->call.uid = 0;
        expect(work);
}

static void test_list(Fixture *f, const void *data)
{
        VolumeWork *work;

        make("a", ALICE, GID_INVALID);
        make("b", BOB, GID_INVALID);
        make("c", BOB, STAFF);
        make("d", 0, 3001);
        fixture_put(paths_state_definitions(), "x.unikernel", IMAGE "Owner=1001\n[Volume v]\nVolume=a\n");
        fixture_put(paths_state_definitions(), "y.unikernel", IMAGE "Owner=1002\n[Volume v]\nVolume=a\n");

        work = begin(f, &list, NULL);
        expect(work);
        g_assert_cmpuint(work->volumes->len, ==, 2);
        g_assert_cmpstr(((Volume *) work->volumes->pdata[0])->name, ==, "a");
        g_assert_cmpstr(((Volume *) work->volumes->pdata[1])->name, ==, "c");
        /* Bob's unikernel does not get Alice's volume. */
        g_assert_cmpuint(g_strv_length(work->users_of->pdata[0]), ==, 1);
        g_assert_cmpstr(((char **) work->users_of->pdata[0])[0], ==, "x");

        work = begin(f, &list, NULL);
        work->all = true;
        expect(work);
        g_assert_cmpuint(work->volumes->len, ==, 4);
}

/* Removed and made again by somebody else while polkit was asked. */
static void test_another_now(Fixture *f, const void *data)
{
        static const VolumeVerb *const verbs[] = {&details, &resize, &export, &remove_verb};

        for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
                VolumeWork *work;

                make("data", ALICE, GID_INVALID);
                work = begin(f, verbs[i], "data");
                work->size = 2 * MIB;
                looked(work);
                g_assert_cmpint(volume_remove("data", NULL), ==, 0);
                refused(work, ERROR_NO_SUCH_VOLUME, false, "no volume 'data'");
                make("data", BOB, GID_INVALID);
                refused(work, ERROR_BUSY, false, "The owner of volume 'data' has changed meanwhile");
                g_assert_cmpint(work->fd, ==, -EBADF);
                g_assert_true(is_there("data"));
                g_assert_cmpint(volume_remove("data", NULL), ==, 0);
        }
}

static void test_remove(Fixture *f, const void *data)
{
        VolumeWork *work;

        make("web-data", ALICE, GID_INVALID);
        fixture_put(paths_state_definitions(), "web.unikernel",
                        IMAGE "Owner=1001\n[Volume data]\nSize=1M\n"
                              "[Volume too]\nVolume=web-data\nReadOnly=yes\n");
        work = begin(f, &remove_verb, "web-data");
        looked(work);
        /* Two devices that are the same volume, and not both read-only: that is no definition. */
        refused(work, ERROR_INVALID_DEFINITION, false, "The definition of 'web' cannot be read");
        fixture_put(paths_state_definitions(), "web.unikernel",
                        IMAGE "Owner=1001\n[Volume data]\nSize=1M\n");
        refused(work, ERROR_VOLUME_IN_USE, false, "the definition of web;");

        /* Somebody else's that names it keeps nothing. */
        fixture_put(paths_state_definitions(), "web.unikernel",
                        IMAGE "Owner=1002\n[Volume data]\nSize=1M\n");
        expect(work);
        g_assert_false(is_there("web-data"));
}

/* One without a record can be removed, as root's, and nothing else can be done with it. */
static void test_damaged(Fixture *f, const void *data)
{
        g_autofree char *dir = g_build_filename(paths_volumes(), "data", NULL),
                        *record = g_build_filename(dir, "volume", NULL);
        VolumeWork *work;

        make("data", ALICE, GID_INVALID);
        g_assert_true(g_file_set_contents(record, "nonsense", -1, NULL));
        work = begin(f, &export, "data");
        g_assert_cmpint(volume_work_look(work, &work->error), <, 0);
        g_assert_nonnull(strstr(work->error.message, "damaged"));

        work = begin(f, &remove_verb, "data");
        looked(work);
        g_assert_cmpstr(work->owner, ==, "root");
        /* It is repaired, and somebody's again: that is not what was asked about. */
        g_assert_true(g_file_set_contents(record, "OWNER=1002\n", -1, NULL));
        refused(work, ERROR_BUSY, false, "meanwhile");
        g_assert_true(g_file_set_contents(record, "nonsense", -1, NULL));
        expect(work);
        g_assert_false(is_there("data"));
}

static void test_export(Fixture *f, const void *data)
{
        VolumeWork *work;

        make("data", ALICE, GID_INVALID);
        work = begin(f, &export, "data");
        looked(work);
        expect(work);
        g_assert_cmpint(fcntl(work->fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
        g_assert_cmpint(write(work->fd, "x", 1), <, 0);

        work = begin(f, &details, "data");
        looked(work);
        expect(work);
        g_assert_cmpint(work->use, ==, VOLUME_UNUSED);
}

static void test_import(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->dir, "content", NULL);
        VolumeWork *work;
        int pipes[2];

        g_assert_true(g_file_set_contents(path, "content", -1, NULL));
        work = begin(f, &import, "data");
        work->size = 0;
        work->fd = open(path, O_RDONLY | O_CLOEXEC);
        expect(work);
        g_assert_true(is_there("data"));

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        work = begin(f, &import, "piped");
        work->fd = pipes[0];
        refused(work, ERROR_INVALID_ARGS, false, "neither a file nor a block device");
        close_safe(pipes[1]);
        g_assert_false(is_there("piped"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
        ADD("/daemon/volumes/owner-and-group", test_owners);
        ADD("/daemon/volumes/names-kept-for-unikernels", test_reserved);
        ADD("/daemon/volumes/limits-want-an-administrator", test_limits);
        ADD("/daemon/volumes/lists-what-the-caller-may-see", test_list);
        ADD("/daemon/volumes/not-what-has-become-another-s", test_another_now);
        ADD("/daemon/volumes/removes-what-nobody-names", test_remove);
        ADD("/daemon/volumes/removes-what-is-damaged", test_damaged);
        ADD("/daemon/volumes/exports-for-reading", test_export);
        ADD("/daemon/volumes/imports-files", test_import);
        return g_test_run();
}
