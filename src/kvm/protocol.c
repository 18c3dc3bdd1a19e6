/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client's side. Called by the runner and by doctor's checks. */

#include "kvm/protocol.h"

#include <glib.h>
#include <sys/socket.h>

#include "common/io.h"
#include "common/socket.h"

#define ANSWER_SEC 20 /* a check takes ten seconds at most, and the service has to be started */

int kvm_ask(const char *word, int *ret_connection, Error *ret_error)
{
        _cleanup_close_ int connection = -EBADF;
        int r = socket_connect(KVM_SOCKET, SOCK_SEQPACKET, ANSWER_SEC, &connection);

        if (r >= 0)
                r = socket_send_with_fd(connection, word, -EBADF, 0);
        if (r < 0)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's hvt target, which needs KVM, and "
                                "shruthi-kvm.socket does not "
                                "answer (%s): run 'systemctl start shruthi-kvm.socket', or " KVM_WAY_OUT,
                                g_strerror(-r));

        *ret_connection = TAKE_FD(connection);
        return 0;
}

int kvm_receive(int connection, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        char answer[KVM_ANSWER_MAX + 1];
        ssize_t n = socket_receive_with_fd(connection, answer, KVM_ANSWER_MAX, &fd);

        answer[MAX(n, 0)] = 0;
        if (n <= 0)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's hvt target, which needs KVM, and "
                                "shruthi-kvm.service does not "
                                "answer (%s): see 'systemctl status shruthi-kvm.service', or " KVM_WAY_OUT,
                                n < 0 ? g_strerror((int) -n) : "it ended");
        if (!g_str_equal(answer, KVM_DONE))
                return error_set(ret_error, ERROR_NOT_SUPPORTED, "%s", answer);

        *ret_fd = TAKE_FD(fd);
        return 0;
}
