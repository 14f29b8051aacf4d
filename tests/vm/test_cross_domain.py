"""A guest whose programs reach the host by virtio-gpu's cross-domain channel: guest kernel, its virtio-gpu driver, a device that does on
the host what rutabaga does, wlproxy, a compositor. Only the device and the guest's bridge are of the tests' own."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio

from tests.attack.wire import request
from tests.e2e import scenes
from tests.e2e.compositors import Compositor, Sway, sway, weston
from tests.e2e.images import difference
from tests.e2e.processes import need, output_of, program, until
from tests.e2e.proxy import DIRECT, GUEST, Way, descriptors, relay_of, way
from tests.sidecar.conftest import read
from tests.sidecar.test_vmm import ALL_SEALS, memfd
from tests.sidecar.vmm import MOST_FDS, RECEIVE_BYTES
from tests.vm.inside import limits
from tests.vm.machines import PATIENCE, PYTHON, Gpu, Machine, module, need_gpu
from tests.vm.test_windows import window_appears

pytestmark = [pytest.mark.vm, pytest.mark.trio]
# a compositor that is played by a test is asked for nothing but what the guest says
PLAYED = """
format = 1
name = "played"
transparent = true
[upstream]
security-context = "off"
[quota]
messages = "unlimited"
"""
Boot = Callable[..., Machine]
SIZES = [pytest.param(17, marks=pytest.mark.slow), 300_000]  # the second is more than a pipe, and than a piece of the channel


@pytest.fixture
def boot(folder: Path) -> Iterator[Boot]:
    """Starts machines, each with a virtio-gpu that connects to a way's socket, and ends them."""
    need_gpu()
    started: list[Machine | Gpu] = []

    def boot_one(taken: Way, command: list[str], **more: object) -> Machine:
        gpu = Gpu(folder / f"gpu{len(started)}", taken.socket)
        started.append(gpu)
        started.append(machine := Machine("uml", command, gpu=gpu, **more))  # type: ignore[arg-type]
        return machine

    yield boot_one
    for one in reversed(started):
        one.close()


def client(*command: str, **more: str) -> list[str]:
    """What runs a Wayland client in the guest."""
    return module("tests.vm.inside.cross_domain", "env", *(f"{name}={value}" for name, value in more.items()), *command)


def still() -> list[str]:
    return client(PYTHON, str(scenes.CLIENTS / "still.py"), "wlproxy.e2e.still", scenes.TITLE)


async def finished(machine: Machine) -> str:
    return await trio.to_thread.run_sync(machine.finish)


async def test_its_limits(folder: Path, boot: Boot) -> None:
    """28 descriptors in a SEND, SENDs of 64 KiB that end anywhere; to the guest pieces of 3744 bytes that do, at most 28 descriptors with
    each, and keymaps that can be mapped writable though the compositor's are sealed."""
    path = folder / "host.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        policy = folder / "played.toml"
        policy.write_text(PLAYED)
        async with way("transparent", Compositor("played", folder, folder, path), "--policy", str(policy)) as taken:
            machine = boot(taken, module("tests.vm.inside.limits"))
            relay = relay_of(os.getpid())
            before = descriptors(relay)
            stream = await trio.to_thread.run_sync(play_the_compositor, listener)
            seen = json.loads(await finished(machine))
            await until("the guest's descriptors to be closed", lambda: descriptors(relay) == before)
        assert taken.denials() == []
    assert seen.pop("pieces that end within a message") > 10
    assert seen == {
        "stream": hashlib.sha256(stream).hexdigest(),
        "largest piece": RECEIVE_BYTES,
        "most descriptors at once": MOST_FDS,
        "keymaps": True,
    }


