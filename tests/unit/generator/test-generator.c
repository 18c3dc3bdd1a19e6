/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real generator over a tree of definitions: what it writes is what systemd must know, and nothing
 * else. */

#include <elf.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/paths.h"
#include "config.h"
#include "fixture/files.h"
#include "image/architecture.h"
#include "image/image-builder.h"
#include "image/store.h"
#include "unikernel/update-record.h"

#define IMAGE "[Unikernel]\nImage=/srv/a\n"

typedef struct Fixture {
        char *root, *normal, *early, *late;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-generator-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        f->normal = g_build_filename(f->root, "normal", NULL);
        f->early = g_build_filename(f->root, "early", NULL);
        f->late = g_build_filename(f->root, "late", NULL);
        g_assert_cmpint(g_mkdir(f->normal, 0755), ==, 0);
        g_assert_cmpint(g_mkdir(f->early, 0755), ==, 0);
        g_assert_cmpint(g_mkdir(f->late, 0755), ==, 0);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_definitions(), 0755), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->root);
        g_free(f->normal);
        g_free(f->early);
        g_free(f->late);
}

static void run(Fixture *f, char **ret_log)
{
        g_autofree char *root = g_strconcat("--root=", f->root, NULL);
        const char *argv[] = {g_getenv("SHRUTHI_GENERATOR"), root, f->normal, f->early, f->late, NULL};
        g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "SYSTEMD_LOG_TARGET", "console", TRUE);
        int status = -1;

        g_assert_nonnull(argv[0]);
        g_assert_true(g_spawn_sync(NULL, (char **) argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                        NULL, ret_log, &status, NULL));
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static guint count_files(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;
        guint n = 0;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                n += g_file_test(file, G_FILE_TEST_IS_DIR) && !g_file_test(file, G_FILE_TEST_IS_SYMLINK)
                                     ? count_files(file)
                                     : 1;
        }

        return n;
}

static void assert_wanted(Fixture *f, const char *name)
{
        g_autofree char *link =
                        g_strdup_printf("%s/unikernels.target.wants/unikernel@%s.service", f->normal, name);
        g_autofree char *target = g_file_read_link(link, NULL);

        g_assert_cmpstr(target, ==, SYSTEM_UNIT_DIR "/unikernel@.service");
}

static void assert_restart(Fixture *f, const char *name, const char *policy, const char *path)
{
        g_autofree char *file = g_strdup_printf(
                        "%s/unikernel@%s.service.d/50-shruthi-restart.conf", f->normal, name);
        g_autofree char *expected = g_strdup_printf(
                        "# Made by shruthi-generator: Restart= of %s\n[Service]\nRestart=%s\n"
                        "RestartPreventExitStatus=1 60 61 62 63 64\n",
                        path, policy);
        g_autofree char *text = NULL;

        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, expected);
}

/* Each source in systemd's words, with nothing in it that systemd would fill in. */
static void test_credentials(Fixture *f, const void *data)
{
        g_autofree char *log = NULL, *text = NULL, *expected = NULL;
        g_autofree char *path = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        g_autofree char *file = g_build_filename(
                        f->normal, "unikernel@a.service.d", "50-shruthi-credentials.conf", NULL);

        fixture_put(paths_state_definitions(), "a.unikernel",
                        IMAGE "[Credentials keys]\nLoadCredential=tls.key:/srv/100%i a:b\n"
                              "LoadCredentialEncrypted=a%n\\x\n");
        fixture_put(paths_state_definitions(), "b.unikernel", IMAGE "[Credentials keys]\n");
        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        expected = g_strdup_printf("# Made by shruthi-generator: [Credentials keys] of %s\n[Service]\n"
                                   "LoadCredentialEncrypted=shruthi.%%i\nSetCredential=shruthi.%%i:none\n"
                                   "LoadCredential=tls.key:/srv/100%%%%i a:b\n"
                                   "LoadCredentialEncrypted=a%%%%n\\\\x:a%%%%n\\x\n",
                        path);
        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, expected);
}

