"""A virtio-gpu that can do one thing: the cross-domain context, by which a guest's programs reach a Wayland socket of the host.

    python -m tests.vm.tools.vhost_user_cross_domain --socket VMM.SOCK --wayland WAYLAND.SOCK

For user-mode Linux (virtio id 16), whose driver hands on what a device offers; QEMU's vhost-user-gpu keeps blobs and contexts to itself.

What a proxy sees of it is what it sees of rutabaga's (crosvm, QEMU, libkrun; read in rutabaga_gfx of 2026, written anew): a connection for
each context, made by INIT; tests/sidecar/vmm.py sends and receives, and says what may pass. As there, a blob of guest memory alone is no
descriptor; a file for the host is made from image requirements; a READ_PIPE is made here under the number that the guest has guessed; a
fence on the channel's ring waits for one event of the host's, and one only; a blocked send blocks the whole device.

Less than rutabaga: there is no window of host memory in the guest (virtio_uml has none), so a file of the host's is a blob of both sides
(HOST3D_GUEST), and is copied when the guest asks for it (TRANSFER_TO_HOST, TRANSFER_FROM_HOST). No dmabufs, sockets or eventfds.
"""

import argparse
import collections
import itertools
import os
import selectors
import struct
import sys

from tests.sidecar.vmm import BLOB, HEAD, MOST_FDS, WRITE_PIPE, Channel, Halted
from tests.vm.tools.vhost_user import Backend, Device

# virtio_gpu.h
HEADER = struct.Struct("<IIQIB3x")  # type, flags, fence, context, ring
GET_DISPLAY_INFO, RESOURCE_UNREF, GET_CAPSET_INFO, GET_CAPSET, CREATE_BLOB = 0x100, 0x102, 0x108, 0x109, 0x10C
CTX_CREATE, CTX_DESTROY, CTX_ATTACH, CTX_DETACH, TO_HOST, FROM_HOST, SUBMIT = 0x200, 0x201, 0x202, 0x203, 0x205, 0x206, 0x207
RESP_OK, RESP_DISPLAY_INFO, RESP_CAPSET_INFO, RESP_CAPSET, RESP_ERROR = 0x1100, 0x1101, 0x1102, 0x1103, 0x1200
FENCE, RING_INDEX = 1, 2
MEM_GUEST, MEM_HOST3D_GUEST = 1, 3
VIRGL, RESOURCE_BLOB, CONTEXT_INIT, INDIRECT = 1 << 0, 1 << 3, 1 << 4, 1 << 28
PAGE = 4096

# cross_domain_protocol.h
CAPSET = 5
INIT, GET_IMAGE_REQUIREMENTS, POLL, SEND, RECEIVE, READ, WRITE = range(1, 8)
CHANNEL_WAYLAND = 1
CHANNEL_RING = 1
ID_BLOB, ID_READ_PIPE, ID_WRITE_PIPE = 1, 3, 4
FIRST_READ_PIPE = 0x80000001
COMMAND = struct.Struct("<BBHI")  # op, ring, size
TRANSFER = struct.Struct(f"<BBHIII{3 * MOST_FDS}I")  # op, ring, size; descriptors, bytes; their ids, types and sizes
READ_WRITE = struct.Struct("<BBHI4I")  # op, ring, size; id, hang up, bytes
REQUIREMENTS = struct.Struct("<4I4I2Q2I2i")  # strides, offsets, modifier, size; id, how to map, Vulkan's indices
assert TRANSFER.size == HEAD


class Blob:
    """A resource: pieces of the guest's memory, and the host's file where there is one."""

    def __init__(self, parts, fd=-1):
        self.parts, self.fd = parts, fd

    def copy(self, start, size, move):
        """Calls move(piece of the guest's memory, place in the file) over a range of bytes."""
        at = 0
        for part in self.parts:
            piece = part[max(0, start - at) : max(0, start + size - at)]
            if piece:
                move(piece, at + max(0, start - at))
            at += len(part)

    def to_host(self, start, size):
        self.copy(start, size, lambda piece, at: os.pwrite(self.fd, piece, at))

    def from_host(self, start, size):
        self.copy(start, size, lambda piece, at: os.preadv(self.fd, [piece], at))

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)


class Context:
    """What a program of the guest has open."""

    def __init__(self):
        self.attached = set()  # numbers of resources
        self.channel = None  # to the host's socket
        self.query = self.ring = None  # where answers go, and where events go
        self.polls = collections.deque()  # commands whose fences wait for an event
        self.watched = []
        self.images = {}  # number: the bytes of a file that the guest may have made
        self.files = {}  # number: a descriptor from the host that is to become a blob
        self.writers = {}  # number: a pipe of the host's that the guest writes into
        self.readers = {}  # number: a pipe that we read for the guest
        self.numbers = itertools.count(2)
        self.pipe_numbers = itertools.count(FIRST_READ_PIPE)


