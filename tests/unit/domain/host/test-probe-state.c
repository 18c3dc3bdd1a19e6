/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was found by trying is remembered for just the host, and versions that it was found on. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "domain/host/probe-state.h"

#define KEY  "libvirt=9000000 qemu=7002022 kvm=present acceleration=auto fast-start=auto"
#define KVM  "kvm=yes\nkvm-reason=\n"
#define FAST "fast-start=yes\nfast-start-refused=no\nfast-start-reason=\n"

static void test_goes_there_and_back(void)
{
        char kvm_reason[] = "a guest ran = well", fast_reason[] = "unknown capability 'x'";
        char trouble[] = "it did not power off";
        ProbeResult results[] = {
                        {.kvm = true,
                                        .kvm_offered = true,
                                        .kvm_reason = kvm_reason,
                                        .fast_start_refused = true,
                                        .fast_start_reason = fast_reason},
                        {.fast_start = true,
                                        .kvm_reason = kvm_reason,
                                        .fast_start_reason = fast_reason,
                                        .trouble = trouble},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
                g_autofree char *text = probe_result_format(KEY, &results[i]);
                _cleanup_probe_result_ ProbeResult back = {};

                g_assert_cmpint(probe_result_parse(text, KEY, &back), ==, 0);
                g_assert_cmpint(back.kvm, ==, results[i].kvm);
                g_assert_cmpint(back.kvm_offered, ==, results[i].kvm_offered);
                g_assert_cmpint(back.fast_start, ==, results[i].fast_start);
                g_assert_cmpint(back.fast_start_refused, ==, results[i].fast_start_refused);
                g_assert_cmpstr(back.kvm_reason, ==, kvm_reason);
                g_assert_cmpstr(back.fast_start_reason, ==, fast_reason);
                g_assert_cmpstr(back.trouble, ==, results[i].trouble);
        }
}

static void test_another_host_asks_again(void)
{
        char reason[] = "r";
        ProbeResult result = {.kvm_reason = reason, .fast_start_reason = reason};
        g_autofree char *text = probe_result_format(KEY, &result);
        ProbeResult back = {};

        g_assert_cmpint(probe_result_parse(text, KEY "0", &back), ==, -ESTALE);
        g_assert_cmpint(probe_result_parse(text, "libvirt=9000001", &back), ==, -ESTALE);
        g_assert_null(back.kvm_reason);
}

static void test_refuses_other_text(void)
{
        static const char *const texts[] = {
                        "",
                        "for=" KEY "\n",
                        /* Of a version that did not ask what libvirt offers. */
                        "for=" KEY "\nkvm=yes\nkvm-reason=\nfast-start=yes\nfast-start-reason=\n",
                        "for=" KEY "\n" KVM "kvm-offered=no\n" FAST "trouble=",
                        "for=" KEY "\nkvm=maybe\nkvm-reason=\nkvm-offered=no\n" FAST "trouble=\n",
                        "for=" KEY "\n" KVM "kvm-offered=\n" FAST "trouble=\n",
                        /* Of one that did not tell a refusal from no gain. */
                        "for=" KEY "\n" KVM "kvm-offered=no\nfast-start=yes\nfast-start-reason=\ntrouble=\n",
                        "for=" KEY "\n" KVM "kvm-offered=no\nfast-start=\nfast-start-refused=no\n"
                        "fast-start-reason=\ntrouble=\n",
                        "for=" KEY "\n" FAST KVM "kvm-offered=no\ntrouble=\n",
                        "for=" KEY "\n" KVM "kvm-offered=no\n" FAST "trouble=\nmore\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                ProbeResult back = {};

                g_assert_cmpint(probe_result_parse(texts[i], KEY, &back), ==, -EBADMSG);
        }
}

