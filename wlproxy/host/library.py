"""libwayland-server as the host uses it: pywayland's own binding, plus one function that the binding leaves out.

Promises: the very library that pywayland links, never a second copy. Trusts: pywayland's cffi module. Everything untyped about
cffi ends here and in `resource.py`.
"""

from __future__ import annotations

from typing import Any

import pywayland._ffi
from cffi import FFI
from pywayland import ffi as _ffi
from pywayland import lib as _lib

ffi: Any = _ffi
lib: Any = _lib

# dlsym on pywayland's extension module also looks through what that module is linked with.
_more = FFI()
_more.cdef("int wl_event_loop_get_fd(void *loop); void wl_log_set_handler_server(void (*handler)(const char *, void *));")
_more_lib: Any = _more.dlopen(str(pywayland._ffi.__file__))


# What libwayland would write to standard error: that a client hung up. The second argument is a va_list and stays unread.
@_more.callback("void(const char *, void *)")  # type: ignore[untyped-decorator]
def _silent(_format: Any, _arguments: Any) -> None:
    return


_more_lib.wl_log_set_handler_server(_silent)


def address(pointer: Any) -> int:
    """A C pointer as a number, to find Python objects by."""
    return int(ffi.cast("uintptr_t", pointer))


def event_loop_fd(loop: Any) -> int:
    """The epoll descriptor of a wl_event_loop: readable when something is to be dispatched. libwayland's; not to be closed."""
    return int(_more_lib.wl_event_loop_get_fd(_more.cast("void *", address(loop))))
