/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The instructions that filters of system calls are made of (seccomp(2)). */

#include "common/filter-program.h"

#include <glib.h>

void filter_program_add(FilterProgram *program, struct sock_filter instruction)
{
        g_assert(program->size < program->max);
        program->instructions[program->size++] = instruction;
}

void filter_program_answer(FilterProgram *program, uint32_t answer)
{
        filter_program_add(program, (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, answer));
}

void filter_program_load(FilterProgram *program, uint32_t offset)
{
        filter_program_add(program, (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

void filter_program_expect(FilterProgram *program, unsigned short condition, uint32_t value, uint32_t answer)
{
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | condition | BPF_K, value, 1, 0));
        filter_program_answer(program, answer);
}

void filter_program_expect_none(FilterProgram *program, uint32_t bits, uint32_t answer)
{
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
        filter_program_answer(program, answer);
}
