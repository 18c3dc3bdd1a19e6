# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sandbox, made ready for a benchmark: emulation, an image that all of them run, libvirt awake."""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

BUILD = pathlib.Path("/shruthi/build/tests")
CLIENT = str(BUILD / "bench/bench-client")
FLOOR = str(BUILD / "bench/bench-floor")
GUEST = BUILD / "guest/guest-plain.virtio"
NETWORK_GUEST = BUILD / "guest/guest.virtio"

# For what peers are given: the image (libvirt takes over the ownership of a kernel, so not ours) and the consoles.
DIRECTORY = pathlib.Path("/srv/bench")
IMAGE = DIRECTORY / "guest.virtio"

CONF = pathlib.Path("/etc/shruthi/shruthi.conf.d/60-bench.conf")
DEFINITIONS = pathlib.Path("/etc/shruthi/unikernels")
UNITS = pathlib.Path("/etc/systemd/system")
CAPABILITIES = pathlib.Path("/var/cache/libvirt/qemu/capabilities")

# The smallest with which the guest runs, so that a thousand fit: memory that it does not touch costs nothing.
MEMORY_MIB = 16


def run(*command, check=True, text=None):
    done = subprocess.run(
        list(map(str, command)), input=text, capture_output=True, text=True, stdin=None if text else subprocess.DEVNULL
    )
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def configure(more="", **settings):
    """Of shruthi.conf, beyond emulation; more: further sections."""
    lines = ["[Shruthi]", "Acceleration=tcg"] + [f"{key}={value}" for key, value in settings.items()]
    CONF.parent.mkdir(parents=True, exist_ok=True)
    CONF.write_text("\n".join(lines) + "\n" + more)
    # Nobody is running yet who would have to read it again.
    run("systemctl", "stop", "shruthid.service")


def prepare():
    if os.path.exists("/dev/kvm"):
        sys.exit("There is a /dev/kvm in the sandbox: benchmarks run by emulation, where all machines are alike.")
    if not os.path.exists(CLIENT):
        sys.exit(f"{CLIENT} was not built (meson -Dbench=true).")
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    use_image(GUEST)
    DEFINITIONS.mkdir(parents=True, exist_ok=True)
    configure()
    # Fills libvirt's cache, and lets SHRUTHI try once what the host can do.
    run("virsh", "domcapabilities", "--virttype", "qemu", "--machine", "pc")
    define("warm", image_digest())
    for _ in range(2):
        run("systemctl", "start", "unikernel@warm")
        run("systemctl", "stop", "unikernel@warm")
    (DEFINITIONS / "warm.unikernel").unlink()


def capabilities():
    """Changes whenever libvirt has asked QEMU anew."""
    files = [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in CAPABILITIES.glob("*.xml")]
    if not files:
        sys.exit(f"libvirt keeps no cache in {CAPABILITIES}: it would ask QEMU what it can do at each start.")
    return sorted(files)


def use_image(image):
    """For those that are no SHRUTHI."""
    shutil.copy(image, IMAGE)
    IMAGE.chmod(0o644)


def image_digest(image=GUEST):
    """Of the image in the store, which takes it in."""
    found = re.search(r"sha256:[0-9a-f]{64}", run("shruthictl", "image", "import", image))
    if not found:
        sys.exit(f"'shruthictl image import {image}' named no digest")
    return found[0]


def define(name, digest, more="", **settings):
    """more: further sections."""
    lines = ["[Unikernel]", f"Image={digest}", f"Memory={MEMORY_MIB}M"]
    lines += [f"{key}={value}" for key, value in settings.items()]
    (DEFINITIONS / f"{name}.unikernel").write_text("\n".join(lines) + "\n" + more)


def reload():
    """shruthid sees by itself what is defined, but perhaps not at once."""
    manager = ["org.dream.Shruthi", "/org/dream/Shruthi", "org.dream.Shruthi.Manager"]
    run("busctl", "--quiet", "call", *manager, "Reload")


def names(prefix, count):
    return [f"{prefix}-{i}" for i in range(count)]


def unit_property(unit, *properties):
    lines = run("systemctl", "show", "--property", ",".join(properties), "--", unit).splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return [found.get(key, "") for key in properties]


def any_active(units):
    states = run("systemctl", "show", "--property=ActiveState", "--value", "--", *units).split()
    return any(state not in ("inactive", "failed") for state in states)


def unit_pids(unit):
    """Of one that does not run: none."""
    group = unit_property(unit, "ControlGroup")[0]
    if not group:
        return []
    return [int(pid) for pid in pathlib.Path(f"/sys/fs/cgroup{group}/cgroup.procs").read_text().split()]


def unit_service_settings(unit, *but):
    """The [Service] section as it was installed, but for some settings."""
    text = pathlib.Path(f"/usr/lib/systemd/system/{unit}").read_text()
    section = re.search(r"^\[Service\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)[1]
    lines = [line for line in section.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if line.split("=")[0] not in but]


def timed(*command, check=True):
    """How long a command takes, in ms."""
    begin = time.monotonic()
    run(*command, check=check)
    return (time.monotonic() - begin) * 1000


def wait_until(seconds, condition, what):
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def busctl_json(name, path, interface, member, *arguments):
    return json.loads(run("busctl", "--json=short", "call", name, path, interface, member, *arguments))


def process_switches(pid):
    """How often it has gone to sleep, which is once for each time that it was woken up."""
    return sum(
        int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)$", status.read_text(), re.MULTILINE)[1])
        for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status")
    )


