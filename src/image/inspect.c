/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an image is, and whether it can be hosted here. The checks come in QEMU's own order (Linux's magic,
 * Multiboot, PVH), so that an image boots as it is described here. */

#include "image/inspect.h"

#include <elf.h>
#include <glib.h>

#include "image/arm-virt.h"
#include "image/elf-file.h"
#include "image/linux.h"
#include "image/multiboot.h"
#include "image/pvh.h"
#include "image/solo5-load.h"
#include "image/solo5.h"
#include "image/unsupported.h"

/* All that the notes say, collected in one walk. */
typedef struct Notes {
        Solo5Notes solo5;
        PvhNote pvh;
        bool is_gnu; /* the ABI tag that every program for Linux carries */
} Notes;

static bool inspect_on_note(const ElfNote *note, void *userdata, ImageInfo *info)
{
        Notes *notes = userdata;

        notes->is_gnu |= note->type == NT_GNU_ABI_TAG && strcmp(note->name, "GNU") == 0;
        return solo5_note_take(&notes->solo5, note, info) && pvh_note_take(&notes->pvh, note, info);
}

/* An image that no machine here can host is not read any further. */
static bool check_guest(const char *machine, ImageInfo *info)
{
        ImageArchitecture host = guest_architecture_from_string(machine);

        if (guest_architecture_for(info->architecture) != IMAGE_ARCHITECTURE_UNKNOWN)
                return true;

        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, "for %s, this host is %s: rebuild it for %s",
                        image_architecture_to_string(info->architecture), machine,
                        (int) host >= 0 ? "this one"
                                        : "x86_64 or aarch64, which this host can emulate with "
                                          "Architecture=");
}

/* Checked last, so that nobody emulates an invalid image in vain. */
static bool check_architecture(const char *machine, ImageArchitecture asked, ImageInfo *info)
{
        const char *name = image_architecture_to_string(info->architecture);
        ImageArchitecture guest = guest_architecture_for(info->architecture);
        const char *guest_name = image_architecture_to_string(guest);

        if (asked == guest)
                return true;
        if (asked != IMAGE_ARCHITECTURE_UNKNOWN)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "for %s, but Architecture= is %s: set Architecture=%s, or use an image for "
                                "%s",
                                name, image_architecture_to_string(asked), guest_name,
                                image_architecture_to_string(asked));
        /* A 32-bit host runs 32-bit images. */
        if (guest_architecture_is_native(guest, machine) || strcmp(machine, name) == 0)
                return true;

        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                        "for %s, this host is %s: set Architecture=%s to emulate it, which is slower, or "
                        "use an image for this host",
                        name, machine, guest_name);
}

/* Multiboot and PVH exist only on x86. QEMU's `virt` enters an ELF file at its entry point, with the device
 * tree at the beginning of memory if the file leaves room for it. */
static bool inspect_aarch64(const ElfFile *elf, const Notes *notes, ImageInfo *info)
{
        if (!unsupported_check_elf(elf, notes->is_gnu, info) || !arm_virt_check_elf(elf, info))
                return false;

        info->boot = IMAGE_BOOT_ELF;
        return true;
}

/* Big-endian aarch64 exists, but has other images. */
static bool check_endianness(const ElfFile *elf, ImageInfo *info)
{
        if (elf->little_endian)
                return true;
        if (info->architecture == IMAGE_ARCHITECTURE_AARCH64)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "for big-endian aarch64, which is not supported: build it for little "
                                "endian");

        return image_refuse(info, ERROR_INVALID_IMAGE,
                        "damaged: it is for %s but big-endian: build it again",
                        image_architecture_to_string(info->architecture));
}

/* It is executed by this host's processor, whatever else its file could be. The notes are read once more. */
static bool inspect_process(Source *source, const char *machine, ImageInfo *info)
{
        g_autofree Solo5Image *image = g_new0(Solo5Image, 1);
        ImageArchitecture host = guest_architecture_from_string(machine);

        if ((int) host < 0)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "for %s, which executes it, and this host is %s: use a host of that "
                                "processor",
                                image_architecture_to_string(info->architecture), machine);
        info->has_manifest = false;
        info->n_devices = 0;
        if (!solo5_load_read(source, host, image, info))
                return false;
        if (info->n_devices > IMAGE_DEVICES_MAX)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Solo5 image with %u devices, a unikernel can have at most %d: rebuild it "
                                "with fewer devices",
                                info->n_devices, IMAGE_DEVICES_MAX);

        info->boot = IMAGE_BOOT_PROCESS;
        return true;
}

