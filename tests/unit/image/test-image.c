/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be hosted is told how it boots and which devices it has; nothing in a file can make the reader
 * read outside of it. */

#include <elf.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "image-builder.h"
#include "image/image.h"
#include "image/inspect.h"

static void assert_hosted(const ImageInfo *info, ImageBoot boot, ImageArchitecture architecture)
{
        g_assert_cmpstr(info->problem, ==, NULL);
        g_assert_cmpstr(image_boot_to_string(info->boot), ==, image_boot_to_string(boot));
        g_assert_cmpstr(image_architecture_to_string(info->architecture), ==,
                        image_architecture_to_string(architecture));
}

static void test_solo5_virtio(void)
{
        _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){VIRTIO});

        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
        g_assert_cmpstr(solo5_target_to_string(info->target), ==, "virtio");
        g_assert_cmpuint(info->abi_version, ==, 1);
        g_assert_true(info->has_manifest);
        g_assert_cmpuint(info->n_devices, ==, 2);
        g_assert_cmpstr(info->devices[0].name, ==, "service");
        g_assert_cmpstr(device_kind_to_string(info->devices[0].kind), ==, "network");
        g_assert_cmpstr(info->devices[1].name, ==, "storage");
        g_assert_cmpstr(device_kind_to_string(info->devices[1].kind), ==, "block");
}

static void test_solo5_without_devices(void)
{
        _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){SOLO5_IMAGE(3, "", ADDRESSES)});

        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
        g_assert_true(info->has_manifest);
        g_assert_cmpuint(info->n_devices, ==, 0);
}

static char *devices_make(unsigned n)
{
        GString *devices = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(devices, "%sblock:storage%u", i > 0 ? " " : "", i);
        return g_string_free(devices, FALSE);
}

/* What fits into the slots of the bus is taken; what a manifest may hold beyond that is read all the
 * same. */
static void test_solo5_with_many_devices(void)
{
        for (unsigned n = IMAGE_DEVICES_MAX; n <= MANIFEST_DEVICES_MAX;
                        n += MANIFEST_DEVICES_MAX - IMAGE_DEVICES_MAX) {
                g_autofree char *devices = devices_make(n);
                _cleanup_image_info_ ImageInfo *info =
                                inspect_spec(&(ImageSpec){SOLO5_IMAGE(3, devices, ADDRESSES)});

                g_assert_cmpuint(info->n_devices, ==, n);
                g_assert_cmpstr(info->devices[28].name, ==, "storage28");
                if (n == IMAGE_DEVICES_MAX)
                        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
                else
                        g_assert_cmpstr(info->problem, ==,
                                        "a Solo5 image with 63 devices, a unikernel can have at most 29: "
                                        "rebuild for Solo5's virtio target (MirageOS: `mirage configure -t "
                                        "virtio`) with fewer devices");
        }
}

static void test_solo5_with_the_longest_name(void)
{
        g_autofree char *name = g_strnfill(MANIFEST_NAME_MAX, 'x'),
                        *devices = g_strconcat("block:", name, NULL);
        _cleanup_image_info_ ImageInfo *info =
                        inspect_spec(&(ImageSpec){SOLO5_IMAGE(3, devices, ADDRESSES)});

        g_assert_cmpstr(info->problem, ==, NULL);
        g_assert_cmpstr(info->devices[0].name, ==, name);
}

/* Of an image for another target, all is told that a user wants to see. */
static void test_muen_tells_its_devices(void)
{
        _cleanup_image_info_ ImageInfo *info =
                        inspect_spec(&(ImageSpec){SOLO5_IMAGE(4, DEVICES, MULTIBOOT_KIND_NONE)});

        g_assert_cmpint(info->problem_code, ==, ERROR_UNSUPPORTED_IMAGE);
        g_assert_cmpint(info->target, ==, SOLO5_TARGET_MUEN);
        g_assert_cmpuint(info->n_devices, ==, 2);
}

static void test_notes_may_be_laid_out_in_many_ways(void)
{
        static const ImageSpec specs[] = {
                {VIRTIO, .property = true},
                {VIRTIO, .same_segment_twice = true},
                {VIRTIO, .note_align = 8},
                {VIRTIO, .gnu = true},
                {VIRTIO, .pvh_desc_size = 4},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&specs[i]);

                assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
                g_assert_cmpuint(info->n_devices, ==, 2);
        }
}

