/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker of shruthi-domain.service: serves one request after another, as separate processes of
 * shruthi-domain would, and keeps its connection to libvirt. For control see serve.h. Returns when there is
 * nothing more to do. */
void worker_run(int control);