def play_the_compositor(listener: socket.socket) -> bytes:
    """Checks what limits.py sends, and answers; the events that it should see."""
    listener.settimeout(PATIENCE)
    host, _ = listener.accept()
    with host:
        assert read(host, len(limits.REGISTRY))[0] == limits.REGISTRY
        host.sendall(b"".join(request(2, 0, 1 + at, name, version) for at, (name, version) in enumerate(limits.GLOBALS.items())))
        before = limits.BINDS + limits.MADE
        assert read(host, len(before))[0] == before
        _, pools = read(host, sum(len(request(limits.SHM, 0, 0, 0)) for _ in limits.POOLS))
        assert [os.pread(fd, 1 << 20, 0) for fd in pools] == [limits.contents(at) for at in range(MOST_FDS)]
        assert read(host, len(limits.STREAM))[0] == limits.STREAM
        keymaps = [memfd(limits.keymap(at), ALL_SEALS) for at in range(limits.KEYMAPS)]
        events = b"".join(request(limits.KEYBOARD, 0, 1, len(limits.keymap(at))) for at in range(limits.KEYMAPS))
        socket.send_fds(host, [events], keymaps)  # at once, which is more than a VMM has room for
        burst = request(limits.KEYBOARD, 5, 25, 600) + b"".join(request(limits.SHM, 0, at) for at in range(6000)) + limits.LAST
        host.sendall(burst)
        assert host.recv(1) == b"", "the guest is done"
        assert all(os.pread(fd, 10, 0) == b"xkb_keymap" for fd in keymaps)
    for fd in (*pools, *keymaps):
        os.close(fd)
    return events + burst


@pytest.mark.parametrize("compositor", [weston, pytest.param(sway, marks=pytest.mark.slow)])
async def test_every_pixel(compositor: Callable[[Path], AbstractAsyncContextManager[Compositor]], folder: Path, boot: Boot) -> None:
    """A client in the guest looks as it does without guest or proxy."""
    directly = await scenes.without_proxy(compositor.__name__, scenes.still)
    async with compositor(folder) as host, way("strict", host) as taken:
        boot(taken, still())
        shot = await host.still_screenshot(expected=directly.shot, seconds=PATIENCE)
        assert not (wrong := difference(directly.shot, shot)), wrong
        if isinstance(host, Sway):
            window = await host.window()
            assert (window["name"], window["app_id"]) == (f"[{GUEST}] {scenes.TITLE}", f"vm.{GUEST}.wlproxy.e2e.still")


async def test_typing_into_foot(folder: Path, boot: Boot) -> None:
    """The keymap has arrived in the guest, for foot knows which letters were typed."""
    share = folder / "share"
    share.mkdir()
    config = folder / "foot.ini"
    config.write_text(scenes.FOOT_INI)
    script = f"read -r line; printf %s \"$line\" > '{share}/new'; mv '{share}/new' '{share}/typed'; exec cat"
    # foot takes a pool of 512 MiB for scrolling, of which a bridge that knows no holes would carry every byte
    foot = [need("foot", "foot"), f"--config={config}", "-o", "tweak.max-shm-pool-size-mb=0", "sh", "-c", script]
    async with sway(folder) as host, way("desktop", host) as taken:
        machine = boot(taken, client(*foot, SHELL="/bin/sh"), share=share)
        await host.window(seconds=PATIENCE)
        await host.type_text(scenes.TYPED + "\n")
        await until("the line that was typed", (share / "typed").exists)
        assert (share / "typed").read_text() == scenes.TYPED
        assert machine.process.poll() is None


@pytest.mark.parametrize("size", SIZES)
async def test_the_guest_pastes(size: int, folder: Path, boot: Boot) -> None:
    """READ_PIPE: the device's pipe, and what comes out of it through the channel."""
    text = ("wäyland " * size).encode()[: size - 1] + b"!"
    paste = client("sh", "-c", f"{need('wl-paste', 'wl-clipboard')} --no-newline | sha256sum")
    async with sway(folder) as host, way(DIRECT, host) as directly, way("transparent", host) as taken:
        copy = [need("wl-copy", "wl-clipboard"), "--foreground"]
        async with program(copy, directly.client_environment(WAYLAND_DEBUG="1"), folder, stdin=text) as owner:
            await owner.until_says(".selection(zwlr_data_control_offer")
            said = await finished(boot(taken, paste))
    assert said.split()[0] == hashlib.sha256(text).hexdigest()