class CrossDomain(Device):
    queues = 2
    features = VIRGL | RESOURCE_BLOB | CONTEXT_INIT | INDIRECT
    config = struct.pack("<4I", 0, 0, 1, 1)  # one scan-out, one capset

    def __init__(self, wayland):
        self.wayland = wayland
        self.blobs = {}
        self.contexts = {}

    # -- virtio-gpu

    def kicked(self, queue):
        while (chain := queue.pop()) is not None:
            data = chain.data()
            try:
                answer = self.obey(queue, chain, data)
            except (AssertionError, ValueError, KeyError, TypeError, struct.error, OSError, Halted) as error:
                kind, _, _, context, _ = HEADER.unpack_from(data)
                print(f"cross-domain: command {kind:#x} of context {context}: {error!r}", file=sys.stderr, flush=True)
                answer = RESP_ERROR, b""
            if answer is not None:
                self.answer(queue, chain, data, *answer)

    def answer(self, queue, chain, asked, kind=RESP_OK, body=b""):
        _, flags, fence, context, ring = HEADER.unpack_from(asked)
        queue.push(chain, chain.fill(HEADER.pack(kind, flags & (FENCE | RING_INDEX), fence, context, ring) + body))
        queue.notify()

    def obey(self, queue, chain, data):
        """One command; its answer, None for later."""
        kind, flags, _, number, ring = HEADER.unpack_from(data)
        body = data[HEADER.size :]
        if kind == GET_DISPLAY_INFO:  # sixteen screens of which none is on
            return RESP_DISPLAY_INFO, bytes(16 * 24)
        if kind == GET_CAPSET_INFO:
            return RESP_CAPSET_INFO, struct.pack("<4I", CAPSET, 0, 16, 0)
        if kind == GET_CAPSET:  # version, channels, dmabufs, external memory
            return RESP_CAPSET, struct.pack("<4I", 1, 1 << CHANNEL_WAYLAND, 0, 0)
        if kind == CREATE_BLOB:
            self.create_blob(number, body)
        elif kind == RESOURCE_UNREF:
            self.blobs.pop(struct.unpack_from("<I", body)[0]).close()
        elif kind == CTX_CREATE:
            if struct.unpack_from("<II", body)[1] & 0xFF != CAPSET:
                raise ValueError("a context of another kind")
            self.contexts[number] = Context()
        elif kind == CTX_DESTROY:
            self.end(self.contexts.pop(number))
        elif kind == CTX_ATTACH:
            self.contexts[number].attached.add(struct.unpack_from("<I", body)[0])
        elif kind == CTX_DETACH:
            self.contexts[number].attached.discard(struct.unpack_from("<I", body)[0])
        elif kind in (TO_HOST, FROM_HOST):  # of the box what a buffer has: x, the first byte, and w, how many
            start, _, _, size, _, _, _, resource = struct.unpack_from("<6IQI", body)
            blob = self.blob(self.contexts[number], resource)
            (blob.to_host if kind == TO_HOST else blob.from_host)(start, size)
        elif kind == SUBMIT:
            context, size = self.contexts[number], struct.unpack_from("<I", body)[0]
            self.submit(context, body[8 : 8 + size])
            if flags & FENCE and flags & RING_INDEX and ring == CHANNEL_RING and context.channel is not None:
                context.polls.append((queue, chain, data))
                self.watch(context)
                return None
        else:
            raise ValueError("unknown")
        return RESP_OK, b""

    def blob(self, context, resource):
        if resource not in context.attached:
            raise KeyError(f"resource {resource} is not this context's")
        return self.blobs[resource]

    def create_blob(self, number, body):
        resource, memory, _, count, which, size = struct.unpack_from("<4I2Q", body)
        pieces = (struct.unpack_from("<QI", body, 32 + 16 * piece) for piece in range(count))
        parts = [self.backend.memory.guest(*piece) for piece in pieces]
        if memory == MEM_GUEST:
            self.blobs[resource] = Blob(parts)
            return
        if memory != MEM_HOST3D_GUEST:
            raise ValueError(f"memory of kind {memory}")
        context = self.contexts[number]
        if which in context.files:
            fd = context.files.pop(which)
        elif context.images[which] != size:
            raise ValueError(f"{size} bytes are not the {context.images[which]} that were required")
        else:
            fd = os.memfd_create("blob", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(fd, size)
        self.blobs[resource] = Blob(parts, fd)

    # -- cross-domain

    def submit(self, context, commands):
        while commands:
            op, _, size, _ = COMMAND.unpack_from(commands)
            command, commands = commands[:size], commands[size:]
            if op == INIT:
                query, ring, channel = struct.unpack_from("<3I", command, COMMAND.size)
                if channel != CHANNEL_WAYLAND or context.channel is not None:
                    raise ValueError(f"no channel of kind {channel}")
                context.query, context.ring = (self.blob(context, resource).parts[0] for resource in (query, ring))
                context.channel = Channel(self.wayland)
            elif op == GET_IMAGE_REQUIREMENTS:
                width, height = struct.unpack_from("<2I", command, COMMAND.size)  # of bytes: our files are R8 images
                number, image = next(context.numbers), -(-width * height // PAGE) * PAGE
                context.images[number] = image
                fill(context.query, REQUIREMENTS.pack(width, 0, 0, 0, *[0] * 4, 0, image, number, 1, -1, -1))
            elif op == SEND:
                self.send(context, command)
            elif op == WRITE:
                _, _, _, _, number, hang_up, count, _ = READ_WRITE.unpack_from(command)
                data = command[READ_WRITE.size :][:count]
                if number not in context.writers:
                    continue  # its reader has gone; nothing tells the guest
                try:
                    if data:
                        os.write(context.writers[number], data)
                except BrokenPipeError:
                    hang_up = True
                if hang_up:
                    os.close(context.writers.pop(number))
            elif op != POLL or size < COMMAND.size:  # what a poll waits for is its fence
                raise ValueError(f"cross-domain command {op}")

    def send(self, context, command):
        _, _, _, _, count, size, *rest = TRANSFER.unpack_from(command)
        fds, writers = [], []
        try:
            for number, kind in zip(rest[:count], rest[MOST_FDS:], strict=False):
                if kind == ID_READ_PIPE:
                    own = next(context.pipe_numbers)
                    if own != number:
                        raise ValueError(f"pipe {number:#x} should have been {own:#x}")
                    context.readers[own], writer = os.pipe()
                    writers.append(writer)
                    fds.append(writer)
                elif kind == ID_BLOB:
                    fds.append(self.blob(context, number).fd)
                else:
                    raise ValueError(f"a descriptor of kind {kind}")
            if not context.channel.send(command[TRANSFER.size :][:size], fds):
                raise BrokenPipeError("the host has hung up")
        finally:
            for fd in writers:
                os.close(fd)
        self.watch(context)

    def watch(self, context):
        """Waits for the host's socket and the guest's pipes while there is a fence to tell of them, and only then."""
        for fd in context.watched:
            self.backend.sel.unregister(fd)
        context.watched = [context.channel.sock.fileno(), *context.readers.values()] if context.polls else []
        for fd in context.watched:
            number = next((number for number, reader in context.readers.items() if reader == fd), None)
            self.backend.sel.register(fd, selectors.EVENT_READ, lambda number=number: self.happened(context, number))

    def happened(self, context, number):
        """One event for one fence: of the host's socket, or of a pipe."""
        if not context.polls:
            return
        try:
            if number is None:
                self.receive(context)
            else:
                self.read(context, number)
        except (Halted, OSError) as error:
            print(f"cross-domain: the channel is dead: {error}", file=sys.stderr, flush=True)
            context.polls.clear()
        else:
            self.answer(*context.polls.popleft())
        self.watch(context)

    def receive(self, context):
        channel = context.channel
        data = channel.receive()
        ids, kinds, sizes = ([0] * MOST_FDS for _ in range(3))
        for at, (fd, kind) in enumerate(zip(channel.fds, channel.kinds, strict=True)):
            ids[at] = number = next(context.numbers)
            if kind == BLOB:
                kinds[at], sizes[at] = ID_BLOB, os.fstat(fd).st_size
                context.files[number] = fd
            elif kind == WRITE_PIPE:
                kinds[at] = ID_WRITE_PIPE
                context.writers[number] = fd
            else:
                raise Halted(f"a {kind}, for which this device has no use")
        count, channel.fds, channel.kinds = len(channel.fds), [], []
        fill(context.ring, TRANSFER.pack(RECEIVE, 0, 0, 0, count, len(data), *ids, *kinds, *sizes) + data)

    def read(self, context, number):
        data = os.read(context.readers[number], len(context.ring) - READ_WRITE.size)
        fill(context.ring, READ_WRITE.pack(READ, 0, 0, 0, number, not data, len(data), 0) + data)
        if not data:
            self.backend.sel.unregister(context.readers[number])
            context.watched.remove(context.readers[number])
            os.close(context.readers.pop(number))

    def end(self, context):
        held, context.polls = context.polls, collections.deque()
        if context.channel is not None:
            self.watch(context)
            context.channel.close()
        for poll in held:
            if poll[0].ready:
                self.answer(*poll)
        for fds in (context.files, context.writers, context.readers):
            for fd in fds.values():
                os.close(fd)

    def gone(self):
        for context in self.contexts.values():
            self.end(context)
        for blob in self.blobs.values():
            blob.close()
        self.contexts.clear()
        self.blobs.clear()


def fill(memory, data):
    memory[: len(data)] = data


def main():
    parser = argparse.ArgumentParser(description="a virtio-gpu device for cross-domain Wayland, by vhost-user")
    parser.add_argument("--socket", required=True, help="where the VMM connects")
    parser.add_argument("--wayland", required=True, help="where each of the guest's contexts connects")
    args = parser.parse_args()
    Backend(args.socket, CrossDomain(args.wayland)).run()


if __name__ == "__main__":
    main()
