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

/* An answer of any bytes with any number of descriptors, which are all one. */
static void send_raw(Fixture *f, const void *bytes, size_t size, size_t n)
{
        g_autofree char *space = g_malloc0(CMSG_SPACE(n * sizeof(int)));
        struct iovec part = {.iov_base = (void *) bytes, .iov_len = size};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

        if (n > 0) {
                struct cmsghdr *header;

                message.msg_control = space;
                message.msg_controllen = CMSG_SPACE(n * sizeof(int));
                header = CMSG_FIRSTHDR(&message);
                *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                .cmsg_len = CMSG_LEN(n * sizeof(int))};
                for (size_t i = 0; i < n; i++)
                        memcpy(CMSG_DATA(header) + i * sizeof(int), &f->null, sizeof(int));
        }
        g_assert_cmpint((int) sendmsg(f->ours, &message, 0), ==, (int) size);
}

/* Receives, and has nothing left over. */
static void assert_answer(Fixture *f, int r, int expected, unsigned n)
{
        int answer = -100, fds[DOMAIN_HANDED_MAX];
        unsigned n_fds = 0;

        g_assert_cmpint(domain_answer_receive(f->its, &answer, fds, &n_fds), ==, r);
        if (r > 0)
                g_assert_cmpint(answer, ==, expected);
        g_assert_cmpuint(n_fds, ==, n);
        for (unsigned i = 0; i < n_fds; i++) {
                g_assert_true(is_same(fds[i], f->null));
                g_assert_cmpint(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
                close_safe(fds[i]);
        }
}

static void test_handed(Fixture *f, const void *data)
{
        const int sent[] = {f->folder, f->null, f->ours, f->null};
        int answer, fds[DOMAIN_HANDED_MAX];
        unsigned n_fds = 0;

        g_assert_cmpint(domain_answer_hand(f->ours, sent, G_N_ELEMENTS(sent)), ==, 0);
        g_assert_cmpint(domain_answer_receive(f->its, &answer, fds, &n_fds), ==, 1);
        g_assert_cmpint(answer, ==, DOMAIN_HANDED);
        g_assert_cmpuint(n_fds, ==, G_N_ELEMENTS(sent));
        for (unsigned i = 0; i < n_fds; i++) {
                g_assert_true(is_same(fds[i], sent[i]));
                g_assert_cmpint(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
                close_safe(fds[i]);
                g_assert_cmpint(fcntl(sent[i], F_GETFD), >=, 0); /* ours stays ours */
        }
}

static void test_how_many_are_handed(Fixture *f, const void *data)
{
        int many[DOMAIN_HANDED_MAX + 1];

        for (size_t i = 0; i < G_N_ELEMENTS(many); i++)
                many[i] = f->null;
        g_assert_cmpint(domain_answer_hand(f->ours, many, 0), ==, -E2BIG);
        g_assert_cmpint(domain_answer_hand(f->ours, many, DOMAIN_HANDED_MAX + 1), ==, -E2BIG);
        assert_answer(f, -EAGAIN, 0, 0);

        g_assert_cmpint(domain_answer_hand(f->ours, many, 1), ==, 0);
        g_assert_cmpint(domain_answer_hand(f->ours, many, DOMAIN_HANDED_MAX), ==, 0);
        assert_answer(f, 1, DOMAIN_HANDED, 1);
        assert_answer(f, 1, DOMAIN_HANDED, DOMAIN_HANDED_MAX);
}

/* Nobody sends that; nothing of it stays open. */
static void test_too_many_are_handed(Fixture *f, const void *data)
{
        static const int answer = DOMAIN_HANDED;

        for (size_t n = DOMAIN_HANDED_MAX + 1; n <= DOMAIN_HANDED_MAX + 5; n++) {
                send_raw(f, &answer, sizeof answer, n);
                assert_answer(f, 1, DOMAIN_HANDED, 0);
                /* As for requests. */
                if (fixture_is_emulated())
                        f->n_fds = count_fds();
        }
}

static void test_answers(Fixture *f, const void *data)
{
        static const int answers[] = {DOMAIN_BEGUN, DOMAIN_ELSEWHERE, DOMAIN_HANDED, 0, 7, 255};

        for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
                domain_answer_send(f->ours, answers[i]);
                assert_answer(f, 1, answers[i], 0);
        }
        /* Only one of them brings descriptors. */
        for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
                send_raw(f, &answers[i], sizeof answers[i], 3);
                assert_answer(f, 1, answers[i], answers[i] == DOMAIN_HANDED ? 3 : 0);
        }
        assert_answer(f, -EAGAIN, 0, 0);
}

