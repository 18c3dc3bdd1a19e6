/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Multiboot 1 header (Multiboot Specification 0.6.96, section 3.1), PVH note, the way from 32 bit into C,
 * and the interrupt vectors. Everything is mapped one to one up to 4 GiB (ACPI's tables lie below that);
 * the first 2 MiB by single pages, so that cpu_init() can take page 0 away.
 */

#define MULTIBOOT_MAGIC 0x1badb002
/* Page alignment, memory information, and the "a.out kludge" with which QEMU takes an ELF64. */
#define MULTIBOOT_FLAGS 0x00010003

#ifdef GUEST_PVH

        .section .note.pvh, "a", @note
        .align 4
        .long 4, 8, 18                  /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz "Xen"
        .quad start

#else

        .section .multiboot, "a", @progbits
        .align 4
header:
        .long MULTIBOOT_MAGIC
        .long MULTIBOOT_FLAGS
        .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
        .long header
        .long image_start
        .long image_data_end
        .long image_end
        .long start

#endif

        .text
        .code32
        .globl start
start:
        cli
        cld
        movl %eax, %ebp                 /* the boot loader's magic number */
        movl %ebx, %esi                 /* and its information, neither on memory that is cleared now */
        movl $image_bss, %edi
        movl $image_end, %ecx
        subl %edi, %ecx
        shrl $2, %ecx
        xorl %eax, %eax
        rep stosl

        movl $(pdpt + 3), pml4
        movl $(directories + 0x0003), pdpt
        movl $(directories + 0x1003), pdpt + 8
        movl $(directories + 0x2003), pdpt + 16
        movl $(directories + 0x3003), pdpt + 24
        movl $directories, %edi         /* 2048 pages of 2 MiB */
        movl $0x83, %eax
        movl $2048, %ecx
1:      movl %eax, (%edi)
        addl $0x200000, %eax
        addl $8, %edi
        loop 1b
        movl $(first_table + 3), directories
        movl $first_table, %edi
        movl $0x0003, %eax
        movl $512, %ecx
2:      movl %eax, (%edi)
        addl $0x1000, %eax
        addl $8, %edi
        loop 2b

        movl %cr4, %eax
        orl $0x20, %eax                 /* PAE */
        movl %eax, %cr4
        movl $pml4, %eax
        movl %eax, %cr3
        movl $0xc0000080, %ecx          /* EFER: long mode */
        rdmsr
        orl $0x100, %eax
        wrmsr
        movl %cr0, %eax
        orl $0x80000000, %eax           /* paging */
        movl %eax, %cr0
        lgdt gdt_pointer
        ljmp $0x08, $start64

        .code64
start64:
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movl $stack_top, %esp
        movl %ebp, %edi
        movl %esi, %esi
        xorl %ebp, %ebp
        call guest_main
3:      cli
        hlt
        jmp 3b

/* 48 vectors, 16 bytes each: 32 traps and the 16 lines of the two 8259. */
        .balign 16
        .globl cpu_vectors
cpu_vectors:
        .set n, 0
        .rept 48
        .balign 16
        /* With an error code of the processor's: #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
        .if !(n == 8 || (n >= 10 && n <= 14) || n == 17)
        pushq $0
        .endif
        pushq $n
        jmp vector_common
        .set n, n + 1
        .endr

vector_common:
        pushq %rax
        pushq %rcx
        pushq %rdx
        pushq %rsi
        pushq %rdi
        pushq %r8
        pushq %r9
        pushq %r10
        pushq %r11
        movq %rsp, %rdi
        addq $72, %rdi                  /* Frame of cpu.c */
        cld
        pushq %rbx
        movq %rsp, %rbx
        andq $-16, %rsp
        call cpu_interrupt
        movq %rbx, %rsp
        popq %rbx
        popq %r11
        popq %r10
        popq %r9
        popq %r8
        popq %rdi
        popq %rsi
        popq %rdx
        popq %rcx
        popq %rax
        addq $16, %rsp
        iretq

        .section .rodata
        .balign 8
gdt:
        .quad 0
        .quad 0x00af9a000000ffff        /* 0x08: 64-bit code */
        .quad 0x00cf92000000ffff        /* 0x10: data */
gdt_pointer:
        .word gdt_pointer - gdt - 1
        .long gdt

        .bss
        .balign 4096
pml4:   .skip 4096
pdpt:   .skip 4096
directories:
        .skip 4 * 4096
        .globl first_table
first_table:
        .skip 4096
        .skip 16384
stack_top:

        .section .note.GNU-stack, "", @progbits
