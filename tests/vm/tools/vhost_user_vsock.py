#!/usr/bin/env python3
"""A virtio-vsock device for a VMM that speaks vhost-user, joined to Unix sockets.

It behaves to the host side as Firecracker's and Cloud Hypervisor's 'hybrid
vsock' do:
  guest -> host: a guest's connection to CID 2, port P becomes a connection to
                 the Unix socket UDS_P (refused: the guest sees a reset);
  host -> guest: a connection to the Unix socket UDS that sends 'CONNECT P\\n'
                 becomes a connection to port P in the guest; the answer is
                 'OK <host port>\\n', or the connection is closed.  'CONNECT P FROM C\\n',
                 which no real VMM knows, lets it come from CID C instead of 2: so a
                 guest that plays the host sees its clients' own CIDs.

    vhost_user_vsock.py --socket vu.sock --uds v.sock --cid 3
"""

import argparse
import os
import re
import selectors
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from vhost_user import Backend, Device

HDR = struct.Struct("<QQIIIHHIII")
REQUEST, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST = range(1, 8)
BUF = 256 * 1024
STREAM = 1


class Conn:
    def __init__(self, sock, host_port, guest_port):
        self.sock, self.host_port, self.guest_port, self.cid = sock, host_port, guest_port, 2
        self.peer_alloc = self.peer_fwd = self.sent = self.forwarded = self.told = 0
        self.to_host = bytearray()  # from the guest, not yet taken by the host's socket
        self.up = False
        self.host_eof = self.guest_eof = False
        self.greeting = None  # bytes of 'CONNECT P\n' so far, host -> guest only

    @property
    def key(self):
        return self.cid, self.host_port, self.guest_port

    def credit(self):
        return (self.peer_alloc - (self.sent - self.peer_fwd)) & 0xFFFFFFFF


