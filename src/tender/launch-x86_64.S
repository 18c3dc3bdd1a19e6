/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs in a page of its own, moved to the guest's memory, with the plan's address as its argument. It has no stack
 * until the guest's. */

#include <asm/unistd_64.h>

#include "launch-plan.h"

#define SECCOMP_SET_MODE_FILTER 1
#define CONSOLE                 1

.macro unmap range
        movq \range(%rbx), %rdi
        movq (\range + 8)(%rbx), %rsi
        movl $__NR_munmap, %eax
        syscall
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
        testq %rax, %rax
        jz 1f
        unmap PLAN_BELOW_VDSO
        unmap PLAN_ABOVE_VDSO

1:      movq PLAN_FILTER(%rbx), %rdx
        testq %rdx, %rdx
        jz 2f
        movl $SECCOMP_SET_MODE_FILTER, %edi
        xorl %esi, %esi
        movl $__NR_seccomp, %eax
        syscall
        testq %rax, %rax
        jnz 3f

        /* Nothing of what this program knew is left in a register. */
2:      movq PLAN_INFO(%rbx), %rdi
        movq PLAN_ENTRY(%rbx), %rax
        .irp register, ebx, ecx, edx, esi, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
        xorl %\register, %\register
        .endr
        cld
        jmp *%rax

3:      movl $CONSOLE, %edi
        movq PLAN_SENTENCE(%rbx), %rsi
        movq PLAN_LENGTH(%rbx), %rdx
        movl $__NR_write, %eax
        syscall
        movq PLAN_STATUS(%rbx), %rdi
        movl $__NR_exit_group, %eax
        syscall
        ud2
        .size tender_launch_page, . - tender_launch_page
        .balign 4096

        .section .note.GNU-stack, "", @progbits
