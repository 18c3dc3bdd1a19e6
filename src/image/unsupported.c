/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Recognises files that are no kernel by their first bytes: compressed files, disk images, archives,
 * programs, text. */

#include "image/unsupported.h"

#include <elf.h>
#include <glib.h>

#include "common/file-format.h"

#define MIRAGE "for MirageOS rebuild with `mirage configure -t virtio`"

typedef struct Magic {
        size_t offset;
        size_t size;
        const char *bytes;
        const char *message;
} Magic;

#define MAGIC(at, text, message)                                                                            \
        {                                                                                                   \
                (at), sizeof(text) - 1, (text), (message)                                                   \
        }
#define DISK_WAY                                                                                            \
        "which cannot be booted: use the kernel that it was made with (for Nanos, kernel.img in "           \
        "~/.ops/VERSION), and import it as a volume"
#define DISK(name) "a disk image (" name "), " DISK_WAY
#define ARCHIVE(name, how)                                                                                  \
        "an archive (" name "), not a kernel: unpack it with `" how "` and use the image in it"
#define MACH_O "a program for macOS (Mach-O), not a unikernel: " MIRAGE

static const Magic magics[] = {
                MAGIC(0, "hsqs", DISK("SquashFS")),
                MAGIC(512, "EFI PART", DISK("GPT")),
                MAGIC(257, "ustar", ARCHIVE("tar", "tar -x")),
                MAGIC(0, "PK\3\4", ARCHIVE("zip", "unzip")),
                MAGIC(0, "PK\5\6", ARCHIVE("zip", "unzip")),
                MAGIC(0, "7z\xbc\xaf\x27\x1c", ARCHIVE("7z", "7z x")),
                MAGIC(0, "07070",
                                "an archive (cpio), not a kernel: pass it with --initrd= if it is an "
                                "initial RAM disk, else unpack it with `cpio -i` and use the image in it"),
                MAGIC(0, "\xed\xab\xee\xdb", ARCHIVE("rpm", "rpm2cpio")),
                MAGIC(0, "!<arch>\n", ARCHIVE("ar: a library or a Debian package", "ar x")),
                MAGIC(0, "!<thin>\n", ARCHIVE("ar: a library", "ar x")),
                MAGIC(0, "\xfe\xed\xfa\xce", MACH_O),
                MAGIC(0, "\xfe\xed\xfa\xcf", MACH_O),
                MAGIC(0, "\xce\xfa\xed\xfe", MACH_O),
                MAGIC(0, "\xcf\xfa\xed\xfe", MACH_O),
                MAGIC(0, "\xca\xfe\xba\xbe", MACH_O),
                MAGIC(0, "\x27\x05\x19\x56",
                                "a U-Boot image (uImage), which QEMU cannot boot: use the kernel itself"),
                MAGIC(0, "\0asm", "a WebAssembly module, not a unikernel: " MIRAGE),
                MAGIC(0, "#!", "a script, not a unikernel: use the image that it builds or starts"),
};

static bool magic_matches(const Magic *magic, const uint8_t *head, size_t head_size)
{
        return head_size >= magic->offset + magic->size &&
               memcmp(head + magic->offset, magic->bytes, magic->size) == 0;
}

/* "MZ" begins DOS, Windows and EFI programs; the offset at 0x3c leads to PE's own magic. */
static bool check_pe(const uint8_t *head, size_t head_size, ImageInfo *info)
{
        enum { ZBOOT = 4, OFFSET = 0x3c, SUBSYSTEM = 0x5c, EFI_FIRST = 10, EFI_LAST = 13 };
        uint32_t pe;

        if (head_size < OFFSET + 4 || memcmp(head, "MZ", 2) != 0)
                return true;
        if (memcmp(head + ZBOOT, "zimg", 4) == 0)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Linux kernel that needs EFI to unpack itself (zboot), and guests have no "
                                "EFI: use the unpacked kernel (Image) from its build");

        pe = get_le32(head + OFFSET);
        if (pe <= head_size && head_size - pe >= SUBSYSTEM + 2 && memcmp(head + pe, "PE\0\0", 4) == 0) {
                uint16_t subsystem = get_le16(head + pe + SUBSYSTEM);

                if (subsystem >= EFI_FIRST && subsystem <= EFI_LAST)
                        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                        "an EFI program, and guests have no EFI: use a Multiboot, PVH or "
                                        "Linux (bzImage) kernel; " MIRAGE);
        }

        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                        "a program for Windows or DOS, not a unikernel: " MIRAGE);
}

