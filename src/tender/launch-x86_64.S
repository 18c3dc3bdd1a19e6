/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs in a page of its own, moved to the guest's memory, with the plan's address as its argument. It has no stack
 * until the guest's. */

#include <asm/unistd_64.h>

#include "launch-plan.h"

#define SECCOMP_SET_MODE_FILTER 1
#define CONSOLE                 1

/* "Zero" afterwards if it is gone. The kernel refuses a size of 0, of which there is nothing to take away. */
.macro unmap range
        movq (\range + 8)(%rbx), %rsi
        testq %rsi, %rsi
        jz .Lgone\@
        movq \range(%rbx), %rdi
        movl $__NR_munmap, %eax
        syscall
        testq %rax, %rax
.Lgone\@:
.endm

        .section .text.tender_launch, "ax", @progbits
        .balign 4096
        .globl tender_launch_page
        .type tender_launch_page, @function
tender_launch_page:
        movq %rdi, %rbx
        movq PLAN_STACK(%rbx), %rsp

        /* Refused as a whole where the kernel has sealed a part of it: its own pages, for clocks. */
        unmap PLAN_ALL
        jz 1f
        leaq PLAN_NO_UNMAP(%rbx), %r12
        unmap PLAN_BELOW_VDSO
        jnz 3f
        unmap PLAN_ABOVE_VDSO
        jnz 3f

1:      movq PLAN_FILTER(%rbx), %rdx
        testq %rdx, %rdx
        jz 2f
        leaq PLAN_NO_FILTER(%rbx), %r12
        movl $SECCOMP_SET_MODE_FILTER, %edi
        xorl %esi, %esi
        movl $__NR_seccomp, %eax
        syscall
        testq %rax, %rax
        jnz 3f

        /* Nothing of what this program knew is left in a general register, nor in what each processor has of the
         * vector registers: their lower 128 bits. */
2:      movq PLAN_INFO(%rbx), %rdi
        movq PLAN_ENTRY(%rbx), %rax
        .irp register, ebx, ecx, edx, esi, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
        xorl %\register, %\register
        .endr
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        pxor %xmm\n, %xmm\n
        .endr
        cld
        jmp *%rax

3:      movl $CONSOLE, %edi
        movq REFUSAL_SENTENCE(%r12), %rsi
        movq REFUSAL_LENGTH(%r12), %rdx
        movl $__NR_write, %eax
        syscall
        movq REFUSAL_STATUS(%r12), %rdi
        movl $__NR_exit_group, %eax
        syscall
        ud2
        .size tender_launch_page, . - tender_launch_page
        .balign 4096

        .section .note.GNU-stack, "", @progbits
