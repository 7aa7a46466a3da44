"""Verified copies of directory trees: contents, modes, owners, times, extended attributes (ACLs among them), hard
links, holes, and special files.

A copy that was interrupted is continued: what is already equal is left alone, what is not wanted is removed. Standard
library only, Python 3.6 syntax.
"""

import errno
import os
import shutil
import stat

BLOCK = 1 << 20


class Unlike(Exception):
    """The target's file system can't hold what the source has."""


def walk(root):
    """(relative name, lstat) of everything below the root, a directory before what is in it; the root itself is ""."""
    waiting = [""]
    while waiting:
        name = waiting.pop()
        info = os.lstat(os.path.join(root, name) if name else root)
        yield name, info
        if stat.S_ISDIR(info.st_mode):
            entries = sorted(os.listdir(os.path.join(root, name)), reverse=True)
            waiting += [os.path.join(name, entry) for entry in entries]


def allocated(root):
    """Bytes the tree takes up on its disk, hard links counted once."""
    seen = {}
    for _name, info in walk(root):
        seen[(info.st_dev, info.st_ino)] = info.st_blocks * 512
    return sum(seen.values())


def signature(info):
    """What tells two entries apart without reading them."""
    kind = stat.S_IFMT(info.st_mode)
    mode = None if kind == stat.S_IFLNK else stat.S_IMODE(info.st_mode)
    size = info.st_size if kind in (stat.S_IFREG, stat.S_IFLNK) else None
    device = info.st_rdev if kind in (stat.S_IFBLK, stat.S_IFCHR) else None
    return kind, mode, info.st_uid, info.st_gid, size, device, None if kind == stat.S_IFDIR else info.st_mtime_ns


def _lstat(path):
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def remove(path):
    """Remove whatever is there, or nothing."""
    info = _lstat(path)
    if info is None:
        return
    if stat.S_ISDIR(info.st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def attributes_of(path):
    """{name: value} of an entry's extended attributes."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def _give_attributes(source, target, info):
    """Owner, mode, extended attributes and times; in this order, for a change of owner drops the other two."""
    os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(info.st_mode):
        os.chmod(target, stat.S_IMODE(info.st_mode))
    try:
        for name, value in attributes_of(source).items():
            os.setxattr(target, name, value, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            raise Unlike("the file system of %s can't keep the attribute %s of %s" % (target, name, source))
        raise
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)


def _copy_data(source, target):
    """A regular file's contents, holes kept as holes."""
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(reader).st_size
            os.ftruncate(writer, size)
            for start, end in _extents(reader, size):
                _copy_range(reader, writer, start, end)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _extents(descriptor, size):
    offset = 0
    while offset < size:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                return
            raise
        offset = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, offset


def _copy_range(reader, writer, start, end):
    os.lseek(writer, start, os.SEEK_SET)
    while start < end:
        done = os.sendfile(writer, reader, start, min(BLOCK, end - start))
        if done == 0:  # the file became shorter meanwhile; the verification will tell
            return
        start += done


def _make(source, target, info):
    kind = stat.S_IFMT(info.st_mode)
    if kind == stat.S_IFREG:
        _copy_data(source, target)
    elif kind == stat.S_IFDIR:
        os.mkdir(target, 0o700)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    else:
        os.mknod(target, info.st_mode, info.st_rdev)


def copy(source, target):
    """Make `target` a copy of the directory `source`, or continue one. Raises OSError and `Unlike`."""
    first_names, directories, wanted = {}, [], set()
    for name, info in walk(source):
        here, there = (os.path.join(root, name) if name else root for root in (source, target))
        wanted.add(name)
        first = first_names.setdefault((info.st_dev, info.st_ino), there)
        _copy_entry(here, there, info, first)
        if stat.S_ISDIR(info.st_mode):
            directories.append((here, there, info))
    for name in [name for name, _info in walk(target) if name not in wanted]:
        remove(os.path.join(target, name))
    for here, there, info in reversed(directories):  # a directory's times last, when nothing is made in it any more
        _give_attributes(here, there, info)


def _copy_entry(here, there, info, first):
    """One entry; `first` is the copy of the same inode, `there` itself when it is the first of its hard links."""
    now = _lstat(there)
    if stat.S_ISDIR(info.st_mode):
        if now is None or not stat.S_ISDIR(now.st_mode):
            remove(there)
            _make(here, there, info)
        return
    if first != there:
        if now is None or not os.path.samestat(now, os.lstat(first)):
            remove(there)
            os.link(first, there, follow_symlinks=False)
        return
    if now is None or signature(now) != signature(info):
        remove(there)
        _make(here, there, info)
    _give_attributes(here, there, info)


def _same_contents(one, other):
    """Whether two regular files have the same bytes; the second is read from its disk, not from memory."""
    with open(one, "rb") as left, open(other, "rb") as right:
        os.posix_fadvise(right.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while True:
            block = left.read(BLOCK)
            if block != right.read(BLOCK):
                return False
            if not block:
                return True


def _links(root):
    """{relative name: first relative name of the same inode}."""
    first = {}
    return {name: first.setdefault((info.st_dev, info.st_ino), name) for name, info in walk(root)}


def _alike(here, there, contents):
    one, other = os.lstat(here), os.lstat(there)
    if signature(one) != signature(other):
        return False
    if not contents:
        return True
    if attributes_of(here) != attributes_of(there):
        return False
    if stat.S_ISLNK(one.st_mode):
        return os.readlink(here) == os.readlink(there)
    return not stat.S_ISREG(one.st_mode) or _same_contents(here, there)


def differences(source, target, contents):
    """Relative names that are not the same in both trees; with `contents` every byte and attribute is compared.

    A name that vanishes while it is looked at counts as different.
    """
    left, right = _links(source), _links(target)
    found = [name or "." for name in sorted(set(left) | set(right)) if left.get(name) != right.get(name)]
    for name in sorted(set(left) & set(right)):
        try:
            alike = _alike(os.path.join(source, name), os.path.join(target, name), contents)
        except FileNotFoundError:
            alike = False
        if not alike:
            found.append(name or ".")
    return found


def later(source, target):
    """Relative names in `source` whose counterpart in its copy is missing or older: what was written too late."""
    found = []
    for name, info in walk(source):
        copied = _lstat(os.path.join(target, name) if name else target)
        if copied is None or (not stat.S_ISDIR(info.st_mode) and copied.st_mtime_ns < info.st_mtime_ns):
            found.append(name or ".")
    return found
