/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <endian.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* What filters of system calls are written with: instructions appended to a program, whose size the caller
 * bounds. Pure. */

#define BY_ENDIAN(little, big) (__BYTE_ORDER == __LITTLE_ENDIAN ? (little) : (big))

/* meson.build has the same list. */
#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define OUR_ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define OUR_ARCHITECTURE BY_ENDIAN(AUDIT_ARCH_ARM, AUDIT_ARCH_ARMEB)
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__)
#define OUR_ARCHITECTURE BY_ENDIAN(AUDIT_ARCH_PPC64LE, AUDIT_ARCH_PPC64)
#elif defined(__s390x__)
#define OUR_ARCHITECTURE AUDIT_ARCH_S390X
#endif

/* The halves of an argument, as a filter loads them. Of descriptors and flags the kernel uses the lower one
 * alone. */
#define ARGUMENT_LOW(i)                                                                                     \
        ((uint32_t) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t) + BY_ENDIAN(0, 4)))
#define ARGUMENT_HIGH(i)                                                                                    \
        ((uint32_t) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t) + BY_ENDIAN(4, 0)))

typedef struct FilterProgram {
        struct sock_filter *instructions;
        size_t size;
        size_t max;
} FilterProgram;

void filter_program_add(FilterProgram *program, struct sock_filter instruction);
/* Ends with an answer (SECCOMP_RET_…). */
void filter_program_answer(FilterProgram *program, uint32_t answer);
/* Loads 32 bits of struct seccomp_data. */
void filter_program_load(FilterProgram *program, uint32_t offset);
/* Goes on if the condition (BPF_JEQ, …) holds of what is loaded, and answers otherwise. */
void filter_program_expect(
                FilterProgram *program, unsigned short condition, uint32_t value, uint32_t answer);
/* Goes on if none of the bits is set, and answers otherwise. */
void filter_program_expect_none(FilterProgram *program, uint32_t bits, uint32_t answer);
