/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The result of the probe as text, and its kernel as bytes. Called by host-probe.c. */

#include "domain/host/probe-state.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <string.h>

void probe_result_clear(ProbeResult *result)
{
        g_free(result->kvm_reason);
        g_free(result->fast_start_reason);
        g_free(result->trouble);
        *result = (ProbeResult){};
}

char *probe_result_format(const char *key, const ProbeResult *result)
{
        return g_strdup_printf("for=%s\nkvm=%s\nkvm-reason=%s\nkvm-offered=%s\nfast-start=%s\n"
                               "fast-start-refused=%s\nfast-start-reason=%s\ntrouble=%s\n",
                        key, result->kvm ? "yes" : "no", result->kvm_reason,
                        result->kvm_offered ? "yes" : "no", result->fast_start ? "yes" : "no",
                        result->fast_start_refused ? "yes" : "no", result->fast_start_reason,
                        result->trouble ?: "");
}

static int parse_line(const char *line, const char *prefix, const char **ret_value)
{
        if (!line || !g_str_has_prefix(line, prefix))
                return -EBADMSG;

        *ret_value = line + strlen(prefix);
        return 0;
}

static int parse_boolean(const char *value, bool *ret)
{
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
                return -EBADMSG;

        *ret = value[0] == 'y';
        return 0;
}

int probe_result_parse(const char *text, const char *key, ProbeResult *ret_result)
{
        static const char *const prefixes[] = {"for=", "kvm=", "kvm-reason=", "kvm-offered=", "fast-start=",
                        "fast-start-refused=", "fast-start-reason=", "trouble="};
        const char *values[G_N_ELEMENTS(prefixes)];
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        bool kvm, offered, fast_start, refused;

        if (g_strv_length(lines) != G_N_ELEMENTS(prefixes) + 1)
                return -EBADMSG;
        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
                if (parse_line(lines[i], prefixes[i], &values[i]) < 0)
                        return -EBADMSG;
        if (strcmp(values[0], key) != 0)
                return -ESTALE;
        if (parse_boolean(values[1], &kvm) < 0 || parse_boolean(values[3], &offered) < 0 ||
                        parse_boolean(values[4], &fast_start) < 0 || parse_boolean(values[5], &refused) < 0)
                return -EBADMSG;

        *ret_result = (ProbeResult){
                        .kvm = kvm,
                        .kvm_reason = g_strdup(values[2]),
                        .kvm_offered = offered,
                        .fast_start = fast_start,
                        .fast_start_refused = refused,
                        .fast_start_reason = g_strdup(values[6]),
                        .trouble = *values[7] ? g_strdup(values[7]) : NULL,
        };
        return 0;
}

int probe_result_check(const ProbeResult *result, Acceleration acceleration, Error *ret_error)
{
        if (acceleration != ACCELERATION_KVM || result->kvm_offered)
                return 0;

        return error_set(ret_error, ERROR_START_FAILED,
                        "shruthi.conf has Acceleration=kvm, but this host cannot use KVM (%s): set "
                        "Acceleration=auto there, or make KVM available ('shruthictl doctor' shows how)",
                        result->trouble ?: "libvirt does not support KVM");
}

unsigned probe_count_commands(const char *answer)
{
        static const char id[] = "\"id\":\"libvirt-";
        const char *found = strstr(answer, id);
        char *end;
        guint64 n;

        if (!found || !g_ascii_isdigit(found[strlen(id)]))
                return 0;

        n = g_ascii_strtoull(found + strlen(id), &end, 10);
        return *end == '"' && n <= UINT_MAX ? (unsigned) n : 0;
}

bool probe_fast_start_gains(unsigned commands_without, unsigned commands_with)
{
        if (commands_without == 0 || commands_with == 0)
                return true;

        return commands_with <= commands_without / 2;
}

/* Multiboot 1 (https://www.gnu.org/software/grub/manual/multiboot/): magic, flags with the addresses in the
 * header (bit 16), checksum, then header, load, load end, bss end and entry address. The code writes SLP_EN
 * with sleep type 0 to the PM1a control register, which is S5 on QEMU's PIIX4; SeaBIOS puts it at 0x604. */
#define PROBE_ADDRESS 0x00, 0x00, 0x10, 0x00 /* 1 MiB, little endian */

static const uint8_t kernel_x86[] = {
                0x02, 0xb0, 0xad, 0x1b, /* magic 0x1badb002 */
                0x00, 0x00, 0x01, 0x00, /* flags 0x00010000 */
                0xfe, 0x4f, 0x51, 0xe4, /* -(magic + flags) */
                PROBE_ADDRESS,          /* the header's own address */
                PROBE_ADDRESS,          /* load from there */
                0x00, 0x00, 0x00, 0x00, /* all of the file */
                0x00, 0x00, 0x00, 0x00, /* no bss */
                0x20, 0x00, 0x10, 0x00, /* entry: the byte after this header */
                0xfa,                   /* cli */
                0x66, 0xba, 0x04, 0x06, /* mov $0x604, %dx */
                0x66, 0xb8, 0x00, 0x20, /* mov $0x2000, %ax */
                0x66, 0xef,             /* out %ax, (%dx) */
                0xf4,                   /* hlt */
                0xeb, 0xfd,             /* jmp to the hlt */
};

#define PROBE_SLOW_USEC  (1 * G_USEC_PER_SEC)
#define PROBE_SLOW_TIMES 10

bool probe_kvm_is_slow(int64_t kvm_usec, int64_t tcg_usec)
{
        return kvm_usec >= PROBE_SLOW_USEC && kvm_usec / PROBE_SLOW_TIMES >= tcg_usec;
}

/* Linux's boot image for arm64 (the kernel's Documentation/arch/arm64/booting.rst): code, where to load it,
 * how large it is, a magic. SYSTEM_OFF is in Arm's DEN0022 (PSCI); `virt` without firmware takes it by HVC.
 */
static const uint8_t kernel_aarch64[] = {
                0x10, 0x00, 0x00, 0x14,                         /* b, over the header */
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* load at any multiple of 2 MiB: … */
                0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, /* 4 KiB */
                0x00, 0x00, 0x00, 0x00, 0x0a, 0x00, 0x00,
                0x00, /* … little endian, pages of 4 KiB, anywhere in memory */
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* reserved */
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x41, 0x52, 0x4d, 0x64, /* "ARM\x64" */
                0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x80, 0x52,       /* mov w0, #8 */
                0x00, 0x80, 0xb0, 0x72,                               /* movk w0, #0x8400, lsl #16 */
                0x02, 0x00, 0x00, 0xd4,                               /* hvc #0 */
                0x5f, 0x20, 0x03, 0xd5,                               /* wfe */
                0xff, 0xff, 0xff, 0x17,                               /* b, to the wfe */
};

const uint8_t *probe_kernel(ImageArchitecture architecture, size_t *ret_size)
{
        bool aarch64 = architecture == IMAGE_ARCHITECTURE_AARCH64;

        *ret_size = aarch64 ? sizeof kernel_aarch64 : sizeof kernel_x86;
        return aarch64 ? kernel_aarch64 : kernel_x86;
}