/* What was set with shruthictl is loaded where the definition has a device for it, and costs nobody else anything. */
static void test_archive(Fixture *f, const void *data)
{
        g_autofree char *log = NULL, *text = NULL, *expected = NULL;
        g_autofree char *path = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        g_autofree char *file = g_build_filename(
                        f->normal, "unikernel@a.service.d", "50-shruthi-credentials.conf", NULL);

        fixture_put(paths_state_definitions(), "a.unikernel", IMAGE "[Credentials keys]\n");
        fixture_put(paths_state_definitions(), "b.unikernel", IMAGE);
        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        expected = g_strdup_printf("# Made by shruthi-generator: [Credentials keys] of %s\n[Service]\n"
                                   "LoadCredentialEncrypted=shruthi.%%i\nSetCredential=shruthi.%%i:none\n",
                        path);
        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, expected);
        g_assert_cmpuint(count_files(f->normal), ==, 1);
}

/* As at a boot before the state directory's file system is mounted: nobody's keys are missing at a start. */
static void test_archive_of_unknown(Fixture *f, const void *data)
{
        g_autofree char *log = NULL, *text = NULL, *link = NULL, *target = NULL;
        g_autofree char *file = g_build_filename(
                        f->normal, "unikernel@.service.d", "50-shruthi-credentials.conf", NULL);

        g_assert_cmpint(g_rmdir(paths_state_definitions()), ==, 0);
        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        g_assert_nonnull(strstr(text, "\n[Service]\nLoadCredentialEncrypted=shruthi.%i\n"
                                     "SetCredential=shruthi.%i:none\n"));
        link = g_build_filename(f->normal, "unikernels.target.wants/shruthi-late.service", NULL);
        target = g_file_read_link(link, NULL);
        g_assert_cmpstr(target, ==, SYSTEM_UNIT_DIR "/shruthi-late.service");
        g_assert_cmpuint(count_files(f->normal), ==, 2);
}

/* An update that a power failure has interrupted: who goes on with it is started at boot. */
static void test_update(Fixture *f, const void *data)
{
        const UpdateRecord record = {.old_number = 1, .new_number = 2};
        g_autofree char *log = NULL, *again = NULL, *target = NULL;
        g_autofree char *link =
                        g_build_filename(f->normal, "unikernels.target.wants/shruthid.service", NULL);

        run(f, &log);
        g_assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
        g_assert_cmpint(update_record_write("a", &record), ==, 0);
        run(f, &again);
        g_assert_cmpstr(again, ==, "");
        target = g_file_read_link(link, NULL);
        g_assert_cmpstr(target, ==, SYSTEM_UNIT_DIR "/shruthid.service");
}

/* One that traffic starts: who has its ports published is started at boot. */
static void test_demand(Fixture *f, const void *data)
{
        g_autofree char *log = NULL, *again = NULL, *target = NULL;
        g_autofree char *link =
                        g_build_filename(f->normal, "unikernels.target.wants/shruthi-demand.service", NULL);

        run(f, &log);
        g_assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
        fixture_put(paths_state_definitions(), "a.unikernel",
                        "[Unikernel]\nImage=/a\nActivation=traffic\n[Network a]\nAddress=auto\n"
                        "Publish=80:80\n");
        run(f, &again);
        g_assert_cmpstr(again, ==, "");
        target = g_file_read_link(link, NULL);
        g_assert_cmpstr(target, ==, SYSTEM_UNIT_DIR "/shruthi-demand.service");
}

static void test_everything(Fixture *f, const void *data)
{
        g_autofree char *log = NULL, *again = NULL;
        g_autofree char *b = g_build_filename(paths_state_definitions(), "b.unikernel", NULL);
        g_autofree char *c = g_build_filename(paths_vendor_definitions(), "c.unikernel", NULL);

        fixture_put(paths_config_definitions(), "a.unikernel", IMAGE "Autostart=yes\n");
        fixture_put(paths_state_definitions(), "b.unikernel", IMAGE "Restart=on-failure\n");
        fixture_put(paths_vendor_definitions(), "c.unikernel", IMAGE);
        fixture_put(paths_config_definitions(), "c.unikernel.d/x.conf",
                        "[Unikernel]\nAutostart=yes\nRestart=always\n");
        fixture_put(paths_vendor_definitions(), "d.unikernel", IMAGE "Autostart=no\nRestart=no\n");
        fixture_put(paths_state_definitions(), "a.unikernel", IMAGE "Restart=always\n");

        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        assert_wanted(f, "a");
        assert_restart(f, "b", "on-failure", b);
        assert_wanted(f, "c");
        assert_restart(f, "c", "always", c);
        g_assert_cmpuint(count_files(f->normal), ==, 6);
        g_assert_cmpuint(count_files(f->early), ==, 0);
        g_assert_cmpuint(count_files(f->late), ==, 0);

        run(f, &again);
        g_assert_cmpstr(again, ==, "");
        g_assert_cmpuint(count_files(f->normal), ==, 6);
}

