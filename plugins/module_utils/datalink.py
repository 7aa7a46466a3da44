"""Directories as links to dated directories: `logs` -> `logs-211126_143000` (ddmmyy_HHMMSS, the host's local time).

No journal: what an interrupted run left is recognised by names alone, and `settle` finishes it. Beside the path may lie

    .logs.aimlsetup-flip      a link about to be renamed over the path; without meaning when left
    .logs.aimlsetup-next      a link to the dated directory that a copy is being made for
                              (a directory: the path and this have just been exchanged)
    .logs.aimlsetup-replaced  the original of a finished copy, not yet compared a last time
    .logs.aimlsetup-final     as `next`, once the original is being emptied in place because it can't be renamed
    .logs.aimlsetup-gone      the original of a finished and compared copy, being deleted

and, in the store, `.logs.aimlsetup-copy`, a copy that is being made, or a dated name that is a link to itself, about
to be exchanged with the path. Dated names only grow, so the newest is the one that was made last. Standard library
only, Python 3.6 syntax.
"""

import collections
import datetime
import errno
import os
import re
import stat

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, inuse, treecopy

STAMP = "%d%m%y_%H%M%S"
COPY_ATTEMPTS = 3

# path, store (where dated directories are made): absolute, without '..'. uid, gid, mode (int): None keeps what is.
# directories: relative names every dated directory has. elsewhere_ok: a link to another place is kept.
Link = collections.namedtuple("Link", "path store uid gid mode directories elsewhere_ok")


class Refused(Exception):
    """What is there can't be made into a link without a decision of somebody; says which."""


def hidden(link, role):
    """One of the names an interrupted run leaves; they lie beside the path, the copy in the store."""
    directory = link.store if role == "copy" else os.path.dirname(link.path)
    return os.path.join(directory, ".%s.aimlsetup-%s" % (os.path.basename(link.path), role))


def _real_directory(path):
    return os.path.isdir(path) and not os.path.islink(path)


def stamp_of(link, name):
    """The time in a dated name of this link, or None for another name."""
    base = os.path.basename(link.path) + "-"
    if not name.startswith(base) or not re.match(r"\d{6}_\d{6}$", name[len(base) :]):
        return None
    try:
        return datetime.datetime.strptime(name[len(base) :], STAMP)  # noqa: DTZ007 -- names are in local time
    except ValueError:
        return None


def dated(link):
    """Dated directories of this link, oldest first, wherever the store is or was beside the path."""
    found = set()
    for directory in {link.store, os.path.dirname(link.path)}:
        names = os.listdir(directory) if os.path.isdir(directory) else []
        found.update(os.path.join(directory, name) for name in names if stamp_of(link, name))
    return sorted(found, key=lambda path: (stamp_of(link, os.path.basename(path)), path))


def directories(link):
    """Those of `dated` that are real directories."""
    return [path for path in dated(link) if _real_directory(path)]


def new_name(link, now):
    """The dated directory to make at `now`; later than any there is, so that the newest is always the last made."""
    taken = [stamp_of(link, os.path.basename(path)) for path in dated(link)]
    stamp = max([now.replace(microsecond=0)] + [last + datetime.timedelta(seconds=1) for last in taken])
    return os.path.join(link.store, "%s-%s" % (os.path.basename(link.path), stamp.strftime(STAMP)))


def target_of(link):
    """Absolute path a link leads to, one step."""
    return os.path.normpath(os.path.join(os.path.dirname(link.path), os.readlink(link.path)))


def text_of(link, target):
    """What the link says: relative where the dated directory lies beside it, so that both can move together."""
    beside = os.path.dirname(target) == os.path.dirname(link.path)
    return os.path.basename(target) if beside else target


def situation(link):
    """missing, right, elsewhere, broken, directory or other: what is at the path now."""
    if not os.path.lexists(link.path):
        return "missing"
    if os.path.islink(link.path):
        target = target_of(link)
        beside = os.path.dirname(link.path)
        ours = stamp_of(link, os.path.basename(target)) and os.path.dirname(target) in (link.store, beside)
        if os.path.isdir(link.path):
            return "right" if ours else "elsewhere"
        # One that led to a separate store may only lack its disk: then nothing else is there either.
        return "missing" if ours and (os.path.dirname(target) == beside or directories(link)) else "broken"
    return "directory" if os.path.isdir(link.path) else "other"


def interrupted(link):
    """Whether an earlier run was cut short here."""
    left = [hidden(link, role) for role in ("flip", "next", "replaced", "final", "gone", "copy")]
    return any(os.path.lexists(path) for path in left) or any(map(_self_link, dated(link)))