def count_system_calls(unit, calls, *command):
    """Those of a service while a command runs."""
    pid = unit_property(unit, "MainPID")[0]
    trace = DIRECTORY / "strace"
    strace = subprocess.Popen(["strace", "--follow-forks", "--quiet=all", f"--trace={calls}", "-o", trace, "-p", pid])
    status = pathlib.Path(f"/proc/{pid}/status")
    wait_until(10, lambda: not re.search(r"^TracerPid:\t0$", status.read_text(), re.MULTILINE), "strace")
    run(*command)
    strace.terminate()
    strace.wait()
    return len(trace.read_text().splitlines())


# A directory of the machine's, which is on its disk; all else here is in memory. See bench.sh.
DISK = pathlib.Path("/srv/disk")


def disk_type():
    """The file system's, or None if it is memory too."""
    found = run("stat", "--file-system", "--format=%T", DISK).strip() if DISK.exists() else "tmpfs"
    return None if found in ("tmpfs", "ramfs") else found


def move_to_disk(*directories):
    """What is in these directories, and comes into them from now on, is on the machine's disk."""
    for i, directory in enumerate(directories):
        place = DISK / str(i)
        run("cp", "--archive", directory, place)
        run("mount", "--bind", place, directory)


# Where systemd counts it: /sys/fs/cgroup is the sandbox's own.
CGROUPS = pathlib.Path("/sys/fs/cgroup")
# What takes part in a start or stop → its control group. QEMU is in libvirtd's where the sandbox has no others.
OUR_UNITS = "our units (their sandbox, shruthi-run, shruthi-domain)"
SHRUTHID = "shruthid"
LIBVIRT = "libvirtd and QEMU"
OWN = (OUR_UNITS, SHRUTHID)
GROUPS = {
    OUR_UNITS: "unikernel.slice",
    "of these shruthi-domain.service": "unikernel.slice/shruthi-domain.service",
    "of these shruthi-antispoof.service": "unikernel.slice/shruthi-antispoof.service",
    SHRUTHID: "system.slice/shruthid.service",
    "systemd": "init.scope",
    "the bus": "system.slice/dbus.service",
    "polkit": "system.slice/polkit.service",
    LIBVIRT: "system.slice/libvirtd.service",
    "machine.slice": "machine.slice",
    "systemd-machined": "system.slice/systemd-machined.service",
    "the journal": "system.slice/systemd-journald.service",
}


def group_processor_time(group):
    """In ms, up to now; None where there is no such group."""
    try:
        return int((CGROUPS / group / "cpu.stat").read_text().split()[1]) / 1000
    except FileNotFoundError:
        return None


def processor_times():
    """Of each that takes part."""
    found = {who: group_processor_time(group) for who, group in GROUPS.items()}
    return {who: spent for who, spent in found.items() if spent is not None}


def all_processor_time():
    """Of all in the sandbox."""
    return group_processor_time(".")


def machine_processor_time():
    """In ms, of all that runs on the machine, of which /proc/stat tells; interrupts belong to nobody."""
    return sum(map(int, pathlib.Path("/proc/stat").read_text().split()[1:4])) * 1000 / os.sysconf("SC_CLK_TCK")


def memory_available():
    """In MiB."""
    found = re.search(r"^MemAvailable: +(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) // 1024


def mounts():
    return len(pathlib.Path("/proc/1/mountinfo").read_text().splitlines())


def open_files(unit):
    return len(os.listdir(f"/proc/{unit_property(unit, 'MainPID')[0]}/fd"))


def process_memory(pid):
    """In KiB, of /proc/PID/smaps_rollup."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = {key: int(value) for key, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
    fields["Private"] = fields["Private_Clean"] + fields["Private_Dirty"]
    return fields


def unit_memory(unit):
    """Private, in KiB, of all its processes."""
    return sum(process_memory(pid)["Private"] for pid in unit_pids(unit))


def tender_pid(unikernel):
    """The process that a guest is: the other one of its unit."""
    main = int(unit_property(f"unikernel@{unikernel}.service", "MainPID")[0])
    return next(pid for pid in unit_pids(f"unikernel@{unikernel}.service") if pid != main)


def ping(address, count):
    """Round trips in ms, as fast as they go."""
    return [float(time) for time in re.findall(r"time=([\d.]+) ms", run("ping", "-A", "-c", count, address))]


def qemu_pid(unikernel):
    return int(pathlib.Path(f"/run/libvirt/qemu/unikernel-{unikernel}.pid").read_text())


def describe():
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    versions = [
        run("systemctl", "--version").splitlines()[0].split(" (")[0],
        "libvirt " + run("virsh", "--version").strip(),
        run("qemu-system-x86_64", "--version").splitlines()[0].replace("emulator version ", "").split(" (")[0],
    ]
    return {
        "cpus": os.cpu_count(),
        "model": model[1] if model else platform.machine(),
        "kernel": platform.release(),
        "versions": ", ".join(versions),
    }