static void test_multiboot_without_solo5(void)
{
        static const struct {
                ImageSpec spec;
                ImageArchitecture architecture;
        } cases[] = {
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES}, IMAGE_ARCHITECTURE_X86_64},
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES, .is32 = true}, IMAGE_ARCHITECTURE_X86},
                {{.multiboot = MULTIBOOT_KIND_ELF, .is32 = true}, IMAGE_ARCHITECTURE_X86},
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES, .flat = true}, IMAGE_ARCHITECTURE_X86},
                /* Multiboot comes before PVH, as in QEMU. */
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES, .pvh_desc_size = 4}, IMAGE_ARCHITECTURE_X86_64},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&cases[i].spec);

                assert_hosted(info, IMAGE_BOOT_MULTIBOOT, cases[i].architecture);
                g_assert_false(info->has_manifest);
                g_assert_cmpint(info->target, ==, SOLO5_TARGET_NONE);
        }
}

/* QEMU looks at the first 8192 bytes and wants the whole header of 48 within, and not the last word of
 * them. */
static void test_multiboot_only_in_the_first_8_kib(void)
{
        for (size_t at = 8128; at <= 8144; at += 8) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){
                                .flat = true, .multiboot = MULTIBOOT_KIND_ADDRESSES, .padding = at});

                g_assert_cmpint(info->boot, ==, at < 8144 ? IMAGE_BOOT_MULTIBOOT : IMAGE_BOOT_NONE);
        }
}

/* Zero ends mean "to the end of the file" and "no bss". A header with a wrong sum before the right one is
 * passed over. */
static void test_multiboot_with_defaults(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO, .padding = 48});
        _cleanup_image_info_ ImageInfo *info = NULL;

        image_put(image, image->multiboot_at + 20, 4, 0);
        image_put(image, image->multiboot_at + 24, 4, 0);
        image_put(image, image->multiboot_at - 16, 4, 0x1BADB002);
        info = inspect_on(image->bytes->data, image->bytes->len, HOST);
        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
}

static void test_pvh(void)
{
        static const ImageSpec specs[] = {
                {.pvh_desc_size = 4}, {.pvh_desc_size = 8}, {.pvh_desc_size = 4, .is32 = true},
                {.pvh_desc_size = 4, .gnu = true, .property = true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&specs[i]);

                assert_hosted(info, IMAGE_BOOT_PVH,
                                specs[i].is32 ? IMAGE_ARCHITECTURE_X86 : IMAGE_ARCHITECTURE_X86_64);
                g_assert_false(info->has_manifest);
        }
}

static void test_linux(void)
{
        g_autoptr(GByteArray) new = bzimage_build(0x20f, true), small = bzimage_build(0x20f, false),
                        old = bzimage_build(0x200, true);
        _cleanup_image_info_ ImageInfo *a = inspect_on(new->data, new->len, HOST);
        _cleanup_image_info_ ImageInfo *b = inspect_on(small->data, small->len, HOST);
        _cleanup_image_info_ ImageInfo *c = inspect_on(old->data, old->len, HOST);

        assert_hosted(a, IMAGE_BOOT_LINUX, IMAGE_ARCHITECTURE_X86_64);
        assert_hosted(b, IMAGE_BOOT_LINUX, IMAGE_ARCHITECTURE_X86);
        assert_hosted(c, IMAGE_BOOT_LINUX, IMAGE_ARCHITECTURE_X86);
}

/* Up to where memory is needed just to load it. What the file claims is told, and never used as an address. */
static void test_end_in_memory(void)
{
        g_autoptr(BuiltImage) virtio = image_build(&(ImageSpec){VIRTIO});
        g_autoptr(BuiltImage) pvh = image_build(&(ImageSpec){.pvh_desc_size = 4});
        g_autoptr(BuiltImage) elf = image_build(&(ImageSpec){.multiboot = MULTIBOOT_KIND_ELF, .is32 = true});
        g_autoptr(GByteArray) old = bzimage_build(0x209, true), new = bzimage_build(0x20f, true);
        BuiltImage header = {.bytes = new};
        size_t load = pvh->segments_at + (pvh->n_segments - 1) * sizeof(Elf64_Phdr);
        _cleanup_image_info_ ImageInfo *a = inspect_on(virtio->bytes->data, virtio->bytes->len, HOST);
        _cleanup_image_info_ ImageInfo *b = inspect_on(pvh->bytes->data, pvh->bytes->len, HOST);
        _cleanup_image_info_ ImageInfo *c = inspect_on(elf->bytes->data, elf->bytes->len, HOST);
        _cleanup_image_info_ ImageInfo *d = inspect_on(old->data, old->len, HOST);
        _cleanup_image_info_ ImageInfo *e = NULL, *f = NULL;

        g_assert_cmpuint(a->loaded_end, >, 0x110000);
        g_assert_cmpuint(a->loaded_end, <=, 0x110000 + virtio->bytes->len);
        g_assert_cmpuint(b->loaded_end, ==, 0x100000 + pvh->bytes->len);
        g_assert_cmpuint(c->loaded_end, ==, 0x100000 + elf->bytes->len);
        g_assert_cmpuint(d->loaded_end, ==, 0x100000 + 64);

        image_put(&header, 0x258, 8, 0x1000000);
        image_put(&header, 0x260, 4, 0x2000000);
        e = inspect_on(new->data, new->len, HOST);
        g_assert_cmpuint(e->loaded_end, ==, 0x3000000);

        image_put(pvh, load + offsetof(Elf64_Phdr, p_paddr), 8, UINT64_MAX - 1);
        f = inspect_on(pvh->bytes->data, pvh->bytes->len, HOST);
        g_assert_cmpuint(f->loaded_end, ==, UINT64_MAX);
}

