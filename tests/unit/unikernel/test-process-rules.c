/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may run a guest as a process is the administrator's to say, and no setting that only a machine has is passed
 * over in silence. systemd is told where such a guest's unit is, as it is told of a domain by libvirt. */

#include <elf.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "image/architecture.h"
#include "image/image-builder.h"
#include "image/image.h"
#include "image/store.h"
#include "unikernel/process-rules.h"
#include "unikernel/unit-files.h"

#define PLACE "unikernel@a-b.service.d/50-shruthi-slice.conf"

typedef struct Fixture {
        char *root, *spt, *virtio, *none;
} Fixture;

/* Whether this host executes one of tender_image_build() for it. */
static bool host_has_spt(void)
{
        return guest_architecture_from_string(host_machine()) != _IMAGE_ARCHITECTURE_INVALID;
}

/* Into the store. */
static void put_image(const char *digest, const BuiltImage *image)
{
        g_autofree char *path = store_path(digest), *dir = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
        g_assert_true(g_file_set_contents(path, (const char *) image->bytes->data, image->bytes->len, NULL));
}

static BuiltImage *build_for_host(void)
{
        bool aarch64 = g_str_equal(host_machine(), "aarch64");

        return tender_image_build(&(ImageSpec){SPT, .machine = aarch64 ? EM_AARCH64 : EM_X86_64});
}

static void set_up(Fixture *f, const void *data)
{
        g_autoptr(BuiltImage) spt = build_for_host(), virtio = image_build(&(ImageSpec){VIRTIO});

        f->root = g_dir_make_tmp("shruthi-rules-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
        f->spt = g_strdup_printf("sha256:%064d", 1);
        f->virtio = g_strdup_printf("sha256:%064d", 2);
        f->none = g_strdup_printf("sha256:%064d", 3);
        put_image(f->spt, spt);
        put_image(f->virtio, virtio);
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->root);
        g_free(f->spt);
        g_free(f->virtio);
        g_free(f->none);
}

static const ImageInfo info_spt = {.boot = IMAGE_BOOT_PROCESS, .target = SOLO5_TARGET_SPT};