class Vsock(Device):
    queues = 3
    features = 1 << 28  # indirect descriptors

    def __init__(self, uds, cid, verbose):
        self.uds, self.cid, self.verbose = uds, cid, verbose
        self.config = struct.pack("<Q", cid)
        self.conns, self.waiting, self.pending = {}, [], []
        self.next_port = 1 << 30

    def log(self, *a):
        if self.verbose:
            print("vsock:", *a, file=sys.stderr, flush=True)

    def attach(self, backend):
        super().attach(backend)
        self.sel = backend.sel
        if os.path.exists(self.uds):
            os.unlink(self.uds)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.uds)
        self.listener.listen(64)
        self.sel.register(self.listener, selectors.EVENT_READ, self.accept)

    # -- towards the guest

    def send(self, c, op, data=b"", flags=0):
        c.told = c.forwarded
        self.pending.append(
            HDR.pack(c.cid, self.cid, c.host_port, c.guest_port, len(data), STREAM, op, flags, BUF, c.forwarded & 0xFFFFFFFF)
            + data
        )
        self.flush()

    def reset(self, cid, host_port, guest_port):
        self.pending.append(HDR.pack(cid, self.cid, host_port, guest_port, 0, STREAM, RST, 0, 0, 0))
        self.flush()

    def flush(self):
        q = self.backend.queues[0]
        if not q.ready:
            return
        sent = False
        while self.pending:
            chain = q.pop()
            if chain is None:
                break
            packet = self.pending[0]
            n = chain.fill(packet)
            if n < len(packet):  # split: the guest's buffers are smaller than our packet
                head = list(HDR.unpack_from(packet))
                if n < HDR.size:
                    raise ValueError("a receive buffer that holds no header")
                rest = packet[n:]
                head[4] = n - HDR.size
                chain.fill(HDR.pack(*head))
                head[4] = len(rest)
                self.pending[0] = HDR.pack(*head) + rest
            else:
                self.pending.pop(0)
            q.push(chain, n)
            sent = True
        if sent:
            q.notify()
        self.watch_all()

    # -- from the guest

    def kicked(self, queue):
        if queue.index == 0:
            self.flush()
        elif queue.index == 1:
            done = False
            while (chain := queue.pop()) is not None:
                data = chain.data()
                queue.push(chain, 0)
                done = True
                self.packet(data)
            if done:
                queue.notify()

    def packet(self, data):
        src, dst, sport, dport, length, kind, op, flags, alloc, fwd = HDR.unpack_from(data)
        body = data[HDR.size : HDR.size + length]
        self.log("guest", sport, "->", (dst, dport), "op", op, "len", length)
        c = self.conns.get((dst, dport, sport))
        if src != self.cid or kind != STREAM or (dst != 2 and c is None):
            self.reset(dst, dport, sport)
            return
        if op == REQUEST:
            self.connect(dport, sport, alloc, fwd)
            return
        if c is None:
            if op != RST:
                self.reset(dst, dport, sport)
            return
        c.peer_alloc, c.peer_fwd = alloc, fwd
        if op == RESPONSE and not c.up:
            c.up = True
            c.sock.sendall(b"OK %d\n" % c.host_port)
        elif op == RW:
            c.to_host += body
            self.drain(c)
        elif op == CREDIT_REQUEST:
            self.send(c, CREDIT_UPDATE)
        elif op == SHUTDOWN:
            if flags & 2:
                c.guest_eof = True
                self.drain(c)
            if flags & 1:
                c.host_eof = True  # the guest takes no more
            if flags & 3 == 3:
                if not c.to_host:
                    self.close(c, rst=True)
        elif op == RST:
            self.drain(c)
            self.close(c)
        if c.key in self.conns:
            self.watch(c)

    def connect(self, host_port, guest_port, alloc, fwd):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            s.connect(f"{self.uds}_{host_port}")
        except OSError as e:
            self.log("port", host_port, e)
            s.close()
            self.reset(2, host_port, guest_port)
            return
        s.setblocking(False)
        c = Conn(s, host_port, guest_port)
        c.peer_alloc, c.peer_fwd, c.up = alloc, fwd, True
        self.conns[c.key] = c
        self.send(c, RESPONSE)
        self.watch(c)

    def drain(self, c):
        try:
            while c.to_host:
                n = c.sock.send(c.to_host)
                del c.to_host[:n]
                c.forwarded += n
        except BlockingIOError:
            pass
        except OSError:
            self.close(c, rst=True)
            return
        if not c.to_host and c.guest_eof:
            try:
                c.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        if c.forwarded - c.told >= BUF // 2:
            self.send(c, CREDIT_UPDATE)

    # -- the host's sockets

    def accept(self):
        s, _ = self.listener.accept()
        s.setblocking(False)
        c = Conn(s, self.next_port, None)
        self.next_port += 1
        c.greeting = b""
        self.sel.register(s, selectors.EVENT_READ, lambda: self.greet(c))

    def greet(self, c):
        try:
            got = c.sock.recv(1)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        c.greeting += got
        if not got or len(c.greeting) > 40:
            self.sel.unregister(c.sock)
            c.sock.close()
        elif c.greeting.endswith(b"\n"):
            self.sel.unregister(c.sock)
            m = re.fullmatch(rb"CONNECT (\d{1,10})(?: FROM (\d{1,10}))?\r?\n", c.greeting)
            if not m:
                c.sock.close()
                return
            c.guest_port, c.cid = int(m[1]), int(m[2] or 2)
            self.conns[c.key] = c
            self.send(c, REQUEST)

    def readable(self, c):
        room = min(c.credit(), 65536)
        if not room or len(self.pending) > 64:
            self.watch(c)
            return
        try:
            data = c.sock.recv(room)
        except BlockingIOError:
            return
        except OSError:
            self.close(c, rst=True)
            return
        if data:
            c.sent += len(data)
            self.send(c, RW, data)
        else:
            c.host_eof = True
            # a Unix peer that closed takes nothing more either; half-close can't be told apart
            self.send(c, SHUTDOWN, flags=2)
        self.watch(c)

    def watch(self, c):
        if c.sock.fileno() < 0:
            return
        want = 0
        if c.up and not c.host_eof and c.credit() and len(self.pending) <= 64:
            want |= selectors.EVENT_READ
        if c.to_host:
            want |= selectors.EVENT_WRITE
        try:
            self.sel.unregister(c.sock)
        except KeyError:
            pass
        if want:
            self.sel.register(c.sock, want, lambda: self.ready(c))
        elif c.up and c.host_eof and c.guest_eof:
            self.close(c, rst=True)

    def watch_all(self):
        for c in list(self.conns.values()):
            self.watch(c)

    def ready(self, c):
        if c.to_host:
            self.drain(c)
        if c.sock.fileno() >= 0 and c.up and not c.host_eof:
            self.readable(c)
        elif c.sock.fileno() >= 0:
            self.watch(c)

    def close(self, c, rst=False):
        if self.conns.pop(c.key, None) is None:
            return
        try:
            self.sel.unregister(c.sock)
        except KeyError:
            pass
        c.sock.close()
        if rst:
            self.reset(*c.key)

    def gone(self):
        for c in list(self.conns.values()):
            self.close(c)
        self.pending.clear()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--socket", required=True, help="where the VMM connects (vhost-user)")
    p.add_argument("--uds", required=True, help="the hybrid vsock's Unix socket; guest ports: UDS_<port>")
    p.add_argument("--cid", type=int, default=3)
    p.add_argument("-v", "--verbose", action="store_true")
    a = p.parse_args()
    dev = Vsock(a.uds, a.cid, a.verbose)
    Backend(a.socket, dev, dev.log).run()


if __name__ == "__main__":
    main()
