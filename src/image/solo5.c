/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The notes that Solo5's build puts into an image: include/elf_abi.h, include/mft_abi.h and the checks of
 * tenders/common/mft.c, which the guest itself repeats when it boots. */

#include "image/solo5.h"

#include <glib.h>

#include "common/string-util.h"


#define NOTE_ABI1                 0x31494241u
#define NOTE_MFT1                 0x3154464du
#define ABI1_SIZE                 16
#define MANIFEST_PADDING          4
#define MANIFEST_HEADER_SIZE      8
#define MANIFEST_ENTRY_SIZE       104
#define MANIFEST_ENTRIES_MAX      (MANIFEST_DEVICES_MAX + 1)
#define MANIFEST_VERSION          1
#define ENTRY_TYPE_OFFSET         68
#define ENTRY_ATTACHED_OFFSET     96
#define ENTRY_TYPE_BLOCK          1
#define ENTRY_TYPE_NETWORK        2
#define ENTRY_TYPE_RESERVED_FIRST (1u << 30)

/* Right for any image that was built on Solo5. */
#define REBUILD "rebuild for Solo5's virtio target (MirageOS: `mirage configure -t virtio`)"

/* Solo5's configure.sh builds virtio for x86_64 only. */
#define REBUILD_AARCH64                                                                                     \
        "Solo5 has no virtio target for aarch64, so rebuild it on Unikraft (MirageOS: `mirage configure "   \
        "-t unikraft-qemu`), or for virtio on x86_64 (`mirage configure -t virtio`), which hosts of "       \
        "another architecture emulate with Architecture=x86_64"

static const char *const solo5_target_table[_SOLO5_TARGET_MAX] = {
        [SOLO5_TARGET_NONE]   = "none",
        [SOLO5_TARGET_HVT]    = "hvt",
        [SOLO5_TARGET_SPT]    = "spt",
        [SOLO5_TARGET_VIRTIO] = "virtio",
        [SOLO5_TARGET_MUEN]   = "muen",
        [SOLO5_TARGET_GENODE] = "genode",
        [SOLO5_TARGET_XEN]    = "xen",
};

const char *solo5_target_to_string(Solo5Target target)
{
        return (int) target >= 0 && target < _SOLO5_TARGET_MAX ? solo5_target_table[target] : NULL;
}

bool manifest_name_is_valid(const char *name)
{
        size_t length = 0;

        for (; name[length] != '\0'; length++)
                if (!g_ascii_isalnum(name[length]) && !strchr("-_.", name[length]))
                        return false;

        return length > 0 && length <= MANIFEST_NAME_MAX;
}

static bool entry_is_first(const uint8_t *entry)
{
        return entry[0] == '\0' && get_le32(entry + ENTRY_TYPE_OFFSET) == ENTRY_TYPE_RESERVED_FIRST;
}

static bool device_parse(const uint8_t *entry, unsigned i, ManifestDevice *ret, ImageInfo *info)
{
        uint32_t type = get_le32(entry + ENTRY_TYPE_OFFSET);

        if (entry[MANIFEST_NAME_MAX] != '\0')
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: the name of device %u in its manifest has no end: " REBUILD, i);

        memcpy(ret->name, entry, sizeof ret->name);
        if (!manifest_name_is_valid(ret->name)) {
                g_autofree char *shown = text_for_display(ret->name, MANIFEST_NAME_MAX);

                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: device %u in its manifest is called \"%s\", where Solo5 allows "
                                "letters and digits: give it such a name and " REBUILD, i, shown);
        }

        if (type != ENTRY_TYPE_BLOCK && type != ENTRY_TYPE_NETWORK)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "device \"%s\" in its manifest has the unknown type %u, only block (1) and "
                                "network (2) are supported: " REBUILD " without that device",
                                ret->name, type);
        ret->kind = type == ENTRY_TYPE_BLOCK ? DEVICE_BLOCK : DEVICE_NETWORK;

        if (entry[ENTRY_ATTACHED_OFFSET] != 0)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: device \"%s\" in its manifest claims to be attached already, "
                                "which it refuses to boot with: " REBUILD, ret->name);

        return true;
}

/* Solo5 itself looks up devices by name and kind and takes the first, so the second of two with one name
 * could never be used. */
static bool device_is_new(const ManifestDevice *devices, unsigned n, const ManifestDevice *device)
{
        for (unsigned i = 0; i < n; i++)
                if (strcmp(devices[i].name, device->name) == 0)
                        return false;

        return true;
}

