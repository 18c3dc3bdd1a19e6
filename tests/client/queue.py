#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes a queue of the kernel's for packets, so that nobody else can have it, until it is killed.

queue.py NUMBER"""

import signal
import socket
import struct
import sys

NETLINK_NETFILTER, NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG = 12, 3, 2
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
NFQA_CFG_CMD, NFQNL_CFG_CMD_BIND = 1, 1


def main():
    number = int(sys.argv[1])
    command = struct.pack(">BBH", NFQNL_CFG_CMD_BIND, 0, 0)
    attribute = struct.pack("=HH", 4 + len(command), NFQA_CFG_CMD) + command
    body = struct.pack(">BBH", socket.AF_UNSPEC, 0, number) + attribute
    header = struct.pack(
        "=IHHII", 16 + len(body), NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK, 0, 0
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as kernel:
        kernel.bind((0, 0))
        kernel.send(header + body)
        answer = kernel.recv(4096)
        error = struct.unpack_from("=i", answer, 16)[0]
        if error:
            sys.exit(f"queue {number}: error {-error}")
        signal.pause()


if __name__ == "__main__":
    main()