def _self_link(path):
    return os.path.islink(path) and os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path))) == path


def refusal(link, now):
    """Why nothing may be done although `now` (see `situation`) is not right; None when it may. Open files aside."""
    if now == "other":
        return "a file is in the way. Move it away; nothing was changed."
    if now == "elsewhere" and not link.elsewhere_ok:
        return (
            "it is a link to %s, which is not one of its dated directories. Set elsewhere_ok for it to keep that, or "
            "remove the link (not what it leads to) to get a dated directory." % target_of(link)
        )
    if now == "broken":
        return "it is a link to %s, which is not there. Is a disk not mounted? Else remove the link." % target_of(link)
    if now == "directory" and inuse.mounts(link.path):
        return (
            "it is, or contains, a mount point (%s), which can't be moved. Mount that disk elsewhere and name a "
            "directory on it as the store, or take the path off the list." % ", ".join(inuse.mounts(link.path))
        )
    if not os.path.isdir(link.store) and now != "right":
        return "its store %s is not there. Is a disk not mounted? Else make the directory." % link.store
    if (link.store + "/").startswith(link.path + "/"):
        return "its store %s lies inside it. Name a directory elsewhere." % link.store
    return None


def point(link, target):
    """Make or flip the link with one rename."""
    flip = hidden(link, "flip")
    treecopy.remove(flip)
    os.symlink(text_of(link, target), flip)
    os.rename(flip, link.path)
    atomic.sync_directory(os.path.dirname(link.path))


def furnish(link, directory, check_mode=False):
    """Owner, mode and the wanted directories of a dated directory; True when something was (to be) changed."""
    changed = False
    for name in [""] + list(link.directories):
        path = os.path.join(directory, name) if name else directory
        if not os.path.isdir(path):
            changed = True
            if not check_mode:
                os.makedirs(path)
        if os.path.isdir(path):
            changed = _own(path, link, check_mode) or changed
    return changed


def _own(path, link, check_mode):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        info = os.fstat(descriptor)
        was = (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode))
        wanted = tuple(now if new is None else new for now, new in zip(was, (link.uid, link.gid, link.mode)))
        if was != wanted and not check_mode:
            os.fchown(descriptor, wanted[0], wanted[1])
            os.fchmod(descriptor, wanted[2])
        return was != wanted
    finally:
        os.close(descriptor)


def make(link, target, like):
    """A new dated directory with owner and mode as wished, else as those of the directory `like`."""
    info = os.stat(like)
    own = (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode))
    uid, gid, mode = (now if new is None else new for now, new in zip(own, (link.uid, link.gid, link.mode)))
    os.mkdir(target, 0o700)
    furnish(link._replace(uid=uid, gid=gid, mode=mode), target)
    atomic.sync_directory(link.store)


def settled(link):
    """Whether the path is a link as it should be, with nothing left to finish."""
    return situation(link) in ("right", "elsewhere") and not interrupted(link)


def establish(link, now):
    """Bring the path from any situation that was not refused to a link; (directory it leads to, changed)."""
    changed = not settled(link)
    settle(link)
    where = situation(link)
    if where == "missing":
        if not directories(link):
            make(link, new_name(link, now), os.path.dirname(link.path))
        point(link, directories(link)[-1])
    elif where == "directory":
        move(link, new_name(link, now))
    target = target_of(link)
    return target, (where != "elsewhere" and furnish(link, target)) or changed


def archive(link, now):
    """A new dated directory like the current one, and the link flipped to it; returns the new one.

    An empty one that is newer than the current one is an interrupted archive's, and is used.
    """
    settle(link)
    if situation(link) not in ("right", "elsewhere"):
        raise Refused("it is no link yet. Apply data_links first.")
    current = target_of(link)
    newest = (directories(link) or [current])[-1]
    if newest == current or _has_files(newest):
        newest = new_name(link, now)
        make(link, newest, current)
    furnish(link, newest)
    point(link, newest)
    return newest


def _has_files(directory):
    return any(not stat.S_ISDIR(info.st_mode) for _name, info in treecopy.walk(directory))


def move(link, target):
    """Turn the directory at the path into the dated `target` and a link to it."""
    os.symlink(text_of(link, target), target)
    try:
        atomic.exchange(link.path, target)
    except OSError as error:
        os.unlink(target)
        if error.errno not in atomic.CAN_NOT_EXCHANGE:
            raise
        _move_in_two_steps(link, target)
    for directory in {os.path.dirname(link.path), link.store}:
        atomic.sync_directory(directory)