static Definition *define(const char *image, const char *settings)
{
        g_autofree char *text = g_strconcat("[Unikernel]\nImage=", image, "\n", settings, NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        (void) definition_parse("a-b", "f", text, strlen(text), &definition, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return definition;
}

#define NOT_AT_ALL                                                                                          \
        "The image is for Solo5's spt target, so it runs as a process, which AllowProcesses=no in "         \
        "shruthi.conf rules out: build it for virtio (MirageOS: `mirage configure -t virtio`)"
#define NOT_FOR_USERS                                                                                       \
        "The image is for Solo5's spt target, so it runs as a process, which only administrators' "         \
        "unikernels may here: build it for virtio (MirageOS: `mirage configure -t virtio`), or ask for "    \
        "AllowProcesses=users in shruthi.conf"

static void test_allowed(void)
{
        static const struct {
                AllowProcesses allow;
                DefinitionOrigin origin;
                uid_t owner;
                const char *sentence;
        } cases[] = {
                        {ALLOW_PROCESSES_NO, DEFINITION_ORIGIN_STATE, 1000, NOT_AT_ALL},
                        {ALLOW_PROCESSES_NO, DEFINITION_ORIGIN_STATE, 0, NOT_AT_ALL},
                        {ALLOW_PROCESSES_NO, DEFINITION_ORIGIN_CONFIG, 0, NOT_AT_ALL},
                        {ALLOW_PROCESSES_NO, DEFINITION_ORIGIN_VENDOR, 0, NOT_AT_ALL},
                        {ALLOW_PROCESSES_ADMINISTRATORS, DEFINITION_ORIGIN_STATE, 1000, NOT_FOR_USERS},
                        {ALLOW_PROCESSES_ADMINISTRATORS, DEFINITION_ORIGIN_STATE, 0, NULL},
                        {ALLOW_PROCESSES_ADMINISTRATORS, DEFINITION_ORIGIN_CONFIG, 1000, NULL},
                        {ALLOW_PROCESSES_ADMINISTRATORS, DEFINITION_ORIGIN_VENDOR, 1000, NULL},
                        {ALLOW_PROCESSES_USERS, DEFINITION_ORIGIN_STATE, 1000, NULL},
                        {ALLOW_PROCESSES_USERS, DEFINITION_ORIGIN_CONFIG, 0, NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = define("/a", "");
                const Conf conf = {.allow_processes = cases[i].allow};
                _cleanup_error_ Error error = ERROR_INIT;

                definition->origin = cases[i].origin;
                definition->owner = cases[i].owner;
                g_assert_true((process_rules_check(definition, &info_spt, &conf, &error) < 0) ==
                                (cases[i].sentence != NULL));
                g_assert_cmpstr(error.message, ==, cases[i].sentence);
                if (cases[i].sentence)
                        g_assert_cmpint(error.code, ==, ERROR_NOT_SUPPORTED);
        }
}

static void test_settings(void)
{
        static const struct {
                const char *settings, *sentence;
        } cases[] = {
                        {"CPUs=1\nMemory=64M\nArguments=a\n", NULL},
                        {"CPUs=2\n", "f: CPUs=2: a unikernel for Solo5's spt target has one processor: remove CPUs="},
                        {"Initrd=/i\n", "f: Initrd= is for kernels, and a unikernel for Solo5's spt target has none: "
                                        "remove it"},
                        {"Initrd=/i\nCPUs=4\n", "f: Initrd= is for kernels, and a unikernel for Solo5's spt target "
                                                "has none: remove it"},
        };
        const Conf conf = {.allow_processes = ALLOW_PROCESSES_USERS};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = define("/a", cases[i].settings);
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_true((process_rules_check(definition, &info_spt, &conf, &error) < 0) ==
                                (cases[i].sentence != NULL));
                g_assert_cmpstr(error.message, ==, cases[i].sentence);
                if (cases[i].sentence)
                        g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
        }
}

/* It is a virtual machine: whoever may have one with KVM may have this. */
static void test_hvt(void)
{
        static const struct {
                AllowProcesses allow;
                Acceleration acceleration;
                const char *settings, *sentence;
                ErrorCode code;
        } cases[] = {
                        {ALLOW_PROCESSES_NO, ACCELERATION_AUTO, "", NULL, 0},
                        {ALLOW_PROCESSES_ADMINISTRATORS, ACCELERATION_KVM, "CPUs=1\nMemory=4G\n", NULL, 0},
                        {ALLOW_PROCESSES_USERS, ACCELERATION_TCG, "",
                                        "The image is for Solo5's hvt target, which needs KVM, and "
                                        "Acceleration=tcg in shruthi.conf rules that out: build it for "
                                        "virtio "
                                        "(MirageOS: `mirage configure -t virtio`)",
                                        ERROR_NOT_SUPPORTED},
                        {ALLOW_PROCESSES_USERS, ACCELERATION_AUTO, "Memory=5G\n",
                                        "f: Memory=5G: a unikernel for Solo5's hvt target can have at most "
                                        "4G: "
                                        "lower Memory=",
                                        ERROR_INVALID_DEFINITION},
                        {ALLOW_PROCESSES_USERS, ACCELERATION_AUTO, "CPUs=2\n",
                                        "f: CPUs=2: a unikernel for Solo5's hvt target has one processor: "
                                        "remove "
                                        "CPUs=",
                                        ERROR_INVALID_DEFINITION},
        };
        const ImageInfo info = {.boot = IMAGE_BOOT_PROCESS, .target = SOLO5_TARGET_HVT};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = define("/a", cases[i].settings);
                const Conf conf = {.allow_processes = cases[i].allow, .acceleration = cases[i].acceleration};
                _cleanup_error_ Error error = ERROR_INIT;

                definition->origin = DEFINITION_ORIGIN_STATE;
                definition->owner = 1000;
                g_assert_true((process_rules_check(definition, &info, &conf, &error) < 0) ==
                                (cases[i].sentence != NULL));
                g_assert_cmpstr(error.message, ==, cases[i].sentence);
                if (cases[i].sentence)
                        g_assert_cmpint(error.code, ==, cases[i].code);
        }
}

static bool may_be_of_process(const char *image)
{
        g_autoptr(Definition) definition = define(image, "");

        return definition_may_be_of_process(definition);
}

/* By its image alone; one that is named by its path is not looked at. */
static void test_may_be_of_process(Fixture *f, const void *data)
{
        g_assert_true(may_be_of_process(f->spt) == host_has_spt());
        g_assert_false(may_be_of_process(f->virtio));
        g_assert_false(may_be_of_process(f->none));
        g_assert_true(may_be_of_process("/srv/images/none"));
}

static const char *file_text(const GPtrArray *files, const char *path)
{
        for (guint i = 0; i < files->len; i++) {
                const UnitFile *file = files->pdata[i];

                if (g_str_equal(file->path, path))
                        return file->text;
        }

        return NULL;
}

/* Where it has limits, or an owner who may have some at any time; else it stays where all units are. */
static void test_place(Fixture *f, const void *data)
{
        static const struct {
                const char *settings, *slice;
        } cases[] = {
                        {"", NULL},
                        {"Owner=0\nAutostart=yes\nRestart=always\n", NULL},
                        {"Owner=1000\n", "unikernel-1000-a\\x2db.slice"},
                        {"CPUQuota=5%\n", "unikernel-0-a\\x2db.slice"},
                        {"Owner=1000\nMemoryMax=64M\n", "unikernel-1000-a\\x2db.slice"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) process = define(f->spt, cases[i].settings),
                                      domain = define(f->virtio, cases[i].settings),
                                      missing = define(f->none, cases[i].settings);
                g_autoptr(GPtrArray) files = unit_files_new(process), of_domain = unit_files_new(domain),
                                     of_missing = unit_files_new(missing);
                g_autofree char *text = g_strdup_printf(
                                "# Made by shruthi-generator: where the guest of f is if it is a process\n"
                                "[Service]\nSlice=%s\n", cases[i].slice);

                g_assert_cmpstr(file_text(files, PLACE), ==, cases[i].slice && host_has_spt() ? text : NULL);
                g_assert_null(file_text(of_domain, PLACE));
                g_assert_null(file_text(of_missing, PLACE));
        }
}

/* systemd is told when an image becomes another. */
static void test_place_is_there(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = define(f->spt, "Owner=1000\n"), limited = define(f->spt, "CPUQuota=5%\n"),
                              roots = define(f->spt, "");
        g_autoptr(BuiltImage) virtio = image_build(&(ImageSpec){VIRTIO}), spt = build_for_host();
        g_autoptr(GPtrArray) files = unit_files_new(definition);
        g_autofree char *dir = g_build_filename(f->root, "units", NULL);

        if (!host_has_spt()) {
                g_assert_true(unit_files_are_there(dir, "a-b", definition));
                return;
        }
        g_assert_false(unit_files_are_there(dir, "a-b", definition));
        g_assert_true(unit_files_are_there(dir, "a-b", roots));
        g_assert_cmpint(unit_files_write(dir, files), ==, 0);
        g_assert_true(unit_files_are_there(dir, "a-b", definition));
        g_assert_false(unit_files_are_there(dir, "a-b", limited));
        g_assert_false(unit_files_are_there(dir, "a-b", roots));
        g_assert_false(unit_files_are_there(dir, "a-b", NULL));

        put_image(f->spt, virtio);
        g_assert_false(unit_files_are_there(dir, "a-b", definition));
        put_image(f->spt, spt);
        g_assert_true(unit_files_are_there(dir, "a-b", definition));
}

#define ADDRESSED "Arguments={n.address}\n[Network n]\nAddress=auto\n"

/* What a user's own unikernels may have, and what is refused by the same words everywhere. */
static void test_user(void)
{
        static const ImageInfo info_hvt = {.boot = IMAGE_BOOT_PROCESS, .target = SOLO5_TARGET_HVT},
                               info_virtio = {.boot = IMAGE_BOOT_LINUX};
        static const struct {
                const ImageInfo *info;
                const char *settings, *sentence; /* its beginning; NULL: allowed */
        } cases[] = {
                        {&info_spt, "", NULL},
                        {&info_hvt, "", NULL},
                        {&info_virtio, "", "The image needs libvirt, which is root's"},
                        {&info_spt, "Activation=traffic\n" ADDRESSED "Publish=80:80\n",
                                        "f: Activation=traffic needs the host's packet filter"},
                        {&info_spt, "Ready=tcp:n:80\nHealthy=ping:n\n" ADDRESSED, NULL},
                        {&info_spt, "[Network n]\nBridge=br0\n",
                                        "Network 'n': bridges and libvirt networks"},
                        {&info_spt, "[Credentials c]\nLoadCredential=a:/b\n", NULL},
                        {&info_spt, "[Credentials c]\nLoadCredentialEncrypted=a:/b\n",
                                        "f:4: LoadCredentialEncrypted=a: systemd does not unseal"},
        };
        _cleanup_error_ Error error = ERROR_INIT;

        g_setenv("HOME", "/home/me", true);
        g_setenv("XDG_RUNTIME_DIR", "/nonexistent/run", true);
        g_assert_cmpint(paths_use_user(&error), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = define("/a", cases[i].settings);
                _cleanup_error_ Error refusal = ERROR_INIT;
                int r = user_rules_check(definition, cases[i].info, &refusal);

                g_assert_cmpint(r < 0, ==, cases[i].sentence != NULL);
                if (cases[i].sentence)
                        g_assert_true(g_str_has_prefix(refusal.message, cases[i].sentence));
        }
        paths_set_root(NULL);
}

/* Its keys are where shruthi-seal keeps them for users. */
static void test_user_keys(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        bool found = false;

        g_setenv("HOME", "/home/me", true);
        g_setenv("XDG_STATE_HOME", "/home/me/100%", true);
        g_setenv("XDG_RUNTIME_DIR", "/nonexistent/run", true);
        g_assert_cmpint(paths_use_user(&error), ==, 0);

        g_autoptr(Definition) definition = define("/a", "[Credentials c]\n");
        g_autoptr(GPtrArray) files = unit_files_new(definition);

        for (guint i = 0; i < files->len; i++) {
                const UnitFile *file = files->pdata[i];

                if (!g_str_has_suffix(file->path, "50-shruthi-credentials.conf"))
                        continue;
                found = true;
                g_assert_nonnull(strstr(file->text, "\nLoadCredential=shruthi.a-b:"
                                                    "/home/me/100%%/shruthi/keys/shruthi.a-b\n"
                                                    "SetCredential=shruthi.a-b:none\n"));
        }
        g_assert_true(found);
        g_unsetenv("XDG_STATE_HOME");
        paths_set_root(NULL);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/unikernel/process-rules/" path, Fixture, NULL, set_up, function, tear_down)
        g_test_add_func("/unikernel/process-rules/of-a-users-own", test_user);
        g_test_add_func("/unikernel/process-rules/has-keys-of-a-users-own", test_user_keys);
        g_test_add_func("/unikernel/process-rules/say-whose-may-run", test_allowed);
        g_test_add_func("/unikernel/process-rules/refuse-what-only-machines-have", test_settings);
        g_test_add_func("/unikernel/process-rules/say-whether-kvm-may-be-used", test_hvt);
        ADD("go-by-the-image", test_may_be_of_process);
        ADD("place-the-unit-in-the-slice", test_place);
        ADD("compare-the-place-with-what-systemd-has", test_place_is_there);
        return g_test_run();
}
