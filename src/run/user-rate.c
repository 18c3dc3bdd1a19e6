/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rate for all of a user's guests together. Called by console.c. */

#include "run/user-rate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"

#define SIZE_MAX_TAKEN (UINT64_C(1) << 30)
#define SPAN_MAX       (UINT64_C(3600) * G_USEC_PER_SEC)
#define PAUSE_MIN      (UINT64_C(10) * 1000) /* avoids a wake-up for each line */

struct UserRate {
        _Atomic uint64_t *due; /* µs, CLOCK_MONOTONIC; in memory that all runners of the user share */
        uint64_t rate;
        uint64_t span;         /* how far ahead due may be, µs */
};

static uint64_t user_rate_time_for(uint64_t rate, uint64_t size)
{
        return MIN(size, SIZE_MAX_TAKEN) * G_USEC_PER_SEC / rate;
}

int user_rate_open(const char *owner, uint64_t rate, uint64_t burst, UserRate **ret_rate)
{
        g_autofree char *path = g_build_filename(paths_rates(), owner, NULL);
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        UserRate *result;
        void *memory;

        if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0)
                return -errno;
        memory = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;

        result = g_new(UserRate, 1);
        *result = (UserRate){.due = memory, .rate = MAX(rate, 1)};
        result->span = MIN(user_rate_time_for(result->rate, burst), SPAN_MAX);
        *ret_rate = result;
        return 0;
}

void user_rate_free(UserRate *rate)
{
        if (!rate)
                return;

        (void) munmap((void *) rate->due, sizeof(uint64_t));
        g_free(rate);
}

uint64_t user_rate_wait(const UserRate *rate, uint64_t now_usec)
{
        uint64_t due = atomic_load(rate->due), most = now_usec + rate->span;

        return due <= most ? 0 : MAX(MIN(due - most, SPAN_MAX), PAUSE_MIN);
}

void user_rate_take(UserRate *rate, uint64_t size, uint64_t now_usec)
{
        uint64_t due = atomic_load(rate->due), next;

        do
                /* A time beyond all that can have been taken is corrupt. */
                next = (due > now_usec + 2 * SPAN_MAX ? now_usec : MAX(due, now_usec)) +
                       user_rate_time_for(rate->rate, size);
        while (!atomic_compare_exchange_weak(rate->due, &due, next));
}
