/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The judge: what an image is, and whether it can be hosted here. The order of the questions is QEMU's own
 * (Linux's magic, Multiboot, PVH), so that what is boots as what is said here. */

#include "image/image.h"

#include <elf.h>
#include <glib.h>
#include <sys/utsname.h>

#include "common/string-util.h"
#include "image/elf-file.h"
#include "image/foreign.h"
#include "image/judge.h"
#include "image/linux.h"
#include "image/multiboot.h"
#include "image/pvh.h"
#include "image/solo5.h"

static const char *const device_kind_table[_DEVICE_KIND_MAX] = {
        [DEVICE_NETWORK] = "network",
        [DEVICE_BLOCK]   = "block",
};

DEFINE_STRING_TABLE(device_kind, DeviceKind, device_kind_table, _DEVICE_KIND_MAX);

static const char *const image_architecture_table[_IMAGE_ARCHITECTURE_MAX] = {
        [IMAGE_ARCHITECTURE_UNKNOWN] = "unknown",
        [IMAGE_ARCHITECTURE_X86]     = "i686",
        [IMAGE_ARCHITECTURE_X86_64]  = "x86_64",
        [IMAGE_ARCHITECTURE_AARCH64] = "aarch64",
        [IMAGE_ARCHITECTURE_PPC64]   = "ppc64",
        [IMAGE_ARCHITECTURE_RISCV64] = "riscv64",
        [IMAGE_ARCHITECTURE_OTHER]   = "another architecture",
};

const char *image_architecture_to_string(ImageArchitecture architecture)
{
        return (int) architecture >= 0 && architecture < _IMAGE_ARCHITECTURE_MAX
                        ? image_architecture_table[architecture]
                        : NULL;
}

static const char *const image_boot_table[_IMAGE_BOOT_MAX] = {
        [IMAGE_BOOT_NONE]      = "none",
        [IMAGE_BOOT_MULTIBOOT] = "multiboot",
        [IMAGE_BOOT_PVH]       = "pvh",
        [IMAGE_BOOT_LINUX]     = "linux",
};

const char *image_boot_to_string(ImageBoot boot)
{
        return (int) boot >= 0 && boot < _IMAGE_BOOT_MAX ? image_boot_table[boot] : NULL;
}

void image_info_free(ImageInfo *info)
{
        if (!info)
                return;

        g_free(info->problem);
        g_free(info);
}

void image_info_clear_pointer(ImageInfo **info)
{
        image_info_free(*info);
        *info = NULL;
}

/* All that the notes can say, collected in one walk. */
typedef struct Notes {
        Solo5Notes solo5;
        PvhNote pvh;
        bool is_gnu; /* the ABI tag that every program for Linux carries */
} Notes;

static bool on_note(const ElfNote *note, void *userdata, ImageInfo *info)
{
        Notes *notes = userdata;

        notes->is_gnu |= note->type == NT_GNU_ABI_TAG && strcmp(note->name, "GNU") == 0;
        return solo5_note_take(&notes->solo5, note, info) && pvh_note_take(&notes->pvh, note, info);
}

static bool machine_is_x86(const char *machine)
{
        return strcmp(machine, "x86_64") == 0 || strcmp(machine, "i686") == 0;
}

static bool check_architecture(const char *machine, ImageInfo *info)
{
        bool guest_is_x86 = info->architecture == IMAGE_ARCHITECTURE_X86 ||
                        info->architecture == IMAGE_ARCHITECTURE_X86_64;

        if (guest_is_x86 && (strcmp(machine, "x86_64") == 0 ||
                        strcmp(machine, image_architecture_to_string(info->architecture)) == 0))
                return true;

        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, "for %s, this host is %s: %s",
                        image_architecture_to_string(info->architecture), machine,
                        guest_is_x86 ? "use a host of that architecture" :
                        machine_is_x86(machine) ? "rebuild it for this one"
                                                : "unikernels run on x86_64 hosts so far");
}