/* A process is in its unit's control group, so that is placed where its owner's guests are; with root's
 * there is nothing to be said. */
static void test_process(Fixture *f, const void *data)
{
        static const char *const names[] = {"hers", "limited", "roots", "domain", "released"};
        bool aarch64 = g_str_equal(host_machine(), "aarch64"),
             executed = aarch64 || g_str_equal(host_machine(), "x86_64");
        g_autoptr(BuiltImage) spt =
                        tender_image_build(&(ImageSpec){SPT, .machine = aarch64 ? EM_AARCH64 : EM_X86_64}),
                              virtio = image_build(&(ImageSpec){VIRTIO});
        g_autofree char *image = g_strdup_printf("sha256:%064d", 1), *other = g_strdup_printf("sha256:%064d", 2),
                        *path = store_path(image), *other_path = store_path(other), *log = NULL;
        const struct {
                const char *image, *settings, *slice;
        } cases[] = {
                        {image, "Owner=1000\n", "unikernel-1000-hers.slice"},
                        {image, "CPUQuota=5%\n", "unikernel-0-limited.slice"},
                        {image, "Restart=always\n", NULL},
                        {other, "Owner=1000\nCPUQuota=5%\n", NULL},
                        {image, "Restart=always\n", "unikernel-0-released.slice"},
        };
        /* It runs, and had limits when it was started. */
        g_autofree char *group = g_build_filename(paths_cgroups(), "unikernel.slice", "unikernel-0.slice",
                        "unikernel-0-released.slice", "unikernel@released.service", NULL);

        g_assert_cmpint(g_mkdir_with_parents(group, 0755), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_images(), 0755), ==, 0);
        g_assert_true(g_file_set_contents(path, (const char *) spt->bytes->data, spt->bytes->len, NULL));
        g_assert_true(g_file_set_contents(
                        other_path, (const char *) virtio->bytes->data, virtio->bytes->len, NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *file = g_strconcat(names[i], ".unikernel", NULL);
                g_autofree char *text = g_strdup_printf(
                                "[Unikernel]\nImage=%s\n%s", cases[i].image, cases[i].settings);

                fixture_put(paths_state_definitions(), file, text);
        }
        run(f, &log);
        g_assert_cmpstr(log, ==, "");

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *file = g_strdup_printf(
                                "%s/unikernel@%s.service.d/50-shruthi-slice.conf", f->normal, names[i]);
                g_autofree char *text = NULL, *expected = NULL;

                expected = g_strdup_printf(
                                "# Made by shruthi-generator: where the guest of %s/%s.unikernel is if "
                                "it is a process\n[Service]\nSlice=%s\n",
                                paths_state_definitions(), names[i], cases[i].slice);
                (void) g_file_get_contents(file, &text, NULL, NULL);
                g_assert_cmpstr(text, ==, executed && cases[i].slice ? expected : NULL);
        }
}

/* A loop that was written by hand is told, and everything is there all the same. */
static void test_loop(Fixture *f, const void *data)
{
        g_autofree char *log = NULL;

        fixture_put(paths_config_definitions(), "a.unikernel", IMAGE "After=b\nRequires=b\n");
        fixture_put(paths_state_definitions(), "b.unikernel", IMAGE "After=a\n");
        run(f, &log);
        g_assert_cmpstr(log, ==,
                        "shruthi-generator: After= and Before= make a loop, each to start after the next: a "
                        "→ b → a. "
                        "systemd leaves one of them out at a start\n");
        g_assert_cmpuint(count_files(f->normal), ==, 2);
}