/* UTF-8 without control characters that begins with an ASCII character; the last character may be cut. */
static bool is_text(const uint8_t *p, size_t size)
{
        const char *end;

        if (!g_utf8_validate_len((const char *) p, size, &end) && (const char *) p + size - end > 3)
                return false;
        for (size_t i = 0; i < size; i++)
                if (g_ascii_iscntrl(p[i]) && !g_ascii_isspace(p[i]))
                        return false;

        return g_ascii_isprint(p[0]) || g_ascii_isspace(p[0]);
}

static bool check_text(const uint8_t *head, size_t head_size, ImageInfo *info)
{
        size_t n = MIN(head_size, (size_t) 512), i = 0;

        while (i < n && g_ascii_isspace(head[i]))
                i++;
        if (n - i >= 5 && (g_ascii_strncasecmp((const char *) head + i, "<html", 5) == 0 ||
                                          g_ascii_strncasecmp((const char *) head + i, "<!doc", 5) == 0))
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a web page, not an image: the download failed; look into the file, and "
                                "download it again");

        if (!is_text(head, n))
                return true;

        return image_refuse(
                        info, ERROR_UNSUPPORTED_IMAGE, "text, not an image: use the file that was built");
}

static bool is_zero(const uint8_t *p, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (p[i] != 0)
                        return false;

        return true;
}

static bool check_disk(Source *source, const uint8_t *head, size_t head_size, ImageInfo *info)
{
        enum { EXT_SUPERBLOCK = 1024, EXT_MAGIC = EXT_SUPERBLOCK + 0x38 };
        uint8_t iso[5];

        if (source_read(source, 0x8001, iso, sizeof iso) && memcmp(iso, "CD001", 5) == 0)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, DISK("ISO 9660"));
        if (head_size >= 512 && head[510] == 0x55 && head[511] == 0xaa)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, DISK("with a boot sector"));
        if (head_size >= EXT_MAGIC + 2 && is_zero(head, EXT_SUPERBLOCK) &&
                        get_le16(head + EXT_MAGIC) == 0xef53)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, DISK("ext2, ext3 or ext4"));

        return true;
}

static bool check_zeros(const uint8_t *head, size_t head_size, ImageInfo *info)
{
        if (!is_zero(head, head_size))
                return true;

        return image_refuse(info, ERROR_INVALID_IMAGE,
                        "nothing but zeros in its first %zu bytes: copy or download it again", head_size);
}

bool unsupported_check(Source *source, const uint8_t *head, size_t head_size, ImageInfo *info)
{
        const FileFormat *format = file_format_of(head, head_size);

        if (format && format->unpack)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "compressed with %s: unpack it first with `%s`, or pass it with --initrd= "
                                "if it is an initial RAM disk",
                                format->name, format->unpack);
        if (format)
                return image_refuse(
                                info, ERROR_UNSUPPORTED_IMAGE, "a disk image (%s), " DISK_WAY, format->name);
        for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
                if (magic_matches(&magics[i], head, head_size))
                        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, "%s", magics[i].message);

        return check_pe(head, head_size, info) && check_text(head, head_size, info) &&
               check_disk(source, head, head_size, info) && check_zeros(head, head_size, info);
}

bool unsupported_check_elf(const ElfFile *elf, bool is_gnu, ImageInfo *info)
{
        if (elf->type == ET_REL)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "an object file that is not linked yet: use the linked image");
        if (elf->type == ET_CORE)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a core dump, not an image: use the image that it came from");
        if (elf->interpreter[0] != '\0')
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a program for Linux or another system (it needs %s), not a "
                                "unikernel: " MIRAGE,
                                elf->interpreter);
        if (is_gnu || elf->os_abi == ELFOSABI_GNU)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a program for Linux, statically linked, not a unikernel: " MIRAGE);

        return true;
}
