/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Linux's boot protocol (the kernel's Documentation/arch/arm64/booting.rst): a header of 64 bytes, entered at its
 * first with the address of the device tree in x0, at EL1, without virtual memory. The tables of pages are part of
 * the image, so that nothing is written before the caches are on: one to one, the first GiB for devices (with a hole
 * where a NULL pointer leads to, QEMU's flash), 255 GiB of memory above it, and 256 GiB for devices again (PCI's
 * configuration).
 */

        .section .head, "ax"
        .globl start
start:
        b enter
        .long 0
        .quad 0x80000                   /* the image's place behind a multiple of 2 MiB, see link.ld */
        .quad image_size
        .quad 2                         /* little endian, pages of 4 KiB */
        .quad 0, 0, 0
        .ascii "ARM\x64"
        .long 0

enter:
        ldr x1, =0x000000000000ff00     /* memory 1: write-back; memory 0: device */
        msr mair_el1, x1
        ldr x1, =0x0000000280803519     /* 39 bits below, none above, pages of 4 KiB, cached, 40 bits physical */
        msr tcr_el1, x1
        adrp x1, level1
        msr ttbr0_el1, x1
        adr x1, cpu_vectors
        msr vbar_el1, x1
        dsb sy
        tlbi vmalle1
        dsb sy
        isb
        mrs x1, sctlr_el1
        mov x2, #0x1005                 /* virtual memory, data and instruction caches */
        orr x1, x1, x2
        bic x1, x1, #2                  /* what is not aligned is no fault */
        msr sctlr_el1, x1
        isb

        adrp x1, image_bss
        adrp x2, image_end
1:      cmp x1, x2
        b.eq 2f
        stp xzr, xzr, [x1], #16
        b 1b
2:      adrp x1, stack_top
        mov sp, x1
        mov x29, xzr
        mov x1, x0                      /* guest_main(magic, info) */
        mov x0, xzr
        bl guest_main
3:      wfi
        b 3b

/* 16 vectors of 128 bytes: synchronous, interrupt, fast interrupt, error, for each of four origins. */
        .balign 2048
cpu_vectors:
        .set n, 0
        .rept 16
        .balign 128
        sub sp, sp, #192
        stp x0, x1, [sp]
        mov x0, #n
        b vector_common
        .set n, n + 1
        .endr

        .balign 128
vector_common:
        stp x2, x3, [sp, #16]
        stp x4, x5, [sp, #32]
        stp x6, x7, [sp, #48]
        stp x8, x9, [sp, #64]
        stp x10, x11, [sp, #80]
        stp x12, x13, [sp, #96]
        stp x14, x15, [sp, #112]
        stp x16, x17, [sp, #128]
        stp x18, x30, [sp, #144]
        mrs x1, elr_el1
        mrs x2, spsr_el1
        stp x1, x2, [sp, #160]
        stp x29, xzr, [sp, #176]
        bl cpu_interrupt                /* (vector) */
        ldp x1, x2, [sp, #160]
        msr elr_el1, x1
        msr spsr_el1, x2
        ldp x29, x30, [sp, #176]
        ldp x18, x30, [sp, #144]
        ldp x16, x17, [sp, #128]
        ldp x14, x15, [sp, #112]
        ldp x12, x13, [sp, #96]
        ldp x10, x11, [sp, #80]
        ldp x8, x9, [sp, #64]
        ldp x6, x7, [sp, #48]
        ldp x4, x5, [sp, #32]
        ldp x2, x3, [sp, #16]
        ldp x0, x1, [sp]
        add sp, sp, #192
        eret

        .data
        .balign 4096
level1:                                 /* entries of 1 GiB */
        .quad level2 + 3
        .set n, 1
        .rept 255
        .quad (n << 30) + 0x705         /* accessed, shared, memory 1 */
        .set n, n + 1
        .endr
        .rept 256
        .quad (n << 30) + 0x401 + (3 << 53) /* accessed, memory 0, never executed */
        .set n, n + 1
        .endr
level2:                                 /* of 2 MiB: none for the flash of 128 MiB */
        .fill 64, 8, 0
        .set n, 64
        .rept 448
        .quad (n << 21) + 0x401 + (3 << 53)
        .set n, n + 1
        .endr

        .bss
        .balign 4096
        .skip 16384
stack_top:

        .section .note.GNU-stack, "", %progbits