def _move_in_two_steps(link, target):
    try:
        os.rename(link.path, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        move_by_copy(link, target)
    else:
        point(link, target)


def move_by_copy(link, target):
    """The same across file systems: a verified copy, then the swap, then a last look before the original goes."""
    following = hidden(link, "next")
    if os.path.islink(following):
        target = os.path.normpath(os.path.join(os.path.dirname(following), os.readlink(following)))
    else:
        os.symlink(text_of(link, target), following)
    try:
        _refuse_open(link)
        copy_verified(link, target)
        _refuse_open(link)
    except (OSError, treecopy.Unlike, Refused) as error:
        for path in (hidden(link, "copy"), target, following):
            treecopy.remove(path)
        raise Refused("%s. The data is where it was." % str(error).rstrip("."))
    replace(link)
    settle(link)


def _refuse_open(link):
    busy = inuse.openers(link.path)
    if busy:
        raise Refused(
            "what is written to its open files would be lost on the way to another file system: %s. Stop these and "
            "apply again" % "; ".join(busy)
        )


def copy_verified(link, target):
    """Make `target` a verified copy of the path; copies again what changed meanwhile."""
    copy = hidden(link, "copy")
    check_space(link, copy, target)
    for _attempt in range(COPY_ATTEMPTS):
        if os.path.isdir(target):
            if not treecopy.differences(link.path, target, contents=False):
                return
            os.rename(target, copy)
        treecopy.copy(link.path, copy)
        os.sync()
        changed = treecopy.differences(link.path, copy, contents=True)
        if not changed:
            os.rename(copy, target)
            atomic.sync_directory(link.store)
            return
    raise Refused("it keeps changing while it is copied (%s …). Stop what writes there" % ascii(changed[0]))


def check_space(link, copy, target):
    """Refuse when the store can't hold what is still to be copied."""
    begun = [path for path in (copy, target) if os.path.isdir(path)]
    needed = treecopy.allocated(link.path) - sum(map(treecopy.allocated, begun))
    status = os.statvfs(link.store)
    if needed > status.f_bavail * status.f_frsize:
        raise Refused(
            "its %d MiB do not fit into the %d MiB free at %s. Make room or name another store"
            % (needed >> 20, (status.f_bavail * status.f_frsize) >> 20, link.store)
        )


def replace(link):
    """Put the pending link where the copied original is; what `settle` finds then is unambiguous at every moment."""
    following = hidden(link, "next")
    try:
        atomic.exchange(link.path, following)
    except OSError as error:
        if error.errno not in atomic.CAN_NOT_EXCHANGE:
            raise
        _replace_in_two_steps(link, following)
    atomic.sync_directory(os.path.dirname(link.path))


def _replace_in_two_steps(link, following):
    try:
        os.rename(link.path, hidden(link, "replaced"))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        os.rename(following, hidden(link, "final"))  # a layer below an overlay: can be emptied, not renamed
    else:
        os.rename(following, link.path)


def settle(link):
    """Finish what an interrupted run began, as far as the names tell; the rest is an ordinary situation."""
    following, replaced, final, gone = (hidden(link, role) for role in ("next", "replaced", "final", "gone"))
    treecopy.remove(hidden(link, "flip"))
    for path in filter(_self_link, dated(link)):
        os.unlink(path)
    if os.path.islink(final):
        _empty_in_place(link, final)
    if _real_directory(following):
        os.rename(following, replaced)
    if os.path.islink(following):
        _settle_pending(link, following, replaced)
    if _real_directory(replaced):
        _refuse_late(replaced, target_of(link))
        os.rename(replaced, gone)
    if situation(link) != "directory":
        treecopy.remove(hidden(link, "copy"))
    treecopy.remove(gone)


def _settle_pending(link, following, replaced):
    """A pending link: the copy is still being made (left as it is), or it only has to take the path's place."""
    if not os.path.lexists(link.path) and os.path.isdir(following):
        os.rename(following, link.path)
    elif os.path.islink(link.path) or _real_directory(replaced):
        os.unlink(following)


def _empty_in_place(link, final):
    if _real_directory(link.path):
        _refuse_late(link.path, os.path.realpath(final))
        treecopy.remove(link.path)
    os.rename(final, link.path)


def _refuse_late(original, copy):
    written = treecopy.later(original, copy)
    if written:
        raise Refused(
            "after it was copied to %s, more was written to %s: %s. Bring over what you need, delete the latter, and "
            "apply again." % (copy, original, ", ".join(ascii(name) for name in written[:5]))
        )