static void test_counts_commands(void)
{
        static const struct {
                const char *answer;
                unsigned n;
        } cases[] = {
                        {"{\"return\":{\"status\":\"prelaunch\",\"running\":false},\"id\":\"libvirt-417\"}",
                                        417},
                        {"{\"id\":\"libvirt-16\",\"return\":{}}", 16},
                        {"{\"return\":{}}", 0},
                        {"{\"return\":{},\"id\":\"libvirt-\"}", 0},
                        {"{\"return\":{},\"id\":\"libvirt-4x\"}", 0},
                        {"{\"return\":{},\"id\":\"libvirt--4\"}", 0},
                        {"{\"return\":{},\"id\":\"libvirt-99999999999999999999\"}", 0},
                        {"", 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpuint(probe_count_commands(cases[i].answer), ==, cases[i].n);
}

/* Debian 12, 13 and sid of 2026. */
static void test_gains_where_libvirt_asks_less(void)
{
        g_assert_true(probe_fast_start_gains(412, 16));
        g_assert_true(probe_fast_start_gains(477, 15));
        g_assert_false(probe_fast_start_gains(14, 13));
        g_assert_false(probe_fast_start_gains(14, 14));
        g_assert_false(probe_fast_start_gains(13, 400));
        g_assert_true(probe_fast_start_gains(0, 16));
        g_assert_true(probe_fast_start_gains(412, 0));
}

static uint32_t word(const uint8_t *p)
{
        return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

/* Else QEMU takes it for something else, and no host has KVM. */
static void test_kernel_is_multiboot(void)
{
        size_t size = 0;
        const uint8_t *kernel = probe_kernel(IMAGE_ARCHITECTURE_X86_64, &size);

        g_assert_cmpuint(size, >, 32);
        g_assert_cmphex(word(kernel), ==, 0x1badb002);
        g_assert_cmphex(word(kernel + 4), ==, 0x10000);
        g_assert_cmphex((uint32_t) (word(kernel) + word(kernel + 4) + word(kernel + 8)), ==, 0);
        g_assert_cmphex(word(kernel + 12), ==, 0x100000);
        g_assert_cmphex(word(kernel + 16), ==, 0x100000);
        g_assert_cmphex(word(kernel + 28), ==, 0x100000 + 32);
}

/* A KVM that is there in name only is told from one that is nested, and from one on a slow machine. */
static void test_slow_kvm(void)
{
        static const struct {
                double kvm, tcg; /* seconds */
                bool slow;
        } cases[] = {
                        {0.1, 0.2, false},
                        {0.9, 0.01, false}, /* whatever is quicker: it is quick enough */
                        {1.5, 0.3, false},  /* nested */
                        {4.8, 2.1, false},  /* in an emulated machine */
                        {12, 20, false},
                        {5, 0.2, true},
                        {10, 1, true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(probe_kvm_is_slow((int64_t) (cases[i].kvm * G_USEC_PER_SEC),
                                                (int64_t) (cases[i].tcg * G_USEC_PER_SEC)),
                                ==, cases[i].slow);
}

/* The same of `virt`: its image is at least as long as its header, and jumps over it. */
static void test_kernel_of_aarch64(void)
{
        size_t size = 0;
        const uint8_t *kernel = probe_kernel(IMAGE_ARCHITECTURE_AARCH64, &size);

        g_assert_cmpuint(size, >, 64);
        g_assert_cmphex(word(kernel), ==, 0x14000000 | 64 / 4);
        g_assert_cmpuint(word(kernel + 16), >=, size);
        g_assert_cmpmem(kernel + 56, 4, "ARM\x64", 4);
}

/* Who insists on KVM where there is none is told so, with what to do about it. */
static void test_kvm_is_missing(void)
{
        char trouble[] = "libvirt does not support KVM: /dev/kvm is closed";
        const ProbeResult none = {.kvm = true, .trouble = trouble},
                          offered = {.kvm = true, .kvm_offered = true};
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(probe_result_check(&none, ACCELERATION_AUTO, NULL), ==, 0);
        g_assert_cmpint(probe_result_check(&none, ACCELERATION_TCG, NULL), ==, 0);
        g_assert_cmpint(probe_result_check(&offered, ACCELERATION_KVM, NULL), ==, 0);
        g_assert_cmpint(probe_result_check(&none, ACCELERATION_KVM, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_START_FAILED);
        g_assert_cmpstr(error.message, ==,
                        "shruthi.conf has Acceleration=kvm, but this host cannot use KVM (libvirt does not "
                        "support KVM: /dev/kvm is closed): set Acceleration=auto there, or make KVM "
                        "available ('shruthictl doctor' shows how)");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/probe/goes-there-and-back", test_goes_there_and_back);
        g_test_add_func("/domain/probe/another-host-asks-again", test_another_host_asks_again);
        g_test_add_func("/domain/probe/refuses-other-text", test_refuses_other_text);
        g_test_add_func("/domain/probe/counts-commands", test_counts_commands);
        g_test_add_func("/domain/probe/gains-where-libvirt-asks-less", test_gains_where_libvirt_asks_less);
        g_test_add_func("/domain/probe/kernel-is-multiboot", test_kernel_is_multiboot);
        g_test_add_func("/domain/probe/kvm-is-slow-only-where-emulation-is-far-quicker", test_slow_kvm);
        g_test_add_func("/domain/probe/kvm-that-is-missing-is-refused", test_kvm_is_missing);
        g_test_add_func("/domain/probe/kernel-of-aarch64", test_kernel_of_aarch64);
        return g_test_run();
}
