#!/usr/bin/env python3
"""Run a command inside a throw-away virtual machine.

The machine boots a Debian kernel with a small initramfs.  Its root is the
host's own file system, shared read-only (QEMU: 9p, user-mode Linux: hostfs),
with a tmpfs laid over it: the guest sees every host program and virtual
environment, and may write anywhere, but nothing it writes reaches the host,
except below a folder given with --share.  It has no network card.

    vm_run.py --prepare                     # once: fetch kernel and busybox by apt, as any user
    vm_run.py -- python3 -c 'print("hi")'
    vm_run.py --module vsock_loopback -- ./test_vsock.py
    vm_run.py --vhost-vsock-user vu.sock -- ./guest_client.py   # see vhost_user_vsock.py
    vm_run.py --share /tmp/out -- sh -c 'dmesg > /tmp/out/dmesg.txt'

--accel: kvm (only where the processor's own virtualization backs it), tcg
(QEMU's emulation, anywhere), uml (user-mode Linux: fastest to start here, no
PCI, no GPU; a test kernel, not a boundary for hostile code); auto: kvm or tcg.

Output is passed through as it comes; the exit status is the command's.
Statuses of vm-run's own: 124 the time limit ran out, 125 the machine failed to
start or ended without a result, 2 a mistake in the arguments.
"""