/* As a file, on whatever host this runs on: the same as bytes, and the caller's position stays. */
static void test_reads_descriptors(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO});
        _cleanup_image_info_ ImageInfo *info = NULL,
                                       *by_bytes = inspect_on(image->bytes->data, image->bytes->len, NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
        _cleanup_close_ int dir = open("/", O_RDONLY | O_CLOEXEC);

        g_assert_cmpint(write_all(fd, image->bytes->data, image->bytes->len), ==, 0);
        g_assert_cmpint(lseek(fd, 5, SEEK_SET), ==, 5);
        g_assert_cmpint(image_inspect(fd, IMAGE_ARCHITECTURE_UNKNOWN, &info, &error), ==, 0);
        g_assert_cmpstr(info->problem, ==, by_bytes->problem);
        g_assert_cmpint(info->boot, ==, by_bytes->boot);
        g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, 5);

        /* An offset that no file can have. */
        g_clear_pointer(&info, image_info_free);
        g_assert_cmpint(pwrite(fd, "\xf0\xff\xff\xff\xff\xff\xff\x7f", 8, 32), ==, 8);
        g_assert_cmpint(image_inspect(fd, IMAGE_ARCHITECTURE_UNKNOWN, &info, &error), ==, 0);
        g_assert_true(g_str_has_prefix(info->problem,
                        "cut off: its table of program headers lies beyond its end"));

        g_clear_pointer(&info, image_info_free);
        g_assert_cmpint(image_inspect(dir, IMAGE_ARCHITECTURE_UNKNOWN, &info, &error), ==,
                        error_code_to_errno(ERROR_INVALID_IMAGE));
        g_assert_nonnull(strstr(error.message, "not a regular file"));
        g_assert_cmpint(image_inspect(-1, IMAGE_ARCHITECTURE_UNKNOWN, &info, &error), ==, -EBADF);
        g_assert_null(info);
}

/* A failing disk is no verdict about the image. */
static void test_tells_errors_from_verdicts(void)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = g_strdup("/tmp/shruthi-image-XXXXXX");
        _cleanup_close_ int write_only = g_mkstemp_full(path, O_WRONLY | O_CLOEXEC, 0600);

        g_assert_cmpint(write_only, >=, 0);
        g_assert_cmpint(unlink(path), ==, 0);
        g_assert_cmpint(image_inspect(write_only, IMAGE_ARCHITECTURE_UNKNOWN, &info, &error), ==, -EBADF);
        g_assert_true(g_str_has_prefix(error.message, "Cannot read the image: "));
        g_assert_null(info);
}

/* A file that is shorter than its size, by as much as the test says in the unused fd. */
static ssize_t read_short(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        uint64_t end = MIN(offset + size, (uint64_t) source->fd);

        if (offset >= end)
                return 0;
        memcpy(buffer, source->data + offset, end - offset);
        return (ssize_t) (end - offset);
}

/* The size that fstat() told may be wrong by the time that the file is read. */
static void test_survives_files_that_shrink(void)
{
        static const struct {
                int size;
                const char *problem;
        } cases[] = {
                {100, "cut off: its table of program headers lies beyond its end at 1536 bytes: copy or "
                                "download it again"},
                {1000, "cut off: a segment of ELF notes lies beyond its end at 1536 bytes: copy or download "
                                "it again"},
        };
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO});

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Source source = {.read = read_short, .data = image->bytes->data, .size = image->bytes->len,
                                .fd = cases[i].size};
                _cleanup_image_info_ ImageInfo *info = NULL;

                g_assert_cmpint(image_inspect_source(&source, HOST, IMAGE_ARCHITECTURE_UNKNOWN, &info, NULL),
                                ==, 0);
                g_assert_cmpstr(info->problem, ==, cases[i].problem);
        }
}

static ssize_t read_failing_later(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        if (offset > 0)
                return -EIO;
        memcpy(buffer, source->data, MIN(size, source->size));
        return (ssize_t) MIN(size, source->size);
}