/* A Multiboot header that is there decides; a broken one is only held against what cannot boot otherwise. */
static bool judge_elf(
                Source *source, const uint8_t *head, size_t head_size, const char *machine, ImageInfo *info)
{
        g_autofree ElfFile *elf = g_new0(ElfFile, 1);
        MultibootHeader header = {};
        MultibootState multiboot;
        Notes notes = {};

        if (linux_is_bzimage(head, head_size))
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "both an ELF file and a Linux bzImage, which no honest build makes: build "
                                "it again");
        if (!elf_read(source, elf, info))
                return false;
        info->architecture = elf->architecture;
        if (!check_architecture(machine, info))
                return false;
        if (!elf->little_endian)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: it is for %s but big endian: build it again",
                                image_architecture_to_string(info->architecture));
        if (!elf_for_each_note(source, elf, on_note, &notes, info) || !solo5_check(&notes.solo5, elf, info))
                return false;

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

        return multiboot_refuse(multiboot, &header, info) && foreign_refuse_elf(elf, notes.is_gnu, info);
}

static bool judge_flat(
                Source *source, const uint8_t *head, size_t head_size, const char *machine, ImageInfo *info)
{
        MultibootHeader header = {};
        MultibootState multiboot;

        if (linux_is_bzimage(head, head_size)) {
                if (!linux_check(source, head, head_size, info) || !check_architecture(machine, info))
                        return false;
                info->boot = IMAGE_BOOT_LINUX;
                return true;
        }

        info->architecture = linux_image_architecture(head, head_size);
        if (info->architecture != IMAGE_ARCHITECTURE_UNKNOWN)
                return check_architecture(machine, info);

        /* A disk with GRUB on it has a Multiboot header in its first sectors, GRUB's own. So what is
         * something else is said first. */
        if (!foreign_check(source, head, head_size, info))
                return false;

        multiboot = multiboot_find(head, head_size, &header);
        if (multiboot == MULTIBOOT_FOUND) {
                info->architecture = IMAGE_ARCHITECTURE_X86;
                if (!check_architecture(machine, info) || !multiboot_check(source, NULL, &header, info))
                        return false;
                info->boot = IMAGE_BOOT_MULTIBOOT;
                return true;
        }

        return multiboot_refuse(multiboot, &header, info) &&
                        image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                        "no kernel that is known here (%" PRIu64 " bytes that are neither "
                                        "ELF, Multiboot nor Linux): give a unikernel built for virtio, a "
                                        "Multiboot or PVH kernel, or a bzImage", source->size);
}

int image_judge(Source *source, const char *machine, ImageInfo **ret_info, Error *ret_error)
{
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        g_autofree uint8_t *head = g_malloc0(MULTIBOOT_SEARCH_SIZE);
        size_t head_size = source_read_some(source, 0, head, MULTIBOOT_SEARCH_SIZE);

        if (head_size == 0)
                (void) image_refuse(info, ERROR_INVALID_IMAGE, "empty: copy or download it again");
        else if (elf_is(head, head_size))
                (void) judge_elf(source, head, head_size, machine, info);
        else
                (void) judge_flat(source, head, head_size, machine, info);

        /* What could not be read looked like the end of the file to everything above. */
        if (source->error != 0)
                return error_set_errno(ret_error, source->error, "Cannot read the image");

        *ret_info = g_steal_pointer(&info);
        return 0;
}

/* uname's word for this host, with all 32-bit x86 as one. */
static void host_machine(struct utsname *ret)
{
        (void) uname(ret);
        if (strlen(ret->machine) == 4 && ret->machine[0] == 'i' && g_str_has_suffix(ret->machine, "86"))
                ret->machine[1] = '6';
}

int image_inspect(int fd, ImageInfo **ret_info, Error *ret_error)
{
        struct utsname host;
        Source source;
        int r;

        r = source_from_fd(fd, &source, ret_error);
        if (r < 0)
                return r;

        host_machine(&host);
        return image_judge(&source, host.machine, ret_info, ret_error);
}

int image_inspect_bytes(const uint8_t *data, size_t size, const char *machine, ImageInfo **ret_info,
                Error *ret_error)
{
        Source source = source_from_bytes(data, size);
        struct utsname host;

        host_machine(&host);
        return image_judge(&source, machine ?: host.machine, ret_info, ret_error);
}
