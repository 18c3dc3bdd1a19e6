/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a C library would give. The compiler calls memcpy, memset and memcmp by itself, so they are in
 * assembly or written such that it does not find them in themselves.
 */

#include "guest.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
#ifdef __x86_64__
        void *start = to;

        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
        return start;
#else
        uint8_t *t = to;
        const uint8_t *f = from;

        for (size_t i = 0; i < n; i++) {
                t[i] = f[i];
                compiler_barrier();
        }
        return to;
#endif
}

void *memset(void *to, int byte, size_t n)
{
#ifdef __x86_64__
        void *start = to;

        __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
        return start;
#else
        uint8_t *t = to;

        for (size_t i = 0; i < n; i++) {
                t[i] = (uint8_t)byte;
                compiler_barrier();
        }
        return to;
#endif
}

int memcmp(const void *a, const void *b, size_t n)
{
        const uint8_t *x = a, *y = b;

        for (size_t i = 0; i < n; i++)
                if (x[i] != y[i])
                        return x[i] < y[i] ? -1 : 1;
        return 0;
}

size_t strlen(const char *s)
{
        const char *end = s;

        while (*end != '\0') {
                end++;
                compiler_barrier();
        }
        return (size_t)(end - s);
}

bool streq(const char *a, const char *b)
{
        const char *rest = startswith(a, b);

        return rest && *rest == '\0';
}

const char *startswith(const char *s, const char *prefix)
{
        for (; *prefix != '\0'; s++, prefix++)
                if (*s != *prefix)
                        return NULL;
        return s;
}

long number_parse(const char *s, const char **ret_end)
{
        bool negative = *s == '-';
        unsigned long value = 0;

        if (negative)
                s++;
        for (; *s >= '0' && *s <= '9'; s++)
                value = value * 10 + (unsigned long)(*s - '0');

        *ret_end = s;
        return (long)(negative ? -value : value);
}

void *memory_take(size_t size, size_t alignment)
{
        extern char image_end[];
        static uintptr_t next;
        uintptr_t start;

        if (next == 0)
                next = (uintptr_t)image_end;
        start = (next + alignment - 1) & ~(alignment - 1);
        if (start + size > boot_memory_end)
                PANIC("out of memory");

        next = start + size;
        return memset((void *)start, 0, size);
}
