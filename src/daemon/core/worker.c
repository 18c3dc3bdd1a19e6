/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A few threads for work that may block; an eventfd tells the loop about results. */

#include "daemon/core/worker.h"

#include <errno.h>
#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/io.h"
#include "daemon/core/queue.h"

typedef struct Work {
        Worker *worker;
        QueueEntry *entry;
        WorkerFunction start, run, done;
        void *userdata;
} Work;

struct Worker {
        Queue *queue;
        GThreadPool *pool;
        GAsyncQueue *finished; /* Work */
        int wake_fd;
        sd_event_source *source;
};

static void work_run(gpointer data, gpointer userdata)
{
        Work *work = data;
        Worker *worker = userdata;
        uint64_t one = 1;

        work->run(work->userdata);
        g_async_queue_push(worker->finished, work);
        /* Fails only if the counter is full, and then the loop wakes anyway (eventfd(2)). */
        (void) !write(worker->wake_fd, &one, sizeof one);
}

static int on_work_finished(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Worker *worker = userdata;
        uint64_t count;

        if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
                return -errno;

        for (Work *work; (work = g_async_queue_try_pop(worker->finished));) {
                work->done(work->userdata);
                queue_entry_done(work->entry);
                g_free(work);
        }

        return 0;
}

int worker_new(sd_event *event, unsigned threads, unsigned per_user, Worker **ret_worker)
{
        Worker *worker = g_new0(Worker, 1);
        int r;

        worker->queue = queue_new(threads, per_user);
        worker->finished = g_async_queue_new();
        worker->pool = g_thread_pool_new(work_run, worker, (int) threads, FALSE, NULL);
        worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = worker->wake_fd < 0 ? -errno
                                : sd_event_add_io(event, &worker->source, worker->wake_fd, EPOLLIN,
                                                  on_work_finished, worker);
        if (r < 0) {
                worker_free(worker);
                return r;
        }

        *ret_worker = worker;
        return 0;
}

Worker *worker_free(Worker *worker)
{
        if (!worker)
                return NULL;

        /* A thread that a caller blocks must not block our exit: it ends with the process, and what it uses
         * is not freed. */
        if (worker->queue && worker_count(worker) > 0)
                return NULL;

        g_thread_pool_free(worker->pool, TRUE, TRUE);
        sd_event_source_disable_unref(worker->source);
        close_safe(worker->wake_fd);
        g_async_queue_unref(worker->finished);
        queue_free(worker->queue);
        g_free(worker);
        return NULL;
}

static void on_work_turn(QueueEntry *entry, void *userdata)
{
        Work *work = userdata;

        work->entry = entry;
        if (work->start)
                work->start(work->userdata);
        g_thread_pool_push(work->worker->pool, work, NULL);
}

void worker_run(Worker *worker, uid_t uid, WorkerFunction start, WorkerFunction run, WorkerFunction done,
                void *userdata)
{
        Work *work = g_new0(Work, 1);

        *work = (Work){.worker = worker, .start = start, .run = run, .done = done, .userdata = userdata};
        queue_add(worker->queue, uid, on_work_turn, work);
}

unsigned worker_count(const Worker *worker)
{
        return queue_count_running(worker->queue) + queue_count_waiting(worker->queue);
}
