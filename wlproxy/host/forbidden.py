"""Three things that a guest may not do, tried in earnest.

    python -m wlproxy.host.forbidden SOCKET [--bind INTERFACE --name N]

Each try has a connection of its own, and prints one JSON object: what was tried, `fate` ("refused" with the text of wl_display.error,
"hung up" without one, "went through"), and what the compositor or the proxy said. Trusts: nothing, and deserves none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Final

from .raw_client import RawClient, Refused, uint

POOL_FILE: Final = 4096
POOL_CLAIM: Final = 1 << 30


def bind_hidden(client: RawClient, interface: str, name: int) -> None:
    """Binds a global that was never announced, under the name that it really has on the host."""
    registry, _globals = client.globals()
    client.bind(registry, name, interface, 1)
    client.roundtrip()


def pool_beyond_its_file(client: RawClient) -> None:
    """Claims 1 GiB of a file of 4 KiB: whoever reads what it never had is killed by SIGBUS."""
    registry, found = client.globals()
    shm = client.bind(registry, found["wl_shm"][0], "wl_shm", 1)
    compositor = client.bind(registry, found["wl_compositor"][0], "wl_compositor", 4)
    descriptor = os.memfd_create("forbidden", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, POOL_FILE)
    pool, buffer, surface = client.new_id(), client.new_id(), client.new_id()
    client.request(shm, 0, uint(pool, POOL_CLAIM), [descriptor])
    os.close(descriptor)
    client.request(pool, 0, uint(buffer, POOL_CLAIM // 2, 4096, 4096, 16384, 1))  # create_buffer
    client.request(compositor, 0, uint(surface))  # create_surface
    client.request(surface, 1, uint(buffer, 0, 0))  # attach
    client.request(surface, 6)  # commit
    client.roundtrip()


def surface_under_its_window(client: RawClient) -> None:
    """Destroys a wl_surface while its xdg_toplevel lives: a few compositors then follow a stale pointer."""
    registry, found = client.globals()
    compositor = client.bind(registry, found["wl_compositor"][0], "wl_compositor", 4)
    shell = client.bind(registry, found["xdg_wm_base"][0], "xdg_wm_base", 1)
    surface, xdg_surface, toplevel = client.new_id(), client.new_id(), client.new_id()
    client.request(compositor, 0, uint(surface))  # create_surface
    client.request(shell, 2, uint(xdg_surface, surface))  # get_xdg_surface
    client.request(xdg_surface, 1, uint(toplevel))  # get_toplevel
    client.request(surface, 6)  # commit
    client.request(surface, 0)  # destroy
    client.roundtrip()


def attempt(socket_path: str, what: str, doing: Callable[[RawClient], None]) -> dict[str, object]:
    """One try on a connection of its own."""
    client = RawClient(socket_path)
    try:
        doing(client)
        return {"tried": what, "fate": "went through", "said": ""}
    except Refused as refused:
        fate = "refused" if refused.text else "hung up"
        return {"tried": what, "fate": fate, "object": refused.object_id, "code": refused.code, "said": refused.text}
    except TimeoutError:
        return {"tried": what, "fate": "no answer", "said": ""}
    finally:
        client.close()


def attempts(interface: str, name: int) -> list[tuple[str, Callable[[RawClient], None]]]:
    """The three, with a line that says what each is."""
    return [
        (f"bind {interface}, which was never announced", lambda client: bind_hidden(client, interface, name)),
        ("a pixel pool that claims 1 GiB of a file of 4 KiB", pool_beyond_its_file),
        ("destroy a wl_surface under its live xdg_toplevel", surface_under_its_window),
    ]


def main(argv: list[str] | None = None) -> int:
    """Tries all three; 0 even when one went through, which the lines say."""
    parser = argparse.ArgumentParser(prog="python -m wlproxy.host.forbidden")
    parser.add_argument("socket", metavar="SOCKET")
    parser.add_argument("--bind", default="zwlr_screencopy_manager_v1", metavar="INTERFACE")
    parser.add_argument("--name", type=int, default=1, metavar="N", help="the global's name on the host")
    args = parser.parse_args(argv)
    for what, doing in attempts(args.bind, args.name):
        print(json.dumps(attempt(args.socket, what, doing)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
