/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker of shruthi-domain.service: does one request after another, as processes of shruthi-domain would,
 * and keeps its connection to libvirt. control: see serve.h. Comes back when there is nothing more to do. */
void worker_run(int control);
