"""Writing a file or link so that a crash leaves the old one or the new one. Python 3.6 syntax."""

import ctypes
import errno
import os
import tempfile

RENAME_EXCHANGE = 2
AT_FDCWD = -100
CAN_NOT_EXCHANGE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


def sync_directory(directory):
    """Make a rename in this directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path, content, mode=0o600, uid=-1, gid=-1):
    """Write bytes beside the path, with owner and mode already right, then rename over it."""
    directory = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".aimlsetup-", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            os.fchown(handle.fileno(), uid, gid)
            os.fchmod(handle.fileno(), mode)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_directory(directory)


def link(path, target):
    """Point the link at the target with one rename, whether or not the link exists."""
    directory = os.path.dirname(path)
    temporary = os.path.join(directory, ".aimlsetup-link-%d" % os.getpid())
    if os.path.islink(temporary):
        os.unlink(temporary)
    os.symlink(target, temporary)
    os.rename(temporary, path)
    sync_directory(directory)


def exchange(one, other):
    """Swap two names in one step; OSError where kernel or file system can't (see `CAN_NOT_EXCHANGE`)."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        raise OSError(errno.ENOSYS, "renameat2 is not known to this C library")
    if library.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), one)