static void test_stops_at_the_first_error(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO});
        Source source = {.read = read_failing_later, .data = image->bytes->data, .size = image->bytes->len};
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        uint8_t byte;

        g_assert_cmpint(image_inspect_source(&source, HOST, IMAGE_ARCHITECTURE_UNKNOWN, &info, &error), ==,
                        -EIO);
        g_assert_true(g_str_has_prefix(error.message, "Cannot read the image: "));
        g_assert_null(info);
        g_assert_false(source_read(&source, 0, &byte, 1));
}

/* No byte of any image can do harm: cut everywhere, and with every byte of the headers replaced. */
static void test_survives_damage_everywhere(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO, .pvh_desc_size = 4, .gnu = true});
        g_autofree uint8_t *copy = g_memdup2(image->bytes->data, image->bytes->len);

        for (size_t size = 0; size < image->bytes->len; size++) {
                _cleanup_image_info_ ImageInfo *info = inspect_on(copy, size, HOST);

                g_assert_nonnull(info->problem);
        }

        for (size_t i = 0; i < image->bytes->len; i++) {
                static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

                for (size_t j = 0; j < G_N_ELEMENTS(values); j++) {
                        uint8_t old = copy[i];
                        _cleanup_image_info_ ImageInfo *info = NULL;

                        copy[i] = values[j];
                        info = inspect_on(copy, image->bytes->len, HOST);
                        g_assert_cmpuint(info->n_devices, <=, MANIFEST_DEVICES_MAX);
                        copy[i] = old;
                }
        }
}

static void test_words(void)
{
        g_assert_cmpint(device_kind_from_string("network"), ==, DEVICE_NETWORK);
        g_assert_cmpint(device_kind_from_string("block"), ==, DEVICE_BLOCK);
        g_assert_cmpint(device_kind_from_string("disk"), ==, _DEVICE_KIND_INVALID);
        g_assert_null(image_boot_to_string(_IMAGE_BOOT_MAX));
        g_assert_null(image_architecture_to_string(_IMAGE_ARCHITECTURE_INVALID));
        g_assert_null(solo5_target_to_string(_SOLO5_TARGET_MAX));
        for (int i = 0; i < _IMAGE_ARCHITECTURE_MAX; i++)
                g_assert_nonnull(image_architecture_to_string((ImageArchitecture) i));
        for (int i = 0; i < _IMAGE_BOOT_MAX; i++)
                g_assert_nonnull(image_boot_to_string((ImageBoot) i));
        for (int i = 0; i < _SOLO5_TARGET_MAX; i++)
                g_assert_nonnull(solo5_target_to_string((Solo5Target) i));

        g_assert_true(manifest_name_is_valid("service"));
        g_assert_true(manifest_name_is_valid("net-0_a.B"));
        g_assert_false(manifest_name_is_valid(""));
        g_assert_false(manifest_name_is_valid("a b"));
        g_assert_false(manifest_name_is_valid("a]"));
        g_assert_false(manifest_name_is_valid("\xc3\xa9"));
        image_info_free(NULL);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/image/hosts/solo5-virtio", test_solo5_virtio);
        g_test_add_func("/image/hosts/solo5-without-devices", test_solo5_without_devices);
        g_test_add_func("/image/hosts/solo5-with-many-devices", test_solo5_with_many_devices);
        g_test_add_func("/image/hosts/solo5-with-the-longest-name", test_solo5_with_the_longest_name);
        g_test_add_func("/image/end-in-memory", test_end_in_memory);
        g_test_add_func("/image/hosts/notes-laid-out-in-many-ways", test_notes_may_be_laid_out_in_many_ways);
        g_test_add_func("/image/hosts/multiboot-without-solo5", test_multiboot_without_solo5);
        g_test_add_func("/image/hosts/multiboot-only-in-the-first-8-kib",
                        test_multiboot_only_in_the_first_8_kib);
        g_test_add_func("/image/hosts/multiboot-with-defaults", test_multiboot_with_defaults);
        g_test_add_func("/image/hosts/pvh", test_pvh);
        g_test_add_func("/image/hosts/linux", test_linux);
        g_test_add_func("/image/muen-tells-its-devices", test_muen_tells_its_devices);
        g_test_add_func("/image/reads-descriptors", test_reads_descriptors);
        g_test_add_func("/image/tells-errors-from-verdicts", test_tells_errors_from_verdicts);
        g_test_add_func("/image/survives-files-that-shrink", test_survives_files_that_shrink);
        g_test_add_func("/image/stops-at-the-first-error", test_stops_at_the_first_error);
        g_test_add_func("/image/survives-damage-everywhere", test_survives_damage_everywhere);
        g_test_add_func("/image/words", test_words);
        return g_test_run();
}