/* One that is broken or masked is passed over and says so; the boot and the others go on. */
static void test_broken_are_passed_over(Fixture *f, const void *data)
{
        g_autofree char *mask = g_build_filename(paths_config_definitions(), "masked.unikernel", NULL);
        g_autofree char *bad = g_build_filename(paths_config_definitions(), "bad.unikernel", NULL);
        g_autofree char *log = NULL, *expected = NULL;

        fixture_put(paths_config_definitions(), "bad.unikernel", "[Unikernel]\nAutostart=maybe\n");
        fixture_put(paths_config_definitions(), "good.unikernel", IMAGE "Autostart=yes\n");
        fixture_put(paths_vendor_definitions(), "masked.unikernel", IMAGE "Autostart=yes\n");
        g_assert_cmpint(symlink("/dev/null", mask), ==, 0);

        run(f, &log);
        expected = g_strdup_printf(
                        "shruthi-generator: Skipping bad: %s:2: Autostart=maybe: write yes or no\n",
                        bad);
        g_assert_cmpstr(log, ==, expected);
        assert_wanted(f, "good");
        g_assert_cmpuint(count_files(f->normal), ==, 2);
}

/* What starts at boot waits for the file systems of what it names; the others wait for nothing. */
static void test_mounts(Fixture *f, const void *data)
{
        g_autofree char *log = NULL, *text = NULL, *expected = NULL;
        g_autofree char *path = g_build_filename(paths_config_definitions(), "a.unikernel", NULL);
        g_autofree char *file = g_build_filename(
                        f->normal, "unikernel@a.service.d", "50-shruthi-mounts.conf", NULL);

        fixture_put(paths_config_definitions(), "a.unikernel",
                        "[Unikernel]\nImage=/srv/a 100%n\"\\x\nAutostart=yes\n"
                        "[Volume v]\nPath=/srv/late/v\n[Volume w]\nSize=1M\n"
                        "[Credentials keys]\nLoadCredential=a:/srv/keys/a\nLoadCredential=b\n");
        fixture_put(paths_config_definitions(), "b.unikernel", IMAGE);
        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        expected = g_strdup_printf("# Made by shruthi-generator: paths in %s\n[Unit]\n"
                                   "RequiresMountsFor=\"/srv/a 100%%%%n\\\"\\\\x\"\n"
                                   "RequiresMountsFor=\"/srv/late/v\"\n"
                                   "RequiresMountsFor=\"/srv/keys/a\"\n",
                        path);
        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, expected);
        g_assert_cmpuint(count_files(f->normal), ==, 3);
}

/* What is in the state directory is its owners' own, and no link in there brings another file into the
 * log. */
static void test_log_is_for_all(Fixture *f, const void *data)
{
        g_autofree char *log = NULL;
        g_autofree char *secret = g_build_filename(f->root, "secret", NULL);
        g_autofree char *link = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        g_autofree char *dropin =
                        g_build_filename(paths_state_definitions(), "b.unikernel.d", "x.conf", NULL);

        fixture_put(f->root, "secret", "root:$y$hash\n");
        g_assert_cmpint(symlink(secret, link), ==, 0);
        fixture_put(paths_config_definitions(), "b.unikernel", IMAGE);
        fixture_put(paths_state_definitions(), "b.unikernel.d/y.conf", "[Unikernel]\n");
        g_assert_cmpint(symlink(secret, dropin), ==, 0);
        run(f, &log);
        g_assert_cmpstr(log, ==,
                        "shruthi-generator: Skipping a: its definition is invalid ('shruthictl status' shows why)\n"
                        "shruthi-generator: Skipping b: its definition is invalid ('shruthictl status' shows why)\n");
        g_assert_cmpuint(count_files(f->normal), ==, 0);
}

/* Names of users are for later: at boot nobody may be there to look them up. */
static void test_owners_do_not_matter(Fixture *f, const void *data)
{
        g_autofree char *log = NULL;

        fixture_put(paths_config_definitions(), "a.unikernel",
                        IMAGE "Owner=no-such-user\nGroup=nobody-here\nAutostart=yes\n");
        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        assert_wanted(f, "a");
}

static void test_nothing_there(Fixture *f, const void *data)
{
        g_autofree char *log = NULL;

        run(f, &log);
        g_assert_cmpstr(log, ==, "");
        g_assert_cmpuint(count_files(f->normal), ==, 0);
}

static void test_nowhere_to_write(Fixture *f, const void *data)
{
        g_autofree char *log = NULL;

        fixture_put(paths_config_definitions(), "a.unikernel", IMAGE "Autostart=yes\n");
        g_assert_cmpint(g_rmdir(f->normal), ==, 0);
        g_assert_true(g_file_set_contents(f->normal, "", -1, NULL));
        run(f, &log);
        g_assert_nonnull(strstr(log, "shruthi-generator: a: cannot write below "));
}

