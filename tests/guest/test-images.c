/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The test guest's images are what a boot loader and a reader of manifests must find, checked without any
 * code of the project's own: the system tests stand on them.
 */

#include <elf.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "manifest.h"

enum {
        MULTIBOOT_MAGIC = 0x1badb002,
        MULTIBOOT_SEARCH = 8192,
        MULTIBOOT_KLUDGE = 1 << 16,
        PVH_NOTE = 18,
        LOAD_ADDRESS = 1 << 20,
};

typedef struct Image {
        char *data;
        gsize size;
        const Elf64_Ehdr *elf;
        const Elf64_Phdr *segments;
} Image;

typedef struct Device {
        const char *name;
        uint32_t type;
} Device;

typedef struct Case {
        const char *file;
        uint32_t abi; /* 0: no notes */
        Device devices[4];
} Case;

static const Case cases[] = {
                {"guest.virtio", ABI_VIRTIO, {{"service", DEVICE_NETWORK}}},
                {"guest-plain.virtio", ABI_VIRTIO, {}},
                {"guest-disk.virtio", ABI_VIRTIO, {{"service", DEVICE_NETWORK}, {"storage", DEVICE_BLOCK}}},
                {"guest-two.virtio", ABI_VIRTIO,
                                {{"service", DEVICE_NETWORK}, {"private", DEVICE_NETWORK},
                                                {"storage", DEVICE_BLOCK}, {"config", DEVICE_BLOCK}}},
                {"guest-keys.virtio", ABI_VIRTIO,
                                {{"service", DEVICE_NETWORK}, {"storage", DEVICE_BLOCK},
                                                {"keys", DEVICE_BLOCK}}},
                {"guest.spt", ABI_SPT, {{"service", DEVICE_NETWORK}}},
                {"guest-plain.spt", ABI_SPT, {}},
                {"guest-disk.spt", ABI_SPT, {{"service", DEVICE_NETWORK}, {"storage", DEVICE_BLOCK}}},
                {"guest.hvt", ABI_HVT, {{"service", DEVICE_NETWORK}}},
                {"guest-plain.hvt", ABI_HVT, {}},
                {"guest-disk.hvt", ABI_HVT, {{"service", DEVICE_NETWORK}, {"storage", DEVICE_BLOCK}}},
                {"guest.muen", ABI_MUEN, {{"service", DEVICE_NETWORK}}},
                {"guest.multiboot", 0, {}},
                {"guest.pvh", 0, {}},
};

static void image_free(Image *image)
{
        g_free(image->data);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Image, image_free)

static const void *image_at(const Image *image, uint64_t offset, uint64_t size)
{
        g_assert_cmpuint(offset, <=, image->size);
        g_assert_cmpuint(size, <=, image->size - offset);
        return image->data + offset;
}

static Image image_load(const char *file)
{
        const char *directory = g_getenv("GUEST_IMAGES");
        g_autofree char *path = NULL;
        Image image = {};

        g_assert_nonnull(directory);
        path = g_build_filename(directory, file, NULL);
        g_assert_true(g_file_get_contents(path, &image.data, &image.size, NULL));

        image.elf = image_at(&image, 0, sizeof(Elf64_Ehdr));
        g_assert_cmpmem(image.elf->e_ident, SELFMAG, ELFMAG, SELFMAG);
        g_assert_cmpuint(image.elf->e_ident[EI_CLASS], ==, ELFCLASS64);
        g_assert_cmpuint(image.elf->e_machine, ==, EM_X86_64);
        image.segments = image_at(&image, image.elf->e_phoff, image.elf->e_phnum * sizeof(Elf64_Phdr));
        return image;
}

/* The content of the note's segment, which holds that note alone, or NULL. */
static const void *image_note(const Image *image, const char *name, uint32_t type, size_t *ret_size)
{
        for (unsigned i = 0; i < image->elf->e_phnum; i++) {
                const Elf64_Phdr *s = &image->segments[i];
                const NoteHeader *note;

                if (s->p_type != PT_NOTE)
                        continue;
                note = image_at(image, s->p_offset, s->p_filesz);
                g_assert_cmpuint(s->p_filesz, >=, sizeof(*note));
                if (note->type != type || strcmp(note->name, name) != 0)
                        continue;
                g_assert_cmpuint(note->name_size, ==, strlen(name) + 1);
                *ret_size = s->p_filesz;
                return note;
        }
        return NULL;
}

static const uint32_t *multiboot_header(const Image *image)
{
        for (size_t i = 0; i + 32 <= MIN(image->size, (gsize)MULTIBOOT_SEARCH); i += 4) {
                const uint32_t *h = (const uint32_t *)(image->data + i);

                if (h[0] == MULTIBOOT_MAGIC && h[0] + h[1] + h[2] == 0)
                        return h;
        }
        return NULL;
}

/* Linked at 1 MiB, and file and memory in step, since Multiboot's a.out kludge copies all of it in one
 * piece. */
static void test_layout(const void *data)
{
        const Case *c = data;
        g_auto(Image) image = image_load(c->file);
        const Elf64_Phdr *first = NULL;

        for (unsigned i = 0; i < image.elf->e_phnum; i++) {
                const Elf64_Phdr *s = &image.segments[i];

                if (s->p_type != PT_LOAD)
                        continue;
                if (!first) {
                        first = s;
                        g_assert_cmpuint(s->p_paddr, ==, LOAD_ADDRESS);
                }
                g_assert_cmpuint(s->p_paddr - s->p_offset, ==, first->p_paddr - first->p_offset);
                image_at(&image, s->p_offset, s->p_filesz);
        }
        g_assert_nonnull(first);
}

