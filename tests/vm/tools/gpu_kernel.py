"""Builds a user-mode Linux kernel with virtio-gpu, which Debian's has not, from Debian's kernel source, into the cache of vm_run.py.

    python -m tests.vm.tools.gpu_kernel          # once, as any user

It costs 140 MB by apt-get, six minutes of processor time, and 2 GB of disk meanwhile, and needs flex, bison, bc, gcc, make and xz. Drivers
are built in, so that the initramfs of the other kernel serves.
"""

import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.vm.tools.vm_run import CACHE, apt, fail

SOURCE_META = "linux-source"
TOOLS = ("flex", "bison", "bc", "gcc", "make", "xz")
# with `make allnoconfig`: what a guest of these tests needs, and no more; UML_PCI_OVER_VIRTIO is there for its HAS_DMA
CONFIG = """
64BIT PRINTK BUG FUTEX EPOLL SIGNALFD TIMERFD EVENTFD SHMEM AIO ADVISE_SYSCALLS MEMBARRIER POSIX_TIMERS MULTIUSER FILE_LOCKING
INOTIFY_USER FHANDLE HIGH_RES_TIMERS SYSVIPC NAMESPACES USER_NS PID_NS MEMFD_CREATE
BLK_DEV_INITRD RD_GZIP BINFMT_ELF BINFMT_SCRIPT TTY UNIX98_PTYS SSL STDERR_CONSOLE NULL_CHAN FD_CHAN UML_RANDOM HW_RANDOM
PROC_FS PROC_SYSCTL SYSFS DEVTMPFS TMPFS TMPFS_XATTR HOSTFS MISC_FILESYSTEMS OVERLAY_FS
NET UNIX INET VSOCKETS VSOCKETS_LOOPBACK VIRTIO_VSOCKETS
VIRTIO_MENU VIRTIO_UML UML_PCI_OVER_VIRTIO PCI DRM DRM_VIRTIO_GPU DMABUF_HEAPS UDMABUF
"""


def path():
    """Where the kernel is, or will be; another configuration is another file."""
    return Path(CACHE) / f"linux-gpu-{hashlib.sha256(CONFIG.encode()).hexdigest()[:8]}"


def newest_source():
    """The package that the source's meta package stands for."""
    for again in (False, True):
        if again:
            apt("update")
        out = subprocess.run(["apt-cache", "depends", SOURCE_META], text=True, capture_output=True).stdout
        if m := re.search(r"Depends: (linux-source-\S+)", out):
            return m.group(1)
    return fail(f"apt knows no {SOURCE_META}")


def make(*args, cwd, log):
    done = subprocess.run(["make", "ARCH=um", *args], cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        log.seek(0)
        fail(f"make {' '.join(args)} in the kernel's source:\n" + log.read().decode(errors="replace")[-2000:])


def build(into):
    with tempfile.TemporaryDirectory(dir=into.parent) as tmp, tempfile.TemporaryFile() as log:
        apt("download", newest_source(), cwd=tmp)
        (deb,) = glob.glob(f"{tmp}/*.deb")
        subprocess.run(["dpkg", "-x", deb, f"{tmp}/deb"], check=True)
        (archive,) = glob.glob(f"{tmp}/deb/usr/src/linux-source-*.tar.xz")
        subprocess.run(["tar", "-xJf", archive, "-C", tmp], check=True)
        shutil.rmtree(f"{tmp}/deb")
        (source,) = glob.glob(f"{tmp}/linux-source-*/")
        small = Path(tmp, "small.config")
        small.write_text("".join(f"CONFIG_{word}=y\n" for word in CONFIG.split()))
        make(f"KCONFIG_ALLCONFIG={small}", "allnoconfig", cwd=source, log=log)
        if "CONFIG_DRM_VIRTIO_GPU=y\n" not in Path(source, ".config").read_text():
            fail(f"{source}: the configuration comes out without virtio-gpu")
        make(f"-j{len(os.sched_getaffinity(0))}", "linux", cwd=source, log=log)
        subprocess.run(["strip", "-o", f"{tmp}/stripped", f"{source}linux"], check=True)
        os.replace(f"{tmp}/stripped", into)


def main():
    into = path()
    into.parent.mkdir(parents=True, exist_ok=True)
    with (into.parent / "linux-gpu.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at once
        if into.exists():
            return 0
        if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
            fail(f"a kernel with virtio-gpu cannot be built without {', '.join(missing)} (Debian: packages of these names, xz-utils)")
        print("building a kernel with virtio-gpu, once: six minutes of processor time ...", file=sys.stderr)
        build(into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