import argparse
import fcntl
import glob
import hashlib
import lzma
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KERNEL_META = "linux-image-amd64"
CACHE = os.environ.get("WLPROXY_VM_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "wlproxy-vm")
# what the guest always needs; each module's own needs are added from its header
BASE_MODULES = {"pc": ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"], "uml": ["overlay"]}
# what the initramfs holds besides, for --module (which loads them)
MORE_MODULES = [
    "vsock",
    "vsock_loopback",
    "vsock_diag",
    "vmw_vsock_virtio_transport",
    "vhost_vsock",
    "virtio-gpu",
    "virtio_net",
    "virtiofs",
    "tun",
    "kvm-amd",
    "kvm-intel",
]
TIMEOUT_RC, FAIL_RC = 124, 125


def fail(text, rc=FAIL_RC):
    print(f"vm-run: {text}", file=sys.stderr)
    sys.exit(rc)


# -- preparation: kernel, busybox, initramfs ---------------------------------


def prepare(kind):
    """Fill the cache folder of 'pc' or 'uml' machines and return it."""
    folder = os.path.join(CACHE, f"{kind}-{hashlib.sha256(INIT.encode()).hexdigest()[:8]}")  # the initramfs holds INIT
    ready = os.path.join(folder, "ready")
    if os.path.exists(ready):
        return folder
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at once
        if os.path.exists(ready):
            return folder
        if kind == "pc" and not shutil.which("qemu-system-x86_64"):
            fail("there is no qemu-system-x86_64 in PATH (Debian: apt-get install qemu-system-x86)")
        with tempfile.TemporaryDirectory(dir=folder) as tmp:
            kernel = newest_kernel() if kind == "pc" else "user-mode-linux"
            apt("download", kernel, "busybox-static", cwd=tmp)
            for deb in glob.glob(tmp + "/*.deb"):
                subprocess.run(["dpkg", "-x", deb, tmp + "/x"], check=True)
            if kind == "pc":
                with open(glob.glob(tmp + "/x/boot/vmlinuz-*")[0], "rb") as f:
                    image = f.read()
                # unpacked, the guest need not do it: seconds under TCG
                write(folder + "/kernel", unpack_kernel(image) or image)
            else:
                shutil.copy(tmp + "/x/usr/bin/linux.uml", folder + "/kernel")
            write(folder + "/initramfs", base_initramfs(tmp + "/x", kind))
        write(ready, kernel.encode() + b"\n")
    return folder


def newest_kernel():
    """The package that the kernel's meta package stands for."""
    for again in (False, True):
        if again:
            apt("update")
        out = subprocess.run(["apt-cache", "depends", KERNEL_META], text=True, capture_output=True).stdout
        m = re.search(r"Depends: (linux-image-\S+)", out)
        if m:
            return m.group(1)
    return fail(f"apt knows no {KERNEL_META}")


def apt(*args, cwd=None):
    if not shutil.which("apt-get"):
        fail("there is no apt-get: the guest's kernel is Debian's")
    r = subprocess.run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *args],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if r.returncode:
        fail(f"apt-get {' '.join(args)}:\n{r.stdout}")


def wide_xstate(folder):
    """What user-mode Linux 6.1 needs preloaded to run on this processor; "" where it needs nothing."""
    with open("/proc/cpuinfo") as f:
        if "amx_tile" not in f.read():
            return ""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wide_xstate.c")
    with open(source, "rb") as f:
        library = f"{folder}/wide_xstate-{hashlib.sha256(f.read()).hexdigest()[:8]}.so"
    if not os.path.exists(library):
        compiler = shutil.which("cc")
        if compiler is None:
            fail("on this processor (AMX) user-mode Linux 6.1 needs a library that a C compiler makes, and there is no cc in PATH")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", f"{library}.{os.getpid()}", source], check=True)
        os.replace(f"{library}.{os.getpid()}", library)
    return library


def write(path, data):
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.rename(path + ".new", path)


def unpack_kernel(image):
    """The ELF file inside a bzImage: booted by PVH, it saves the guest the unpacking."""
    for magic, unpack in ((b"\xfd7zXZ\x00", lambda d: lzma.LZMADecompressor().decompress(d)), (b"\x1f\x8b\x08", gunzip_prefix)):
        at = image.find(magic)
        while at >= 0:
            try:
                data = unpack(image[at:])
                if data[:4] == b"\x7fELF":
                    return data
            except (lzma.LZMAError, OSError, EOFError):
                pass
            at = image.find(magic, at + 1)
    return None


def gunzip_prefix(data):
    import zlib

    return zlib.decompressobj(31).decompress(data)


def module_index(root):
    found = {}
    for path in glob.glob(root + "/**/modules/*/kernel/**/*.ko*", recursive=True):
        name = os.path.basename(path).split(".ko")[0].replace("-", "_")
        found[name] = path
    return found


def read_module(path):
    with open(path, "rb") as f:
        data = f.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def with_needs(names, index, cache):
    """The modules and what they depend on, in an order in which they load."""
    order = []

    def add(name):
        name = name.replace("-", "_")
        if name in order or name not in index:  # absent: built into the kernel
            return
        if name not in cache:
            cache[name] = read_module(index[name])
        m = re.search(rb"\0depends=([^\0]*)\0", cache[name])
        for need in m.group(1).decode().split(",") if m and m.group(1) else []:
            add(need)
        order.append(name)

    for name in names:
        add(name)
    return order


def cpio(entries):
    """A 'newc' archive; entries are (name, mode, bytes)."""
    out = bytearray()
    for ino, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        raw = name.encode() + b"\0"
        fields = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return bytes(out) + b"\0" * (-len(out) % 512)


def base_initramfs(root, kind):
    index, seen = module_index(root), {}
    entries = [(d, 0o040755, b"") for d in ("bin", "dev", "proc", "sys", "m", "new", "modules", "run")]
    with open(root + "/bin/busybox", "rb") as f:
        entries.append(("bin/busybox", 0o100755, f.read()))
    needs = []
    for name in BASE_MODULES[kind] + MORE_MODULES:
        order = with_needs([name], index, seen)
        needs.append(name.replace("-", "_") + ":" + " ".join(order))
    entries += [(f"modules/{n}.ko", 0o100644, data) for n, data in seen.items()]
    entries.append(("modules/needs", 0o100644, ("\n".join(needs) + "\n").encode()))
    entries.append(("init", 0o100755, INIT.encode()))
    return cpio(entries)


INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
. /run/settings
die() { echo "vm-run-init: $*" > /dev/console; [ -e $PORT_RC ] && echo "init: $*" > $PORT_RC; off; }
# QEMU is told to end where a machine restarts; user-mode Linux would start anew
off() { if [ $KIND = uml ]; then poweroff -f; else reboot -f; fi; }
# load NAME...: each module with what it needs, each once
load() {
    for name in "$@"; do
        line=$(grep "^$name:" /modules/needs) || die "no module $name in the initramfs"
        for m in ${line#*:}; do
            [ -d "/sys/module/$m" ] || insmod "/modules/$m.ko" || echo "insmod $m failed" > /dev/console
        done
    done
}
load $BASE_MODULES
# the ports appear once the driver has found the device
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -e $PORT_RC ] && break
    sleep 0.1
done
[ -e $PORT_RC ] || die "no $PORT_RC"
if [ $KIND = uml ]; then        # these ports are ttys
    for port in $PORT_OUT $PORT_ERR $PORT_RC; do stty raw -echo -opost < $port; done
fi
o=trans=virtio,version=9p2000.L,msize=512000
mkdir -p /m/host /m/over
if [ $KIND = uml ]; then
    mount -t hostfs -o ro,/ none /m/host || die "hostfs mount failed"
else
    mount -t 9p -o $o,ro,cache=loose host /m/host || die "9p mount failed"
fi
mount -t tmpfs -o mode=755 over /m/over
mkdir /m/over/upper /m/over/work
mount -t overlay -o lowerdir=/m/host,upperdir=/m/over/upper,workdir=/m/over/work over /new || die "overlay mount failed"
mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount -t devtmpfs dev /new/dev
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs shm /new/dev/shm
mount -t tmpfs -o mode=755 run /new/run
mkdir -p -m 700 /new/run/user/0
mkdir -p -m 755 /new/run/vm
ln -s /proc/self/fd /new/dev/fd 2> /dev/null
ln -s /proc/self/fd/0 /new/dev/stdin 2> /dev/null
ln -s /proc/self/fd/1 /new/dev/stdout 2> /dev/null
ln -s /proc/self/fd/2 /new/dev/stderr 2> /dev/null
n=0
for dir in $SHARES; do
    mkdir -p "/new$dir"
    if [ $KIND = uml ]; then
        mount -t hostfs -o "$dir" none "/new$dir"
    else
        mount -t 9p -o $o,cache=none,access=any share$n "/new$dir"
    fi || die "mount of share $dir failed"
    n=$((n + 1))
done
load $LOAD
ifconfig lo 127.0.0.1 up
hostname "$NAME"
cp /run/command /new/run/vm/command
chmod 755 /new/run/vm/command
if [ -n "$SYSTEMD" ]; then      # it is process 1, and the command a service of its
    rm -f /new/.dockerenv       # where the host is a container: this machine is none
    mkdir -p /new/run/systemd/system
    cat > /new/run/vm/start << END
#!/bin/sh
echo up > $PORT_RC
/bin/sh /run/vm/command < /dev/null > $PORT_OUT 2> $PORT_ERR
echo "rc \$?" > $PORT_RC
sync
sleep 0.05
exec systemctl --force --force $([ $KIND = uml ] && echo poweroff || echo reboot)
END
    cat > /new/run/systemd/system/vm-run.service << END
[Unit]
Requires=basic.target
After=basic.target
[Service]
Type=exec
ExecStart=/bin/sh /run/vm/start
END
    # what belongs to a machine with devices and terminals, or to the host
    for unit in udevd.service udev-trigger.service udevd-control.socket udevd-kernel.socket timesyncd.service sysusers.service \
        tmpfiles-setup.service update-utmp.service random-seed.service; do
        ln -s /dev/null "/new/run/systemd/system/systemd-$unit"
    done
    exec switch_root /new /lib/systemd/systemd --unit=vm-run.service
fi
echo up > $PORT_RC
chroot /new /bin/sh /run/vm/command < /dev/null > $PORT_OUT 2> $PORT_ERR
rc=$?
sync
echo "rc $rc" > $PORT_RC
# the ports' buffers are taken by the device before the machine goes down
sleep 0.05
off
"""


# -- one run ------------------------------------------------------------------


def kvm_works():
    """Whether KVM runs an ordinary kernel: a virtual CPU can be made, by hardware.

    /dev/kvm may also be that of a module (kvm_pvm) which only emulates, far
    slower than TCG and not completely, a kernel not made for it.
    """
    if not any(os.path.isdir("/sys/module/" + m) for m in ("kvm_intel", "kvm_amd")):
        return False
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    vm = cpu = -1
    try:
        vm = fcntl.ioctl(kvm, 0xAE01, 0)
        cpu = fcntl.ioctl(vm, 0xAE41, 0)
        return True
    except OSError:
        return False
    finally:
        for fd in (cpu, vm, kvm):
            if fd >= 0:
                os.close(fd)


def guest_script(args):
    lines = ["#!/bin/sh"]
    for name in ("PATH", "LANG", "HOME"):
        if name in os.environ:
            lines.append(f"export {name}={shlex.quote(os.environ[name])}")
    lines.append("export XDG_RUNTIME_DIR=/run/user/0")
    for item in args.env:
        name, _, value = item.partition("=")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            fail(f"--env {item}: not NAME=VALUE", 2)
        lines.append(f"export {name}={shlex.quote(value)}")
    lines.append(f"cd {shlex.quote(os.path.abspath(args.cwd))} || exit 125")
    lines.append("exec " + shlex.join(args.command))
    return "\n".join(lines) + "\n"


def uml_command(args, kernel, initrd, fds, console, tmp):
    cmd = [
        kernel,
        f"mem={args.memory}M",
        f"initrd={initrd}",
        "rdinit=/init",
        "panic=-1",
        f"uml_dir={tmp}",
        "umid=vm",
        "con=null",
        f"con0=null,fd:{console}",
    ]
    cmd += [f"ssl{n}=null,fd:{fd}" for n, fd in enumerate(fds, 1)]
    if args.vhost_vsock_user:
        cmd.append(f"virtio_uml.device={args.vhost_vsock_user}:19")
    for device in args.uml_virtio:
        cmd.append(f"virtio_uml.device={device}")
    return cmd + ([] if args.verbose else ["quiet"]) + shlex.split(args.append)


def qemu_command(args, accel, kernel, initrd, fds, console):
    cmd = [
        args.qemu,
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-name",
        args.name,
        "-m",
        str(args.memory),
        "-smp",
        str(args.cpus),
    ]
    if args.machine == "microvm":
        cmd += ["-M", "microvm,acpi=on,pcie=on,rtc=on"]
    else:
        cmd += ["-M", args.machine]
    cmd += ["-accel", accel, "-cpu", "host,migratable=off" if accel == "kvm" else "max"]
    cmd += [
        "-kernel",
        kernel,
        "-initrd",
        initrd,
        "-append",
        "console=ttyS0 rdinit=/init panic=-1 reboot=t tsc=reliable no_timer_check "
        "mitigations=off random.trust_cpu=on " + ("" if args.verbose else "quiet ") + args.append,
    ]
    cmd += ["-chardev", f"file,id=con,path=/dev/fd/{console}", "-serial", "chardev:con"]
    cmd += ["-device", "virtio-serial-pci"]
    for n, fd in enumerate(fds, 1):
        cmd += ["-chardev", f"file,id=p{n},path=/dev/fd/{fd}", "-device", f"virtserialport,chardev=p{n},nr={n}"]
    cmd += [
        "-fsdev",
        "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device",
        "virtio-9p-pci,fsdev=host,mount_tag=host",
    ]
    for n, path in enumerate(args.share):
        cmd += [
            "-fsdev",
            f"local,id=s{n},path={path},security_model=none,multidevs=remap",
            "-device",
            f"virtio-9p-pci,fsdev=s{n},mount_tag=share{n}",
        ]
    if args.cid:
        cmd += ["-device", f"vhost-vsock-pci,guest-cid={args.cid}"]
    if args.vhost_vsock_user:
        cmd += [
            "-object",
            f"memory-backend-memfd,id=mem,size={args.memory}M,share=on",
            "-machine",
            "memory-backend=mem",
            "-chardev",
            f"socket,id=vsock,path={args.vhost_vsock_user}",
            "-device",
            "vhost-user-vsock-pci,chardev=vsock",
        ]
    cmd += ["-device", "virtio-rng-pci"] if args.rng else []
    for extra in args.qemu_arg:
        cmd += shlex.split(extra)
    return cmd


def run(args):
    accel = args.accel
    if accel == "auto":
        accel = "kvm" if kvm_works() else "tcg"
    kind = "uml" if accel == "uml" else "pc"
    folder = prepare(kind)
    if args.vhost_vsock_user:
        args.vhost_vsock_user = os.path.abspath(args.vhost_vsock_user)
    args.share = [os.path.abspath(s) for s in args.share]
    for path in args.share:
        if not os.path.isdir(path) or re.search(r"[\s,]", path):
            fail(f"--share {path}: no such folder, or a blank or comma in its name", 2)
    load = [m.replace("-", "_") for m in args.module]
    if args.cid or args.vhost_vsock_user:
        load.append("vmw_vsock_virtio_transport")
    known = {m.replace("-", "_") for m in BASE_MODULES[kind] + MORE_MODULES}
    for m in load:
        if m not in known:
            fail(f"--module {m}: not in the initramfs ({', '.join(sorted(known))})", 2)
    port = "/dev/ttyS" if kind == "uml" else "/dev/vport0p"
    base = " ".join(m.replace("-", "_") for m in BASE_MODULES[kind])
    settings = (
        f"KIND={kind}\nBASE_MODULES={shlex.quote(base)}\n"
        f"PORT_OUT={port}1\nPORT_ERR={port}2\nPORT_RC={port}3\n"
        f"LOAD={shlex.quote(' '.join(load))}\nNAME={shlex.quote(args.name)}\n"
        f"SYSTEMD={'yes' if args.systemd else ''}\n"
        f"SHARES={shlex.quote(' '.join(args.share))}\n"
    )
    extra = cpio([("run/settings", 0o100644, settings.encode()), ("run/command", 0o100755, guest_script(args).encode())])
    with tempfile.TemporaryDirectory(prefix="vm-run.") as tmp:
        initrd = tmp + "/initrd"
        with open(initrd, "wb") as f, open(folder + "/initramfs", "rb") as base:
            shutil.copyfileobj(base, f)
            f.write(extra)
        return drive(args, accel, args.kernel or folder + "/kernel", initrd, tmp, wide_xstate(folder) if accel == "uml" else "")


def drive(args, accel, kernel, initrd, tmp, preload):
    """Start the machine, pass its output on, and give back the exit status."""
    start = time.monotonic()
    pipes = {name: os.pipe() for name in ("out", "err", "rc", "console")}
    w = {name: p[1] for name, p in pipes.items()}
    ports = [w["out"], w["err"], w["rc"]]
    if accel == "uml":
        cmd = uml_command(args, kernel, initrd, ports, w["console"], tmp)
    else:
        cmd = qemu_command(args, accel, kernel, initrd, ports, w["console"])
    if args.verbose:
        print("vm-run: " + shlex.join(cmd), file=sys.stderr)
    # a group of its own, ended whole below: user-mode Linux is several processes
    proc = subprocess.Popen(
        cmd,
        stdin=subprocess.DEVNULL,
        stdout=w["console"],
        stderr=w["console"],
        pass_fds=list(w.values()),
        start_new_session=True,
        env=os.environ | {"LD_PRELOAD": preload} if preload else None,
    )
    for fd in w.values():
        os.close(fd)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console, result, up, late, done = bytearray(), bytearray(), None, False, float("inf")
    try:
        with selectors.DefaultSelector() as sel:
            for name, (r, _) in pipes.items():
                sel.register(r, selectors.EVENT_READ, name)
            while sel.get_map():
                left = min(start + args.timeout, done) - time.monotonic()
                if left <= 0:  # with the result in, the machine has a second to end
                    late = b"rc " not in result
                    break
                for key, _ in sel.select(left):
                    data = os.read(key.fd, 65536)
                    if not data:
                        sel.unregister(key.fd)
                    elif key.data == "out":
                        write_all(1, data)
                    elif key.data == "err":
                        write_all(2, data)
                    elif key.data == "rc":
                        result += data
                        if up is None and b"up\n" in result:
                            up = time.monotonic() - start
                        if b"rc " in result and result.endswith(b"\n"):
                            done = time.monotonic() + 1
                    else:
                        console += data
                        if args.verbose:
                            write_all(2, data)
    finally:
        try:
            os.killpg(proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        proc.wait()
        for r, _ in pipes.values():
            os.close(r)
        if args.console:
            with open(args.console, "wb") as f:
                f.write(console)
    if args.times:
        print(
            f"vm-run: accel={accel} up={up if up is None else round(up, 2)}s total={time.monotonic() - start:.2f}s",
            file=sys.stderr,
        )
    m = re.search(rb"^rc (\d+)$", result, re.M)
    if m and not late:
        return int(m.group(1))
    tail = "" if args.verbose else b"\n".join(console.splitlines()[-25:]).decode(errors="replace")
    why = f"still running after {args.timeout} s" if late else "the machine ended without a result"
    stage = "the command had started" if up is not None else "before the command started"
    print(f"vm-run: {why} ({stage}, accel={accel}); end of its console:\n{tail}", file=sys.stderr)
    return TIMEOUT_RC if late else FAIL_RC


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def main():
    p = argparse.ArgumentParser(prog="vm-run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--prepare", action="store_true", help="only fill the cache folder")
    p.add_argument("--accel", choices=["auto", "kvm", "tcg", "uml"], default=os.environ.get("WLPROXY_VM_ACCEL", "auto"))
    p.add_argument("--timeout", type=float, default=120, metavar="S")
    p.add_argument("--memory", type=int, default=512, metavar="MIB")
    p.add_argument("--cpus", type=int, default=1)
    p.add_argument("--machine", default=os.environ.get("WLPROXY_VM_MACHINE", "q35"))
    p.add_argument("--module", action="append", default=[], help="load this kernel module first")
    p.add_argument("--cid", type=int, help="add a vhost-vsock device with this CID (needs /dev/vhost-vsock)")
    p.add_argument(
        "--vhost-vsock-user", metavar="SOCKET", help="add a vsock device served there by vhost-user (see vhost-user-vsock)"
    )
    p.add_argument(
        "--uml-virtio",
        action="append",
        default=[],
        metavar="SOCKET:ID",
        help="uml: another virtio device served there by vhost-user",
    )
    p.add_argument(
        "--share", action="append", default=[], metavar="DIR", help="a host folder that the guest may write, at the same path"
    )
    p.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    p.add_argument("--cwd", default=".")
    p.add_argument("--systemd", action="store_true", help="boot the host's systemd as process 1; the command is a service of its")
    p.add_argument("--name", default="guest")
    p.add_argument("--rng", action="store_true")
    p.add_argument("--kernel", help="another kernel image")
    p.add_argument("--append", default="", help="more kernel arguments")
    p.add_argument("--qemu", default=os.environ.get("WLPROXY_VM_QEMU", "qemu-system-x86_64"))
    p.add_argument("--qemu-arg", action="append", default=[], help="more QEMU arguments, one string")
    p.add_argument("--console", metavar="FILE", help="keep the kernel's messages here")
    p.add_argument("--times", action="store_true", help="say how long it took")
    p.add_argument("-v", "--verbose", action="store_true")
    p.add_argument("command", nargs=argparse.REMAINDER)
    args = p.parse_args()
    if args.prepare:
        prepare("uml" if args.accel == "uml" else "pc")
        return 0
    if args.command[:1] == ["--"]:
        args.command = args.command[1:]
    if not args.command:
        p.error("no command")
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
