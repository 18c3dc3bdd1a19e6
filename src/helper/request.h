/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/io.h"

/* The protocol of /run/shruthi/domain, where shruthi-domain.service does for others what a process of
 * shruthi-domain would do. One packet is the request: the words of that process' command line, with the
 * descriptors that it would have. Packets of one int are the answer: that it has begun, then its exit
 * status; where the caller is to execute the guest, one with the guest's descriptors comes between the two.
 * A connection that ends before the first means that nothing was done; one that ends after it, that the
 * worker was killed. Closing the connection kills the worker. */

#define DOMAIN_SOCKET      "domain"
#define DOMAIN_WORDS_MAX   33   /* a verb and some names */
#define DOMAIN_REQUEST_MAX 2560 /* bytes */

/* Answers besides exit statuses. */
#define DOMAIN_BEGUN     (-1)
#define DOMAIN_ELSEWHERE (-2) /* only a process of its own can do that, all of it */
#define DOMAIN_HANDED    (-3) /* descriptors come with it */

#define DOMAIN_HANDED_MAX 72 /* a guest's devices, its image, and more */

/* The second descriptor gets this number in the guest's process, the third the next one, and so on. */
#define HELPER_GUEST_FD_FIRST 3

/* Among the guest's words: it needs /dev/kvm, which the runner adds, with the number that is next. */
#define HELPER_WORD_KVM "--kvm"

/* A process that starts a guest has a socket for that answer here. */
#define DOMAIN_HANDS_FD 3

typedef struct DomainRequest {
        char text[DOMAIN_REQUEST_MAX];
        char *words[DOMAIN_WORDS_MAX + 1]; /* in text, NULL-terminated */
        unsigned n_words;
        int output;      /* its standard output */
        int messages;    /* … and error */
        int credentials; /* the folder of the unit's credentials; negative if none */
} DomainRequest;

#define DOMAIN_REQUEST_INIT ((DomainRequest){.output = -EBADF, .messages = -EBADF, .credentials = -EBADF})

void domain_request_clear(DomainRequest *request);
#define _cleanup_domain_request_ __attribute__((cleanup(domain_request_clear)))

/* Converts words to text, each terminated by a NUL; returns its size, or -E2BIG. Pure. */
ssize_t domain_words_format(const char *const *words, char ret_text[static DOMAIN_REQUEST_MAX]);

/* Parses bytes of unknown origin. The words point into text; the first is not an option. -EBADMSG. Pure. */
int domain_words_parse(char *text, size_t size, char *ret_words[static DOMAIN_WORDS_MAX + 1],
                unsigned *ret_n_words);

/* Sends a request. credentials may be negative. */
int domain_request_send(int socket, const char *const *words, int output, int messages, int credentials);

/* Receives a request of unknown origin: -EBADMSG if words or descriptors are not what they must be. */
int domain_request_receive(int socket, DomainRequest *ret_request);

/* Sends one of the answers; waits for nobody, and nobody need be there. */
void domain_answer_send(int socket, int answer);

/* The same with descriptors, which stay the caller's. */
int domain_answer_hand(int socket, const int *fds, unsigned n_fds);

/* Receives an answer, without waiting; returns 0 at the end of the connection. Descriptors that do not come
 * with DOMAIN_HANDED are closed. */
int domain_answer_receive(int socket, int *ret_answer, int ret_fds[static DOMAIN_HANDED_MAX],
                unsigned *ret_n_fds);
