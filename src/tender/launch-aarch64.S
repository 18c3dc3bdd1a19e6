/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs in a page of its own, moved to the guest's memory, with the plan's address as its argument. It has no stack
 * until the guest's. */

#include <asm/unistd.h>

#include "launch-plan.h"

#define SECCOMP_SET_MODE_FILTER 1
#define CONSOLE                 1

/* x0 is 0 afterwards if it is gone. The kernel refuses a size of 0, of which there is nothing to take away. */
.macro unmap range
        mov x0, #0
        ldr x1, [x19, #(\range + 8)]
        cbz x1, .Lgone\@
        ldr x0, [x19, #\range]
        mov x8, #__NR_munmap
        svc #0
.Lgone\@:
.endm

        .section .text.tender_launch, "ax", %progbits
        .balign 4096
        .globl tender_launch_page
        .type tender_launch_page, %function
tender_launch_page:
        mov x19, x0
        ldr x1, [x19, #PLAN_STACK]
        mov sp, x1

        /* Refused as a whole where the kernel has sealed a part of it: its own pages, for clocks. */
        unmap PLAN_ALL
        cbz x0, 1f
        add x20, x19, #PLAN_NO_UNMAP
        unmap PLAN_BELOW_VDSO
        cbnz x0, 3f
        unmap PLAN_ABOVE_VDSO
        cbnz x0, 3f

1:      ldr x2, [x19, #PLAN_FILTER]
        cbz x2, 2f
        add x20, x19, #PLAN_NO_FILTER
        mov x0, #SECCOMP_SET_MODE_FILTER
        mov x1, #0
        mov x8, #__NR_seccomp
        svc #0
        cbnz x0, 3f

        /* Nothing of what this program knew is left in a general or vector register; no code of its own to return
         * to either. */
2:      ldr x0, [x19, #PLAN_INFO]
        ldr x16, [x19, #PLAN_ENTRY]
        .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        mov x\n, #0
        .endr
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movi v\n\().2d, #0
        .endr
        .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        movi v\n\().2d, #0
        .endr
        msr tpidr_el0, xzr
        br x16

3:      mov x0, #CONSOLE
        ldr x1, [x20, #REFUSAL_SENTENCE]
        ldr x2, [x20, #REFUSAL_LENGTH]
        mov x8, #__NR_write
        svc #0
        ldr x0, [x20, #REFUSAL_STATUS]
        mov x8, #__NR_exit_group
        svc #0
        brk #0
        .size tender_launch_page, . - tender_launch_page
        .balign 4096

        .section .note.GNU-stack, "", %progbits