/* The time on the processor that it takes, in µs. */
static gint64 run_measured(Fixture *f)
{
        g_autofree char *log = NULL;
        struct rusage before, after;
        struct timeval user, system;

        g_assert_cmpint(getrusage(RUSAGE_CHILDREN, &before), ==, 0);
        run(f, &log);
        g_assert_cmpint(getrusage(RUSAGE_CHILDREN, &after), ==, 0);
        timersub(&after.ru_utime, &before.ru_utime, &user);
        timersub(&after.ru_stime, &before.ru_stime, &system);
        return (gint64) (user.tv_sec + system.tv_sec) * G_USEC_PER_SEC + user.tv_usec + system.tv_usec;
}

/* It stands in the way of every boot and reload: each of a thousand takes no longer than each of a hundred. Its own
 * time on the processor is compared with itself, so no machine is too slow for that; three times as much is what
 * one measurement may be off, and a cost that grows with the square would be ten times as much. */
static void test_thousand(Fixture *f, const void *data)
{
        gint64 hundred = 0, thousand;

        for (int i = 0; i < 1000; i++) {
                g_autofree char *name = g_strdup_printf("n%d.unikernel", i);

                fixture_put(paths_state_definitions(), name,
                                IMAGE "Owner=1000\nAutostart=yes\nRestart=on-failure\n");
                if (i == 99)
                        hundred = run_measured(f);
        }
        thousand = run_measured(f);

        g_test_message("%" G_GINT64_FORMAT " µs for 100, %" G_GINT64_FORMAT " µs for 1000", hundred, thousand);
        g_assert_cmpint(thousand, <, 30 * hundred);
        g_assert_cmpuint(count_files(f->normal), ==, 4000);
}

/* What a kernel tells of a group; NULL: it has no such file. */
static void put_group(const char *group, const char *processors, const char *disks)
{
        g_autofree char *dir = g_build_filename(paths_cgroups(), group, NULL);

        fixture_put(paths_processors(), "possible", "0-3\n");
        if (processors)
                fixture_put(dir, "cpuset.cpus", processors);
        if (disks)
                fixture_put(dir, "io.max", disks);
}

/* The settings that lift limits of a slice; NULL: there are none. */
static char *lifted_of(Fixture *f, const char *slice)
{
        g_autofree char *path = g_strdup_printf("%s/%s.d/99-shruthi-release.conf", f->normal, slice), *text = NULL;
        const char *settings;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return NULL;

        settings = strstr(text, "[Slice]\n");
        g_assert_nonnull(settings);
        return g_strdup(settings + strlen("[Slice]\n"));
}

/* The widest value, for exactly what the kernel holds and no setting has. */
static void test_lifted(Fixture *f, const void *data)
{
        static const struct {
                const char *slice, *processors, *disks, *lifted;
        } cases[] = {
                        {"unikernel-1000-a.slice", "0\n", "8:0 rbps=10 wbps=max riops=max wiops=max\n",
                                        "AllowedCPUs=0-3\nIOReadBandwidthMax=/dev/block/8:0 infinity\n"},
                        {"unikernel-1000-b.slice", "\n", "", NULL},
                        {"unikernel-1000-c.slice", NULL, NULL, NULL},
                        {"unikernel-1000-d.slice", "0-3\n", "8:0 rbps=max wbps=1 riops=2 wiops=3\n"
                                                            "253:1 rbps=max wbps=max riops=max wiops=9\n",
                                        "AllowedCPUs=0-3\nIOWriteBandwidthMax=/dev/block/8:0 infinity\n"
                                        "IOReadIOPSMax=/dev/block/8:0 infinity\n"
                                        "IOWriteIOPSMax=/dev/block/8:0 infinity\n"
                                        "IOWriteIOPSMax=/dev/block/253:1 infinity\n"},
                        {"unikernel-1000-e\\x2df.slice", "1-2", NULL, "AllowedCPUs=0-3\n"},
                        {"machine-a.slice", "0\n", NULL, NULL},
        };

        put_group("unikernel.slice", "2\n", NULL);
        put_group("unikernel.slice/unikernel-1000.slice", "1\n", NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *group = g_build_filename(
                                "unikernel.slice", "unikernel-1000.slice", cases[i].slice, NULL);

                put_group(group, cases[i].processors, cases[i].disks);
        }
        run(f, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *lifted = lifted_of(f, cases[i].slice);

                g_assert_cmpstr(lifted, ==, cases[i].lifted);
        }
        for (size_t i = 0; i < 2; i++) {
                g_autofree char *lifted =
                                lifted_of(f, i == 0 ? "unikernel.slice" : "unikernel-1000.slice");

                g_assert_cmpstr(lifted, ==, "AllowedCPUs=0-3\n");
        }
}

