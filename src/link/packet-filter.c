/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verifies and runs programs that captures are filtered by. */

#include "link/packet-filter.h"

#include <linux/filter.h>
#include <string.h>

#include "common/string-util.h"
#include "link/frame.h"

#define SHOWN_MAX 60
#define WORD_BITS 32

struct PacketFilter {
        guint n;
        struct sock_filter instructions[];
};

typedef struct Machine {
        const uint8_t *frame;
        size_t size;
        uint32_t a, x, memory[BPF_MEMWORDS];
} Machine;

void packet_filter_free(PacketFilter *filter)
{
        g_free(filter);
}

static int refuse(Error *ret_error, guint i, const char *why)
{
        return error_set(ret_error, ERROR_INVALID_ARGS, "instruction %u of the filter %s", i, why);
}

static bool load_is_known(uint16_t code)
{
        switch (code) {
        case BPF_LD | BPF_W | BPF_ABS:
        case BPF_LD | BPF_H | BPF_ABS:
        case BPF_LD | BPF_B | BPF_ABS:
        case BPF_LD | BPF_W | BPF_IND:
        case BPF_LD | BPF_H | BPF_IND:
        case BPF_LD | BPF_B | BPF_IND:
        case BPF_LD | BPF_W | BPF_LEN:
        case BPF_LD | BPF_IMM:
        case BPF_LD | BPF_MEM:
        case BPF_LDX | BPF_W | BPF_LEN:
        case BPF_LDX | BPF_IMM:
        case BPF_LDX | BPF_MEM:
        case BPF_LDX | BPF_B | BPF_MSH:
                return true;
        default:
                return false;
        }
}

static bool operation_is_known(uint16_t code)
{
        uint16_t operation = BPF_OP(code);

        if (code & ~(0xf0 | BPF_X | 0x07))
                return false;
        return operation <= BPF_NEG || operation == BPF_MOD || operation == BPF_XOR;
}

static bool instruction_is_known(uint16_t code)
{
        switch (BPF_CLASS(code)) {
        case BPF_LD:
        case BPF_LDX:
                return load_is_known(code);
        case BPF_ALU:
                return operation_is_known(code);
        case BPF_JMP:
                return code == (BPF_JMP | BPF_JA) ||
                       ((code & ~(0xf0 | BPF_X | 0x07)) == 0 && BPF_OP(code) >= BPF_JEQ &&
                                       BPF_OP(code) <= BPF_JSET);
        case BPF_ST:
        case BPF_STX:
                return code == BPF_ST || code == BPF_STX;
        case BPF_RET:
                return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
        default:
                return code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
        }
}

static bool uses_memory(uint16_t code)
{
        return code == BPF_ST || code == BPF_STX || code == (BPF_LD | BPF_MEM) ||
               code == (BPF_LDX | BPF_MEM);
}

static int verify_instruction(const PacketFilter *filter, guint i, Error *ret_error)
{
        const struct sock_filter *one = &filter->instructions[i];
        guint left = filter->n - i - 1;
        bool constant = BPF_SRC(one->code) == BPF_K;

        if (!instruction_is_known(one->code))
                return refuse(ret_error, i, "is none of the classic BPF");
        if (uses_memory(one->code) && one->k >= BPF_MEMWORDS)
                return refuse(ret_error, i, "uses memory that there is not");
        /* There Linux has what it knows of a packet besides (SKF_AD_OFF), such as its direction. */
        if (BPF_CLASS(one->code) == BPF_LD && BPF_MODE(one->code) == BPF_ABS && one->k > INT32_MAX)
                return refuse(ret_error, i, "reads what only a live capture knows of a frame");
        if (BPF_CLASS(one->code) == BPF_ALU && constant) {
                if ((BPF_OP(one->code) == BPF_DIV || BPF_OP(one->code) == BPF_MOD) && one->k == 0)
                        return refuse(ret_error, i, "divides by 0");
                if ((BPF_OP(one->code) == BPF_LSH || BPF_OP(one->code) == BPF_RSH) && one->k >= WORD_BITS)
                        return refuse(ret_error, i, "shifts by more bits than there are");
        }
        /* Only forward, so that it ends. libpcap loops for "protochain". */
        if (BPF_CLASS(one->code) == BPF_JMP) {
                bool always = BPF_OP(one->code) == BPF_JA;

                if (always ? one->k >= left : one->jt >= left || one->jf >= left)
                        return refuse(ret_error, i, "jumps back, or beyond the end");
        }
        return 0;
}