/* A valid Multiboot header decides; a broken one counts only against an image that cannot boot otherwise. */
static bool inspect_elf(
                Source *source, const uint8_t *head, size_t head_size, const char *machine, ImageInfo *info)
{
        g_autofree ElfFile *elf = g_new0(ElfFile, 1);
        MultibootHeader header = {};
        MultibootState multiboot;
        Notes notes = {};

        if (linux_is_bzimage(head, head_size))
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "both an ELF file and a Linux bzImage, which no regular build produces: "
                                "build it again");
        if (!elf_read(source, elf, info))
                return false;
        info->architecture = elf->architecture;
        if (!check_guest(machine, info) || !check_endianness(elf, info))
                return false;
        if (!elf_for_each_note(source, elf, inspect_on_note, &notes, info))
                return false;
        if (solo5_target_is_loaded(info->target))
                return inspect_process(source, machine, info);
        if (!solo5_check(&notes.solo5, elf, info))
                return false;
        if (info->architecture == IMAGE_ARCHITECTURE_AARCH64)
                return inspect_aarch64(elf, &notes, info);

        multiboot = multiboot_find(head, head_size, &header);
        if (multiboot == MULTIBOOT_FOUND) {
                if (!multiboot_check(source, elf, &header, info))
                        return false;
                info->boot = IMAGE_BOOT_MULTIBOOT;
                return true;
        }
        if (info->target == SOLO5_TARGET_VIRTIO)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "a Solo5 virtio image that lost its Multiboot header (%s in its first 8 "
                                "KiB), as after `strip` or `objcopy`: use the file as it was built",
                                multiboot == MULTIBOOT_BAD_SUM ? "its checksum is wrong" : "there is none");
        if (notes.pvh.found) {
                if (!pvh_check(&notes.pvh, elf, info))
                        return false;
                info->boot = IMAGE_BOOT_PVH;
                return true;
        }

        return multiboot_refuse(multiboot, &header, info) &&
               unsupported_check_elf(elf, notes.is_gnu, info) &&
               image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                               "an ELF file that cannot be booted, because it has neither a Multiboot "
                               "header in its first 8 KiB nor a PVH note: link it with one, or use the "
                               "loader that it needs, and this file as Initrd=");
}

static bool inspect_flat(
                Source *source, const uint8_t *head, size_t head_size, const char *machine, ImageInfo *info)
{
        MultibootHeader header = {};
        MultibootState multiboot;

        if (linux_is_bzimage(head, head_size)) {
                if (!linux_check(source, head, head_size, info))
                        return false;
                info->boot = IMAGE_BOOT_LINUX;
                return true;
        }

        info->architecture = linux_image_architecture(head, head_size);
        if (info->architecture != IMAGE_ARCHITECTURE_UNKNOWN) {
                if (!check_guest(machine, info) || !linux_check_aarch64(source, head, head_size, info))
                        return false;
                info->boot = IMAGE_BOOT_LINUX;
                return true;
        }

        /* A disk with GRUB on it has a Multiboot header in its first sectors, GRUB's own. So other formats
         * are recognised first. */
        if (!unsupported_check(source, head, head_size, info))
                return false;

        multiboot = multiboot_find(head, head_size, &header);
        if (multiboot == MULTIBOOT_FOUND) {
                info->architecture = IMAGE_ARCHITECTURE_X86;
                if (!multiboot_check(source, NULL, &header, info))
                        return false;
                info->boot = IMAGE_BOOT_MULTIBOOT;
                return true;
        }

        return multiboot_refuse(multiboot, &header, info) &&
               image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                               "not a known kernel (%" PRIu64
                               " bytes that are neither ELF, Multiboot nor Linux): use a unikernel built "
                               "for virtio, a Multiboot or PVH kernel, or a Linux kernel (bzImage; for "
                               "aarch64, Image)",
                               source->size);
}

int image_inspect_source(Source *source, const char *machine, ImageArchitecture asked, ImageInfo **ret_info,
                Error *ret_error)
{
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        g_autofree uint8_t *head = g_malloc0(MULTIBOOT_SEARCH_SIZE);
        size_t head_size = source_read_some(source, 0, head, MULTIBOOT_SEARCH_SIZE);

        bool good;

        if (head_size == 0)
                good = image_refuse(info, ERROR_INVALID_IMAGE, "empty: copy or download it again");
        else if (elf_is(head, head_size))
                good = inspect_elf(source, head, head_size, machine, info);
        else
                good = inspect_flat(source, head, head_size, machine, info);
        if (good)
                (void) check_architecture(machine, asked, info);

        /* Data that could not be read looked like the end of the file to everything above. */
        if (source->error != 0)
                return error_set_errno(ret_error, source->error, "Cannot read the image");

        *ret_info = g_steal_pointer(&info);
        return 0;
}

int image_inspect(int fd, ImageArchitecture asked, ImageInfo **ret_info, Error *ret_error)
{
        Source source;
        int r;

        r = source_from_fd(fd, &source, ret_error);
        if (r < 0)
                return r;

        return image_inspect_source(&source, host_machine(), asked, ret_info, ret_error);
}

int image_inspect_bytes(const uint8_t *data, size_t size, const char *machine, ImageArchitecture asked,
                ImageInfo **ret_info, Error *ret_error)
{
        Source source = source_from_bytes(data, size);

        return image_inspect_source(&source, machine ?: host_machine(), asked, ret_info, ret_error);
}