static bool abi_has_tender(uint32_t abi)
{
        return abi == ABI_SPT || abi == ABI_HVT;
}

static void test_boot(const void *data)
{
        const Case *c = data;
        g_auto(Image) image = image_load(c->file);
        const uint32_t *h = multiboot_header(&image);
        size_t size;

        if (g_str_equal(c->file, "guest.pvh")) {
                g_assert_null(h);
                g_assert_nonnull(image_note(&image, "Xen", PVH_NOTE, &size));
                return;
        }
        /* A tender needs none, and code that is not written. */
        if (abi_has_tender(c->abi)) {
                g_assert_null(h);
                g_assert_cmpuint(image.elf->e_entry, >=, LOAD_ADDRESS);
                for (unsigned i = 0; i < image.elf->e_phnum; i++)
                        g_assert_cmpuint(image.segments[i].p_flags & (PF_W | PF_X), !=, PF_W | PF_X);
                return;
        }
        g_assert_nonnull(h);
        g_assert_true(h[1] & MULTIBOOT_KLUDGE);
        g_assert_cmpuint(h[4], ==, LOAD_ADDRESS);
        g_assert_cmpuint(h[5], >, h[4]);
        g_assert_cmpuint(h[6], >=, h[5]);
        g_assert_cmpuint(h[7], ==, image.elf->e_entry);
        /* Where the header is in the file says where its load address is. */
        image_at(&image, (uint64_t)((const char *)h - image.data) - (h[3] - h[4]), h[5] - h[4]);
}

static void test_abi(const void *data)
{
        const Case *c = data;
        g_auto(Image) image = image_load(c->file);
        size_t size;
        const AbiNote *note = image_note(&image, NOTE_NAME, NOTE_TYPE_ABI, &size);

        if (c->abi == 0) {
                g_assert_null(note);
                return;
        }
        g_assert_nonnull(note);
        g_assert_cmpuint(size, ==, sizeof(*note));
        g_assert_cmpuint(note->header.content_size, ==, sizeof(*note) - sizeof(NoteHeader));
        g_assert_cmpuint(note->target, ==, c->abi);
        g_assert_cmpuint(note->version, ==, abi_has_tender(c->abi) ? 2 : 1);
}

static void test_manifest(const void *data)
{
        const Case *c = data;
        g_auto(Image) image = image_load(c->file);
        size_t size, n_devices = 0;
        const ManifestHeader *note = image_note(&image, NOTE_NAME, NOTE_TYPE_MANIFEST, &size);
        const ManifestEntry *entries;

        if (c->abi == 0) {
                g_assert_null(note);
                return;
        }
        g_assert_nonnull(note);
        while (n_devices < G_N_ELEMENTS(c->devices) && c->devices[n_devices].name)
                n_devices++;
        g_assert_cmpuint(note->version, ==, MANIFEST_VERSION);
        g_assert_cmpuint(note->n_entries, ==, n_devices + 1);
        g_assert_cmpuint(note->header.content_size, ==, 4 + 8 + 104 * (n_devices + 1));
        g_assert_cmpuint(size, ==, sizeof(NoteHeader) + note->header.content_size);

        entries = (const ManifestEntry *)(note + 1);
        g_assert_cmpuint(entries[0].type, ==, DEVICE_RESERVED_FIRST);
        g_assert_cmpstr(entries[0].name, ==, "");
        for (size_t i = 0; i < n_devices; i++) {
                g_assert_cmpstr(entries[i + 1].name, ==, c->devices[i].name);
                g_assert_cmpuint(entries[i + 1].type, ==, c->devices[i].type);
        }
}

/* Linux's Documentation/arch/arm64/booting.rst: a header of 64 bytes, of which QEMU reads the second, third and last
 * word. */
static void test_linux_aarch64(void)
{
        g_autofree char *path = g_build_filename(g_getenv("GUEST_IMAGES"), "guest.aarch64", NULL);
        g_autofree char *data = NULL;
        gsize size;
        uint64_t words[8];

        g_assert_true(g_file_get_contents(path, &data, &size, NULL));
        g_assert_cmpuint(size, >, sizeof words);
        memcpy(words, data, sizeof words);
        g_assert_cmpuint(words[1], ==, 0x80000); /* where it lies behind a multiple of 2 MiB */
        g_assert_cmpuint(words[2], >=, size);    /* in memory, with what is not in the file */
        g_assert_cmpuint(words[3] & 1, ==, 0);   /* little endian */
        g_assert_cmpmem(&words[7], 4, "ARM\x64", 4);
        /* The first instruction jumps over all that. */
        g_assert_cmpuint(words[0] & 0xfc000000, ==, 0x14000000);
        g_assert_cmpuint((words[0] & 0x03ffffff) * 4, >=, sizeof words);
}

static void case_add(const Case *c, const char *what, GTestDataFunc function)
{
        g_autofree char *path = g_strdup_printf("/guest/%s/%s", c->file, what);

        g_test_add_data_func(path, c, function);
}

int main(int argc, char **argv)
{
        const char *machines = g_getenv("GUEST_MACHINES");

        g_test_init(&argc, &argv, NULL);

        g_assert_nonnull(machines);
        if (strstr(machines, "aarch64"))
                g_test_add_func("/guest/guest.aarch64/has the header of Linux's boot protocol", test_linux_aarch64);
        for (size_t i = 0; strstr(machines, "x86_64") && i < G_N_ELEMENTS(cases); i++) {
                case_add(&cases[i], "is linked at 1 MiB in one piece", test_layout);
                case_add(&cases[i], "has the header of its boot method", test_boot);
                case_add(&cases[i], "names its target", test_abi);
                case_add(&cases[i], "lists its devices in order", test_manifest);
        }
        return g_test_run();
}