static int filter_verify(const PacketFilter *filter, Error *ret_error)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < filter->n; i++)
                r = verify_instruction(filter, i, ret_error);
        if (r >= 0 && BPF_CLASS(filter->instructions[filter->n - 1].code) != BPF_RET)
                return refuse(ret_error, filter->n - 1, "is the last, and does not say what is kept");
        return r;
}

static bool parse_instruction(const char *word, struct sock_filter *ret_instruction)
{
        g_auto(GStrv) parts = g_strsplit(word, ":", 5);
        uint64_t code, jt, jf, k;

        if (g_strv_length(parts) != 4 || number_parse(parts[0], 0, UINT16_MAX, &code) < 0 ||
                        number_parse(parts[1], 0, UINT8_MAX, &jt) < 0 ||
                        number_parse(parts[2], 0, UINT8_MAX, &jf) < 0 ||
                        number_parse(parts[3], 0, UINT32_MAX, &k) < 0)
                return false;

        *ret_instruction = (struct sock_filter){
                        .code = (uint16_t) code, .jt = (uint8_t) jt, .jf = (uint8_t) jf, .k = (uint32_t) k};
        return true;
}

int packet_filter_parse(const char *text, PacketFilter **ret_filter, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, ",", PACKET_FILTER_MAX + 3);
        guint length = g_strv_length(words);
        g_autoptr(PacketFilter) filter = NULL;
        uint64_t n;
        int r;

        /* tcpdump ends its last line, too. */
        if (length > 0 && !*words[length - 1])
                length--;
        if (length == 0 || number_parse(words[0], 1, UINT32_MAX, &n) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "no filter: it is COUNT,CODE:JT:JF:K,…, as tcpdump -ddd prints it");
        if (n > PACKET_FILTER_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "the filter has more than %d instructions: use a shorter one",
                                PACKET_FILTER_MAX);
        if (length != n + 1)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "the filter says that it has %u instructions, and has %u", (guint) n,
                                length - 1);

        filter = g_malloc0(sizeof *filter + n * sizeof *filter->instructions);
        filter->n = (guint) n;
        for (guint i = 0; i < n; i++)
                if (!parse_instruction(words[i + 1], &filter->instructions[i])) {
                        g_autofree char *shown = text_for_display(words[i + 1], SHOWN_MAX);

                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "instruction %u of the filter, '%s', is not CODE:JT:JF:K", i, shown);
                }
        r = filter_verify(filter, ret_error);
        if (r < 0)
                return r;

        *ret_filter = g_steal_pointer(&filter);
        return 0;
}