static void test_answer_cut_short(Fixture *f, const void *data)
{
        static const int answer = DOMAIN_HANDED;

        for (size_t size = 1; size < sizeof answer; size++) {
                send_raw(f, &answer, size, 0);
                assert_answer(f, -EBADMSG, 0, 0);
                send_raw(f, &answer, size, 2);
                assert_answer(f, -EBADMSG, 0, 0);
        }
}

static void test_end_of_answers(Fixture *f, const void *data)
{
        g_assert_cmpint(domain_answer_hand(f->ours, &f->null, 1), ==, 0);
        g_assert_cmpint(shutdown(f->ours, SHUT_WR), ==, 0);
        assert_answer(f, 1, DOMAIN_HANDED, 1);
        assert_answer(f, 0, 0, 0);
        assert_answer(f, 0, 0, 0);
}

/* As where somebody has run shruthi-domain by hand, or does not wait any more. */
static void test_nobody_takes(Fixture *f, const void *data)
{
        g_assert_cmpint(domain_answer_hand(f->null, &f->null, 1), ==, -ENOTSOCK);
        g_assert_cmpint(domain_answer_hand(-EBADF, &f->null, 1), ==, -EBADF);
        g_assert_cmpint(shutdown(f->its, SHUT_RDWR), ==, 0);
        g_assert_cmpint(domain_answer_hand(f->ours, &f->null, 1), ==, -EPIPE);
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
                        {"a\0b\0c\0d\0e", 10, 5},
                        {"", 0, 0},
                        {"", 1, 0},
                        {"start\0", 7, 0}, /* an empty one */
                        {"start", 5, 0},   /* no end */
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

static void test_too_many_words(void)
{
        char text[2 * (DOMAIN_WORDS_MAX + 1)], *words[DOMAIN_WORDS_MAX + 1];
        unsigned n = 0;

        for (size_t i = 0; i < sizeof text; i++)
                text[i] = i % 2 == 0 ? 'a' : '\0';
        g_assert_cmpint(domain_words_parse(text, sizeof text, words, &n), ==, -EBADMSG);
        g_assert_cmpint(domain_words_parse(text, sizeof text - 2, words, &n), ==, 0);
        g_assert_cmpuint(n, ==, DOMAIN_WORDS_MAX);
}

static void test_too_long(void)
{
        char name[DOMAIN_REQUEST_MAX - 6 + 1] = "", text[DOMAIN_REQUEST_MAX];
        const char *words[] = {"start", name, NULL};
        const char *many[DOMAIN_WORDS_MAX + 2] = {};

        for (unsigned i = 0; i <= DOMAIN_WORDS_MAX; i++)
                many[i] = "a";

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
        ADD("descriptors-are-handed-over-in-their-order", test_handed);
        ADD("as-many-are-handed-over-as-a-guest-can-have", test_how_many_are_handed);
        ADD("too-many-that-are-handed-over-are-closed", test_too_many_are_handed);
        ADD("descriptors-of-other-answers-are-closed", test_answers);
        ADD("an-answer-cut-short-is-none", test_answer_cut_short);
        ADD("an-end-is-no-answer", test_end_of_answers);
        ADD("nobody-need-take-them", test_nobody_takes);
        g_test_add_func("/helper/request/words", test_words);
        g_test_add_func("/helper/request/too-many-words", test_too_many_words);
        g_test_add_func("/helper/request/what-is-too-long-is-not-sent", test_too_long);
        return g_test_run();
}