static bool manifest_parse(const ElfNote *note, ImageInfo *info)
{
        g_autofree ManifestDevice *devices = g_new0(ManifestDevice, MANIFEST_DEVICES_MAX);
        const uint8_t *manifest = note->desc + MANIFEST_PADDING, *entries = manifest + MANIFEST_HEADER_SIZE;
        uint32_t n;

        if (note->desc_size < MANIFEST_PADDING + MANIFEST_HEADER_SIZE)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its manifest has %zu bytes, too few for its header: " REBUILD,
                                note->desc_size);
        if (get_le32(manifest) != MANIFEST_VERSION)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Solo5 image whose manifest has version %u, only version %d is "
                                "supported: " REBUILD " with a Solo5 that writes that version",
                                get_le32(manifest), MANIFEST_VERSION);

        n = get_le32(manifest + 4);
        if (n < 1 || n > MANIFEST_ENTRIES_MAX)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its manifest claims %u entries, and can have 1 to %d: " REBUILD, n,
                                MANIFEST_ENTRIES_MAX);
        if (note->desc_size != MANIFEST_PADDING + MANIFEST_HEADER_SIZE + (size_t) n * MANIFEST_ENTRY_SIZE)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its manifest has %zu bytes, %u entries need %zu: " REBUILD,
                                note->desc_size, n,
                                MANIFEST_PADDING + MANIFEST_HEADER_SIZE + (size_t) n * MANIFEST_ENTRY_SIZE);
        if (!entry_is_first(entries))
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: the first entry of its manifest is not the reserved "
                                "one: " REBUILD);

        for (unsigned i = 1; i < n; i++) {
                ManifestDevice *device = &devices[i - 1];

                if (!device_parse(entries + (size_t) i * MANIFEST_ENTRY_SIZE, i, device, info))
                        return false;
                if (!device_is_new(devices, i - 1, device))
                        return image_refuse(info, ERROR_INVALID_IMAGE,
                                        "damaged: its manifest has two devices called \"%s\": give one of "
                                        "them another name and " REBUILD, device->name);
        }

        memcpy(info->devices, devices, MANIFEST_DEVICES_MAX * sizeof *devices);
        info->n_devices = n - 1;
        info->has_manifest = true;
        return true;
}

static bool abi_parse(Solo5Notes *notes, const ElfNote *note, ImageInfo *info)
{
        if (note->desc_size != ABI1_SIZE)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its Solo5 ABI note has %zu bytes, not %d: " REBUILD,
                                note->desc_size, ABI1_SIZE);

        notes->target = get_le32(note->desc);
        if (notes->target > SOLO5_TARGET_NONE && notes->target < _SOLO5_TARGET_MAX)
                info->target = (Solo5Target) notes->target;
        info->abi_version = get_le32(note->desc + 4);
        return true;
}

/* One note may be seen twice, since segments may overlap; two different ones contradict each other. */
static bool note_is_second(bool *has, uint64_t *offset, const ElfNote *note)
{
        bool second = *has && *offset != note->offset;

        *has = true;
        *offset = note->offset;
        return second;
}

bool solo5_note_take(Solo5Notes *notes, const ElfNote *note, ImageInfo *info)
{
        if (strcmp(note->name, "Solo5") != 0)
                return true;

        if (note->type == NOTE_ABI1) {
                if (note_is_second(&notes->has_abi, &notes->abi_offset, note))
                        return image_refuse(info, ERROR_INVALID_IMAGE,
                                        "damaged: it has two Solo5 ABI notes: " REBUILD);
                return abi_parse(notes, note, info);
        }

        if (note->type == NOTE_MFT1) {
                if (note_is_second(&notes->has_manifest, &notes->manifest_offset, note))
                        return image_refuse(info, ERROR_INVALID_IMAGE,
                                        "damaged: it has two Solo5 manifests: " REBUILD);
                return manifest_parse(note, info);
        }

        return true;
}

bool solo5_check(const Solo5Notes *notes, const ElfFile *elf, ImageInfo *info)
{
        const char *rebuild = elf->architecture == IMAGE_ARCHITECTURE_AARCH64 ? REBUILD_AARCH64 : REBUILD;

        if (!notes->has_abi && !notes->has_manifest) {
                if (g_str_has_prefix(elf->interpreter, SOLO5_INTERPRETER))
                        return image_refuse(info, ERROR_INVALID_IMAGE,
                                        "a Solo5 image without its notes, so its devices are unknown: use "
                                        "the file as it was built (a `strip` that removes notes breaks it), "
                                        "or " REBUILD);
                return true;
        }

        if (!notes->has_abi)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "a Solo5 image with a manifest but without the note that names its target, "
                                "as before Solo5 0.6 or after a `strip` that removes notes: " REBUILD);
        if (info->target == SOLO5_TARGET_NONE)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "built for the unknown Solo5 target %u: %s", notes->target, rebuild);
        if (info->target != SOLO5_TARGET_VIRTIO || elf->architecture == IMAGE_ARCHITECTURE_AARCH64)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, "built for %s: %s",
                                solo5_target_to_string(info->target), rebuild);
        if (!elf->is64)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: a Solo5 virtio image is a 64-bit ELF file, this one is a 32-bit "
                                "file: " REBUILD);
        if (!notes->has_manifest)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "a Solo5 image without its manifest, so its devices are unknown: use the "
                                "file as it was built (a `strip` that removes notes breaks it), "
                                "or " REBUILD);
        if (info->n_devices > IMAGE_DEVICES_MAX)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Solo5 image with %u devices, a unikernel can have at most %d: " REBUILD
                                " with fewer devices",
                                info->n_devices, IMAGE_DEVICES_MAX);

        return true;
}