char *packet_filter_format(const PacketFilter *filter)
{
        g_autoptr(GString) out = g_string_new(NULL);

        g_string_append_printf(out, "%u", filter->n);
        for (guint i = 0; i < filter->n; i++) {
                const struct sock_filter *one = &filter->instructions[i];

                g_string_append_printf(out, ",%u:%u:%u:%u", one->code, one->jt, one->jf, one->k);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Some bytes of the frame, in network order. false: it does not have them. */
static bool machine_read(const Machine *machine, uint64_t at, uint16_t code, uint32_t *ret_value)
{
        size_t width = BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
        const uint8_t *p;

        if (at > machine->size || machine->size - at < width)
                return false;
        p = machine->frame + at;
        *ret_value = width == 4 ? frame_get32(p) : width == 2 ? frame_get16(p) : *p;
        return true;
}

/* false: the frame is too short for it. */
static bool machine_load(Machine *machine, const struct sock_filter *one)
{
        uint32_t *target = BPF_CLASS(one->code) == BPF_LD ? &machine->a : &machine->x, header;

        switch (BPF_MODE(one->code)) {
        case BPF_ABS:
                return machine_read(machine, one->k, one->code, target);
        case BPF_IND:
                return machine_read(machine, (uint64_t) machine->x + one->k, one->code, target);
        case BPF_MSH:
                if (!machine_read(machine, one->k, BPF_B, &header))
                        return false;
                *target = (header & 0x0f) * 4;
                return true;
        case BPF_LEN:
                *target = (uint32_t) machine->size;
                return true;
        case BPF_MEM:
                *target = machine->memory[one->k];
                return true;
        default: /* BPF_IMM */
                *target = one->k;
                return true;
        }
}

/* false: it divides by 0. */
static bool machine_compute(Machine *machine, const struct sock_filter *one)
{
        uint32_t a = machine->a, b = BPF_SRC(one->code) == BPF_X ? machine->x : one->k;

        switch (BPF_OP(one->code)) {
        case BPF_ADD:
                machine->a = a + b;
                break;
        case BPF_SUB:
                machine->a = a - b;
                break;
        case BPF_MUL:
                machine->a = a * b;
                break;
        case BPF_DIV:
        case BPF_MOD:
                if (b == 0)
                        return false;
                machine->a = BPF_OP(one->code) == BPF_DIV ? a / b : a % b;
                break;
        case BPF_OR:
                machine->a = a | b;
                break;
        case BPF_AND:
                machine->a = a & b;
                break;
        case BPF_XOR:
                machine->a = a ^ b;
                break;
        case BPF_LSH:
                machine->a = b < WORD_BITS ? a << b : 0;
                break;
        case BPF_RSH:
                machine->a = b < WORD_BITS ? a >> b : 0;
                break;
        default: /* BPF_NEG */
                machine->a = -a;
        }
        return true;
}

static guint machine_jump(const Machine *machine, const struct sock_filter *one)
{
        uint32_t b = BPF_SRC(one->code) == BPF_X ? machine->x : one->k;
        bool holds;

        switch (BPF_OP(one->code)) {
        case BPF_JA:
                return one->k;
        case BPF_JEQ:
                holds = machine->a == b;
                break;
        case BPF_JGT:
                holds = machine->a > b;
                break;
        case BPF_JGE:
                holds = machine->a >= b;
                break;
        default: /* BPF_JSET */
                holds = machine->a & b;
        }
        return holds ? one->jt : one->jf;
}

bool packet_filter_matches(const PacketFilter *filter, const uint8_t *frame, size_t size)
{
        Machine machine = {.frame = frame, .size = size};

        for (guint i = 0; i < filter->n; i++) {
                const struct sock_filter *one = &filter->instructions[i];

                switch (BPF_CLASS(one->code)) {
                case BPF_LD:
                case BPF_LDX:
                        if (!machine_load(&machine, one))
                                return false;
                        break;
                case BPF_ST:
                        machine.memory[one->k] = machine.a;
                        break;
                case BPF_STX:
                        machine.memory[one->k] = machine.x;
                        break;
                case BPF_ALU:
                        if (!machine_compute(&machine, one))
                                return false;
                        break;
                case BPF_JMP:
                        i += machine_jump(&machine, one);
                        break;
                case BPF_RET:
                        return (BPF_RVAL(one->code) == BPF_A ? machine.a : one->k) != 0;
                default: /* BPF_MISC */
                        if (BPF_MISCOP(one->code) == BPF_TAX)
                                machine.x = machine.a;
                        else
                                machine.a = machine.x;
                }
        }
        return false;
}
