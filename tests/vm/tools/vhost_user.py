"""The back end of the vhost-user protocol, for devices written in Python.

A VMM (QEMU's vhost-user-* devices, user-mode Linux's virtio_uml) connects to a
Unix socket and hands over the guest's memory and two event descriptors a queue;
the device here then reads and writes the virtqueues itself.  One VMM at a time,
one thread, driven by a selector that the device may use for its own sockets.
Split rings only, no event index; x86 memory order is taken for granted.
"""

import array
import mmap
import os
import selectors
import socket
import struct

F_VERSION_1 = 1 << 32
F_PROTOCOL = 1 << 30
PROTO_MQ, PROTO_REPLY_ACK, PROTO_BACKEND_REQ, PROTO_CONFIG = 1 << 0, 1 << 3, 1 << 5, 1 << 9

WORDS = """
NONE GET_FEATURES SET_FEATURES SET_OWNER RESET_OWNER SET_MEM_TABLE SET_LOG_BASE SET_LOG_FD SET_VRING_NUM SET_VRING_ADDR
SET_VRING_BASE GET_VRING_BASE SET_VRING_KICK SET_VRING_CALL SET_VRING_ERR GET_PROTOCOL_FEATURES SET_PROTOCOL_FEATURES
GET_QUEUE_NUM SET_VRING_ENABLE SEND_RARP NET_SET_MTU SET_BACKEND_REQ_FD IOTLB_MSG SET_VRING_ENDIAN GET_CONFIG SET_CONFIG
CREATE_CRYPTO CLOSE_CRYPTO POSTCOPY_ADVISE POSTCOPY_LISTEN POSTCOPY_END GET_INFLIGHT SET_INFLIGHT GPU_SET_SOCKET
RESET_DEVICE VRING_KICK GET_MAX_MEM_SLOTS ADD_MEM_REG REM_MEM_REG SET_STATUS GET_STATUS
"""
NAMES = dict(enumerate(WORDS.split()))