async def offering(text: bytes, host: Sway, start: Callable[[list[str]], Machine]) -> Machine:
    """A guest whose wl-copy offers the text, once the compositor knows."""
    (host.folder / "text").write_bytes(text)
    watch = [need("wl-paste", "wl-clipboard"), "--watch", "sh", "-c", "cat > /dev/null; echo a selection"]
    async with program(watch, host.client_environment(), host.folder) as watching:
        copy = f"exec {need('wl-copy', 'wl-clipboard')} --foreground < {host.folder}/text"
        machine = start(client("sh", "-c", copy))
        await watching.until_says("a selection", seconds=PATIENCE)
    return machine


@pytest.mark.parametrize("size", SIZES)
async def test_the_host_pastes(size: int, folder: Path, boot: Boot) -> None:
    """WRITE_PIPE: the compositor's pipe, into which the guest writes through the channel."""
    text = ("wäyland " * size).encode()[: size - 1] + b"!"
    async with sway(folder) as host, way("transparent", host) as taken:
        await offering(text, host, lambda copy: boot(taken, copy))
        paste = [need("wl-paste", "wl-clipboard"), "--no-newline"]
        assert await output_of(paste, host.client_environment(), folder) == text


@pytest.mark.slow
async def test_a_vmm_that_dies_while_the_host_pastes(folder: Path, boot: Boot) -> None:
    """Whoever reads on the host gets the end, and does not wait for ever."""
    text = bytes(range(32, 127)) * 40_000
    async with sway(folder) as host, way("transparent", host) as taken:
        relay = relay_of(os.getpid())
        before = descriptors(relay)
        machine = await offering(text, host, lambda copy: boot(taken, copy))
        paste = [need("wl-paste", "wl-clipboard"), "--no-newline"]
        with subprocess.Popen(paste, env=host.client_environment(), stdout=subprocess.PIPE) as pasting:
            assert pasting.stdout is not None and machine.gpu is not None
            got = pasting.stdout.read(4096)  # no more, so that the pipes fill up and the rest waits in the guest
            machine.close()
            machine.gpu.close()
            got += await trio.to_thread.run_sync(pasting.stdout.read)
        assert text.startswith(got) and len(got) < len(text)
        await until("what the dead guest had to be closed", lambda: descriptors(relay) == before)


async def test_a_guest_that_dies_in_the_middle_of_a_frame(folder: Path, boot: Boot) -> None:
    """It draws without pause when its machine is killed: its window goes, nothing of it stays in the proxy, and another guest draws on."""
    async with weston(folder) as host, way("strict", host) as taken:
        relay = relay_of(os.getpid())
        none = descriptors(relay)
        boot(taken, still())
        await window_appears(host, there=True)
        one = descriptors(relay)
        alone = await host.still_screenshot()
        dying = boot(taken, client(need("weston-simple-shm", "weston")))
        await until("a second window", lambda: len(descriptors(relay)) > len(one), PATIENCE)
        frames = {(await host.screenshot()).pixels}
        with trio.fail_after(PATIENCE):
            while len(frames) < 5:
                frames.add((await host.screenshot()).pixels)
        dying.close()
        await until("what the dead guest had to be closed", lambda: descriptors(relay) == one)
        after = await host.still_screenshot(expected=alone)
        assert not (wrong := difference(alone, after)), wrong
        third = boot(taken, still())  # and a new one is served
        await until("a third guest", lambda: len(descriptors(relay)) > len(one), PATIENCE)
        third.close()
        await until("what the third had to be closed", lambda: descriptors(relay) == one)
        assert len(none) < len(one)
    ends = [record for record in taken.audit() if record["event"] == "disconnect"]
    assert [record["ended_by"] for record in ends].count("guest") >= 2
    assert not [record for record in taken.audit() if record["event"] == "internal"]
