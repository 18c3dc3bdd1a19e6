/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What arrives is what was sent, with its descriptors; and nothing else is taken for a request. */

#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture/files.h"
#include "helper/request.h"

typedef struct Fixture {
        int ours, its;
        int null, read_only, folder;
        unsigned n_fds; /* open at the beginning */
} Fixture;

static unsigned count_fds(void)
{
        g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
        unsigned n = 0;

        while (g_dir_read_name(dir))
                n++;
        return n;
}

static void set_up(Fixture *f, const void *data)
{
        int ends[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
        f->ours = ends[0];
        f->its = ends[1];
        f->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        f->read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
        f->folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(f->folder, >=, 0);
        f->n_fds = count_fds();
}

static void tear_down(Fixture *f, const void *data)
{
        /* Whatever came, nothing of it stays open. */
        g_assert_cmpuint(count_fds(), ==, f->n_fds);
        close_safe(f->ours);
        close_safe(f->its);
        close_safe(f->null);
        close_safe(f->read_only);
        close_safe(f->folder);
}

static bool is_same(int a, int b)
{
        struct stat one, other;

        return fstat(a, &one) >= 0 && fstat(b, &other) >= 0 && one.st_ino == other.st_ino &&
               one.st_dev == other.st_dev;
}

static void test_arrives(Fixture *f, const void *data)
{
        static const char *const words[] = {"watch", "a", "--witness", NULL};
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;

        g_assert_cmpint(domain_request_send(f->ours, words, f->null, f->null, -EBADF), ==, 0);
        g_assert_cmpint(domain_request_receive(f->its, &request), ==, 0);
        g_assert_cmpuint(request.n_words, ==, 3);
        g_assert_true(g_strv_equal((const char *const *) request.words, words));
        g_assert_true(is_same(request.output, f->null));
        g_assert_true(is_same(request.messages, f->null));
        g_assert_cmpint(request.credentials, <, 0);
        g_assert_cmpint(fcntl(request.output, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void test_credentials(Fixture *f, const void *data)
{
        static const char *const words[] = {"start", "a", NULL};
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;

        g_assert_cmpint(domain_request_send(f->ours, words, f->null, f->null, f->folder), ==, 0);
        g_assert_cmpint(domain_request_receive(f->its, &request), ==, 0);
        g_assert_true(is_same(request.credentials, f->folder));
}

static void refuse(Fixture *f, const char *const *words, int output, int messages, int credentials)
{
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;

        g_assert_cmpint(domain_request_send(f->ours, words, output, messages, credentials), ==, 0);
        g_assert_cmpint(domain_request_receive(f->its, &request), ==, -EBADMSG);
        g_assert_cmpint(request.output, ==, -EBADF);
}

static void test_wrong_descriptors(Fixture *f, const void *data)
{
        static const char *const start[] = {"start", "a", NULL}, *const stop[] = {"stop", "a", NULL};

        refuse(f, stop, f->read_only, f->null, -EBADF);
        refuse(f, stop, f->null, f->read_only, -EBADF);
        refuse(f, stop, f->folder, f->null, -EBADF);
        refuse(f, stop, f->null, f->null, f->folder);
        refuse(f, start, f->null, f->null, f->null);
}

/* n descriptors with the bytes of a good request. */
static void test_number_of_descriptors(Fixture *f, const void *data)
{
        for (size_t n = 0; n <= 5; n++) {
                _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;
                const int fds[] = {f->null, f->null, f->folder, f->null, f->null};
                char text[] = "start\0a", space[CMSG_SPACE(sizeof fds)] = {};
                struct iovec part = {.iov_base = text, .iov_len = sizeof text};
                struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

                if (n > 0) {
                        message.msg_control = space;
                        message.msg_controllen = CMSG_SPACE(n * sizeof(int));
                        *CMSG_FIRSTHDR(&message) = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n * sizeof(int))};
                        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, n * sizeof(int));
                }
                g_assert_cmpint(sendmsg(f->ours, &message, 0), ==, sizeof text);
                g_assert_cmpint(domain_request_receive(f->its, &request), ==,
                                n == 2 || n == 3 ? 0 : -EBADMSG);
                /* The kernel hands over none that there is no room for; QEMU takes them all, and hides these. */
                if (fixture_is_emulated() && n > 3)
                        f->n_fds = count_fds();
        }
}

static void test_end(Fixture *f, const void *data)
{
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;

        g_assert_cmpint(shutdown(f->ours, SHUT_WR), ==, 0);
        g_assert_cmpint(domain_request_receive(f->its, &request), ==, -ENODATA);
}

static void test_words(void)
{
        static const struct {
                const char *text;
                size_t size;
                unsigned n;
        } cases[] = {
                {"check", 6, 1},
                {"start\0a", 8, 2},
                {"watch\0a\0--witness", 18, 3},
                {"a\0b\0c\0d", 8, 4},
                {"a\0b\0c\0d\0e", 10, 0}, /* too many */
                {"", 0, 0},
                {"", 1, 0},
                {"start\0", 7, 0}, /* an empty one */
                {"start", 5, 0},  /* no end */
                {"--help", 7, 0},
                {"start a", 8, 0},
                {"start\0a\nb", 10, 0},
                {"start\0\xc3\xa4", 9, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_memdup2(cases[i].text, MAX(cases[i].size, 1));
                char *words[DOMAIN_WORDS_MAX + 1] = {};
                unsigned n = 0;
                int r = domain_words_parse(text, cases[i].size, words, &n);

                g_test_message("%zu: %s", i, cases[i].text);
                g_assert_cmpint(r, ==, cases[i].n > 0 ? 0 : -EBADMSG);
                g_assert_cmpuint(n, ==, cases[i].n);
                if (n > 0)
                        g_assert_cmpuint(g_strv_length(words), ==, n);
        }
}

static void test_too_long(void)
{
        char name[DOMAIN_REQUEST_MAX - 6 + 1] = "", text[DOMAIN_REQUEST_MAX];
        const char *words[] = {"start", name, NULL};
        const char *const many[] = {"a", "b", "c", "d", "e", NULL};

        memset(name, 'a', sizeof name - 1);
        g_assert_cmpint(domain_words_format(words, text), ==, -E2BIG);
        name[sizeof name - 2] = 0;
        g_assert_cmpint(domain_words_format(words, text), ==, DOMAIN_REQUEST_MAX);
        g_assert_cmpint(domain_words_format(many, text), ==, -E2BIG);
}

static void test_too_long_to_receive(Fixture *f, const void *data)
{
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;
        char text[DOMAIN_REQUEST_MAX + 1] = "start";

        memset(text + 6, 'a', sizeof text - 7);
        g_assert_cmpint(send(f->ours, text, sizeof text, 0), ==, sizeof text);
        g_assert_cmpint(domain_request_receive(f->its, &request), ==, -EBADMSG);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/helper/request/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("arrives-with-its-descriptors", test_arrives);
        ADD("a-start-brings-its-credentials", test_credentials);
        ADD("wrong-descriptors-are-refused", test_wrong_descriptors);
        ADD("too-few-and-too-many-descriptors-are-refused", test_number_of_descriptors);
        ADD("an-end-is-no-request", test_end);
        ADD("what-is-too-long-is-refused", test_too_long_to_receive);
        g_test_add_func("/helper/request/words", test_words);
        g_test_add_func("/helper/request/what-is-too-long-is-not-sent", test_too_long);
        return g_test_run();
}