/* What a definition has is nobody's to lift: systemd may take a disk for that of a path, one on which that rests, or
 * nobody knows. */
static void test_not_lifted(Fixture *f, const void *data)
{
        static const char slice[] = "unikernel-1000-a.slice", group[] = "unikernel.slice/unikernel-1000.slice/"
                                                                        "unikernel-1000-a.slice";
        g_autofree char *path = NULL, *name = NULL, *below = NULL, *limit = NULL, *lifted = NULL;
        struct stat st;

        path = g_build_filename(f->root, "disk", NULL);
        g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
        g_assert_cmpint(stat(path, &st), ==, 0);
        limit = g_strdup_printf(IMAGE "Owner=1000\nAllowedCPUs=1\nIOReadBandwidthMax=%s 1M\n", path);
        fixture_put(paths_state_definitions(), "a.unikernel", limit);
        put_group(group, "0\n", "7:9 rbps=10 wbps=max riops=max wiops=max\n");
        name = g_strdup_printf("%u:%u", major(st.st_dev), minor(st.st_dev));
        below = g_build_filename(name, "slaves", "sda", "dev", NULL);
        fixture_put(paths_block_devices(), below, "7:9\n");
        run(f, NULL);
        lifted = lifted_of(f, slice);
        g_assert_cmpstr(lifted, ==, NULL);

        fixture_put(paths_block_devices(), below, "7:8\n");
        run(f, NULL);
        lifted = lifted_of(f, slice);
        g_assert_cmpstr(lifted, ==,
                        major(st.st_dev) == 0 ? NULL : "IOReadBandwidthMax=/dev/block/7:9 infinity\n");

        fixture_put(paths_state_definitions(), "a.unikernel",
                        IMAGE "Owner=1000\nIOReadBandwidthMax=/not-there 1M\n");
        run(f, NULL);
        g_free(lifted);
        lifted = lifted_of(f, slice);
        g_assert_cmpstr(lifted, ==, "AllowedCPUs=0-3\n");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/generator/everything", Fixture, NULL, set_up, test_everything, tear_down);
        g_test_add("/generator/places-processes", Fixture, NULL, set_up, test_process, tear_down);
        g_test_add("/generator/tells-of-a-loop", Fixture, NULL, set_up, test_loop, tear_down);
        g_test_add("/generator/sources-of-credentials", Fixture, NULL, set_up, test_credentials, tear_down);
        g_test_add("/generator/archive-of-credentials", Fixture, NULL, set_up, test_archive, tear_down);
        g_test_add("/generator/archive-of-all-without-the-state-directory", Fixture, NULL, set_up,
                        test_archive_of_unknown, tear_down);
        g_test_add("/generator/has-shruthi-demand-started-for-one-that-traffic-starts", Fixture, NULL,
                        set_up, test_demand, tear_down);
        g_test_add("/generator/has-shruthid-started-for-an-update", Fixture, NULL, set_up, test_update,
                        tear_down);
        g_test_add("/generator/broken-are-passed-over", Fixture, NULL, set_up, test_broken_are_passed_over,
                        tear_down);
        g_test_add("/generator/waits-for-file-systems", Fixture, NULL, set_up, test_mounts, tear_down);
        g_test_add("/generator/log-is-for-all", Fixture, NULL, set_up, test_log_is_for_all, tear_down);
        g_test_add("/generator/owners-do-not-matter", Fixture, NULL, set_up, test_owners_do_not_matter,
                        tear_down);
        g_test_add("/generator/nothing-there", Fixture, NULL, set_up, test_nothing_there, tear_down);
        g_test_add("/generator/nowhere-to-write", Fixture, NULL, set_up, test_nowhere_to_write, tear_down);
        g_test_add("/generator/lifts-limits-that-the-kernel-keeps", Fixture, NULL, set_up, test_lifted, tear_down);
        g_test_add("/generator/lifts-no-limit-of-a-setting", Fixture, NULL, set_up, test_not_lifted, tear_down);
        g_test_add("/generator/thousand", Fixture, NULL, set_up, test_thousand, tear_down);
        return g_test_run();
}
