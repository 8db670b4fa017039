"""Faults under SQLite: its own table of system calls, meant for such tests, is replaced in this process by ours."""

import _sqlite3
import ctypes
import errno
import os

_library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
_POINTER = ctypes.c_void_p


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", _POINTER),
        ("zName", ctypes.c_char_p),
        ("pAppData", _POINTER),
        *(
            (name, _POINTER)
            for name in [
                "xOpen",
                "xDelete",
                "xAccess",
                "xFullPathname",
                "xDlOpen",
                "xDlError",
                "xDlSym",
                "xDlClose",
                "xRandomness",
                "xSleep",
                "xCurrentTime",
                "xGetLastError",
                "xCurrentTimeInt64",
            ]
        ),
        ("xSetSystemCall", ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER)),
        ("xGetSystemCall", ctypes.CFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)),
    ]


_library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
_vfs = _library.sqlite3_vfs_find(None)
_kept = []

_TYPES = {
    "pwrite64": (ctypes.c_ssize_t, ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_int64),
    "mmap": (_POINTER, _POINTER, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64),
}


def replace(name, make):
    """`make(original)` gives the function to call instead; on failure it returns `failed(errno)`."""
    kind = ctypes.CFUNCTYPE(*_TYPES[name], use_errno=True)
    original = kind(_vfs.contents.xGetSystemCall(ctypes.addressof(_vfs.contents), name.encode()))
    ours = kind(make(original))
    _kept.extend((original, ours))
    code = _vfs.contents.xSetSystemCall(ctypes.addressof(_vfs.contents), name.encode(), ctypes.cast(ours, _POINTER))
    assert code == 0


def restore():
    """All system calls are the system's own again."""
    _vfs.contents.xSetSystemCall(ctypes.addressof(_vfs.contents), None, None)


def failed(number):
    ctypes.set_errno(number)
    return -1


def without_shared_memory():
    """`mmap` fails, as on network file systems and FUSE."""
    replace("mmap", lambda original: lambda *arguments: failed(errno.ENODEV))


def fail_write(at, number):
    """The n-th write from now fails with that errno, and only it."""
    count = [0]

    def make(original):
        def write(*arguments):
            count[0] += 1
            return failed(number) if count[0] == at else original(*arguments)

        return write

    replace("pwrite64", make)
    return count


def small_disk(folder, size):
    """Writes that would take the files in `folder` above `size` bytes fail with ENOSPC."""

    def make(original):
        def write(file, content, length, offset):
            growth = max(0, offset + length - os.fstat(file).st_size)
            if growth and used(folder) + growth > size:
                return failed(errno.ENOSPC)
            return original(file, content, length, offset)

        return write

    replace("pwrite64", make)


def used(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())


def before_each_write(call):
    """`call` is called before every write of SQLite's."""

    def make(original):
        def write(*arguments):
            call()
            return original(*arguments)

        return write

    replace("pwrite64", make)