class Memory:
    """The guest's memory: regions of (guest address, size, VMM address, view)."""

    def __init__(self):
        self.regions = []

    def replace(self, regions):
        self.regions = []
        for (gpa, size, uaddr, offset), fd in regions:
            m = mmap.mmap(fd, size + offset, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            os.close(fd)
            view = memoryview(m)[offset : offset + size]
            self.regions.append((gpa, size, uaddr, view))

    def _find(self, addr, length, which):
        for r in self.regions:
            base = r[which]
            if base <= addr and addr + length <= base + r[1]:
                return r[3][addr - base : addr - base + length]
        raise ValueError(f"address {addr:#x}+{length:#x} outside the guest's memory")

    def guest(self, addr, length):
        return self._find(addr, length, 0)

    def vmm(self, addr, length):
        return self._find(addr, length, 2)


class Chain:
    """One descriptor chain: what the guest gives (out) and what it wants filled (in)."""

    def __init__(self, head, out, into):
        self.head, self.out, self.into = head, out, into

    def data(self):
        return b"".join(self.out)

    def fill(self, data):
        """Copy data into the chain; the number of bytes that fitted."""
        done = 0
        for part in self.into:
            n = min(len(part), len(data) - done)
            part[:n] = data[done : done + n]
            done += n
            if done == len(data):
                break
        return done

    def room(self):
        return sum(len(p) for p in self.into)


class Queue:
    def __init__(self, memory, index):
        self.memory, self.index = memory, index
        self.num, self.addr, self.last, self.kick, self.call = 0, None, 0, -1, -1
        self.enabled = False

    def start(self):
        desc, used, avail = self.addr
        self.desc = self.memory.vmm(desc, 16 * self.num)
        self.avail = self.memory.vmm(avail, 4 + 2 * self.num).cast("H")
        self.used16 = self.memory.vmm(used, 4).cast("H")
        self.used = self.memory.vmm(used + 4, 8 * self.num).cast("I")

    @property
    def ready(self):
        return self.addr is not None and self.num and self.kick >= 0

    def pop(self):
        """The next chain the guest has made available, or None."""
        if self.avail[1] == self.last:
            return None
        head = self.avail[2 + self.last % self.num]
        self.last = (self.last + 1) & 0xFFFF
        out, into, at, table, count = [], [], head, self.desc, self.num
        for _ in range(self.num + 1):
            addr, length, flags, follow = struct.unpack_from("<QIHH", table, 16 * at)
            if flags & 4:  # indirect table
                table, count, at = self.memory.guest(addr, length), length // 16, 0
                continue
            (into if flags & 2 else out).append(self.memory.guest(addr, length))
            if not flags & 1:
                return Chain(head, out, into)
            at = follow
            if at >= count:
                break
        raise ValueError("bad descriptor chain")

    def push(self, chain, written):
        slot = self.used16[1] % self.num
        self.used[2 * slot], self.used[2 * slot + 1] = chain.head, written
        self.used16[1] = (self.used16[1] + 1) & 0xFFFF

    def notify(self):
        if self.call >= 0 and not self.avail[0] & 1:
            try:
                os.write(self.call, struct.pack("<Q", 1))
            except BrokenPipeError:
                pass  # the VMM has been killed; the end of its connection comes next


class Device:
    """What a device gives; subclass it."""

    features = 0
    queues = 1
    config = b""

    def attach(self, backend):
        self.backend = backend

    def kicked(self, queue):
        """The guest has added chains to the queue."""

    def message(self, request, payload, fds):
        """A request this module doesn't know; True if the device took it."""
        return False

    def gone(self):
        """The VMM has closed its connection."""


class Backend:
    def __init__(self, path, device, log=None):
        self.device, self.log = device, log or (lambda *a: None)
        self.sel = selectors.DefaultSelector()
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.sel.register(self.listener, selectors.EVENT_READ, self._accept)
        self.conn, self.request_fd = None, -1
        device.attach(self)
        self._reset()

    def _reset(self):
        self.memory = Memory()
        self.queues = [Queue(self.memory, i) for i in range(self.device.queues)]
        self.features = self.protocol = 0
        self._close_request_fd()

    def _close_request_fd(self):
        if self.request_fd >= 0:
            os.close(self.request_fd)
        self.request_fd = -1

    def run(self):
        while True:
            for key, _ in self.sel.select():
                key.data()

    def _accept(self):
        conn, _ = self.listener.accept()
        if self.conn:
            conn.close()
            return
        self.conn = conn
        self.sel.register(conn, selectors.EVENT_READ, self._read)

    def _drop(self):
        self.sel.unregister(self.conn)
        self.conn.close()
        self.conn = None
        for q in self.queues:
            self._stop(q)
        self.device.gone()
        self._reset()

    def _stop(self, q):
        if q.kick >= 0:
            self.sel.unregister(q.kick)
            os.close(q.kick)
        if q.call >= 0:
            os.close(q.call)
        q.kick = q.call = -1

    def _recv_exact(self, n):
        data, fds = b"", []
        while len(data) < n:
            part, anc, flags, _ = self.conn.recvmsg(n - len(data), socket.CMSG_SPACE(4 * 16))
            for level, kind, raw in anc:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    got = array.array("i")
                    got.frombytes(raw[: len(raw) // 4 * 4])
                    fds += got
            if not part:
                raise EOFError
            data += part
        return data, fds

    def _read(self):
        try:
            head, fds = self._recv_exact(12)
            request, flags, size = struct.unpack("<III", head)
            payload, more = self._recv_exact(size) if size else (b"", [])
        except (EOFError, ConnectionError):
            self._drop()
            return
        fds += more
        self.log("vhost-user", NAMES.get(request, request), payload.hex()[:64], fds)
        reply = self._handle(NAMES.get(request, ""), payload, fds, request)
        if reply is None and flags & 8 and self.protocol & PROTO_REPLY_ACK:
            reply = struct.pack("<Q", 0)
        if reply is not None:
            self.conn.sendall(struct.pack("<III", request, 5, len(reply)) + reply)

    def _handle(self, name, payload, fds, request):
        u64 = struct.unpack_from("<Q", payload)[0] if len(payload) >= 8 else 0
        pair = struct.unpack_from("<II", payload) if len(payload) >= 8 else (0, 0)
        if name == "GET_FEATURES":
            return struct.pack("<Q", F_VERSION_1 | F_PROTOCOL | self.device.features)
        if name == "SET_FEATURES":
            self.features = u64
        elif name == "GET_PROTOCOL_FEATURES":
            return struct.pack("<Q", PROTO_MQ | PROTO_REPLY_ACK | PROTO_CONFIG | PROTO_BACKEND_REQ)
        elif name == "SET_PROTOCOL_FEATURES":
            self.protocol = u64
        elif name == "GET_QUEUE_NUM":
            return struct.pack("<Q", self.device.queues)
        elif name == "SET_MEM_TABLE":
            n = struct.unpack_from("<I", payload)[0]
            self.memory.replace([(struct.unpack_from("<QQQQ", payload, 8 + 32 * i), fds[i]) for i in range(n)])
        elif name == "SET_VRING_NUM":
            self.queues[pair[0]].num = pair[1]
        elif name == "SET_VRING_ADDR":
            i, _, desc, used, avail, _ = struct.unpack_from("<IIQQQQ", payload)
            self.queues[i].addr = (desc, used, avail)
        elif name == "SET_VRING_BASE":
            self.queues[pair[0]].last = pair[1] & 0xFFFF
        elif name == "GET_VRING_BASE":
            q = self.queues[pair[0]]
            self._stop(q)
            return struct.pack("<II", pair[0], q.last)
        elif name == "SET_VRING_KICK":
            q = self.queues[u64 & 0xFF]
            if q.kick >= 0:
                self.sel.unregister(q.kick)
                os.close(q.kick)
            q.kick = fds[0] if fds else -1
            if q.kick >= 0:
                os.set_blocking(q.kick, False)
                q.start()
                self.sel.register(q.kick, selectors.EVENT_READ, lambda q=q: self._kick(q))
                self.device.kicked(q)
        elif name == "SET_VRING_CALL":
            q = self.queues[u64 & 0xFF]
            if q.call >= 0:
                os.close(q.call)
            q.call = fds[0] if fds else -1
        elif name == "SET_VRING_ERR":
            for fd in fds:
                os.close(fd)
        elif name == "SET_VRING_ENABLE":
            self.queues[pair[0]].enabled = bool(pair[1])
        elif name == "SET_BACKEND_REQ_FD":
            # never used here, but user-mode Linux delivers no interrupt once it is closed
            self._close_request_fd()
            self.request_fd = fds.pop(0) if fds else -1
        elif name == "GET_CONFIG":
            offset, size, flags = struct.unpack_from("<III", payload)
            data = self.device.config[offset : offset + size].ljust(size, b"\0")
            return struct.pack("<III", offset, size, flags) + data
        elif not self.device.message(name, payload, fds):
            for fd in fds:
                os.close(fd)
        return None

    def _kick(self, q):
        try:
            os.read(q.kick, 8)
        except BlockingIOError:
            return
        self.device.kicked(q)
