"""A git checkout at a wanted commit, kept in place; local work in it is never thrown away.

While one is changed, `.git/aimlsetup-busy` names the commit it is being brought to and is held locked by whatever git
command runs. A run that was killed is recognised by it, and the next one finishes: what the work tree then holds beyond
the old and the new commit is kept as `refs/aimlsetup/kept/TIME`. `refs/aimlsetup/head` is the commit that was last
brought about, `refs/aimlsetup/previous` the one before. Standard library only, Python 3.6 syntax.
"""

import collections
import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, gitnames, gitrun

HEAD, PREVIOUS, KEPT, FETCHED = ("refs/aimlsetup/" + name for name in ("head", "previous", "kept", "wanted"))
LOCK_SECONDS = 300
SHOWN = 20

# What a checkout is to be besides its commit. sparse: sorted directories, none for all of them.
Shape = collections.namedtuple("Shape", "submodules sparse lfs")


class Refused(Exception):
    """A checkout that can't be changed without a decision of somebody; says which."""


def is_checkout(path):
    """Whether the directory is a checkout with a repository of its own."""
    return os.path.isdir(os.path.join(path, ".git")) and not os.path.islink(path)


def only_directories(path):
    """Whether there is nothing but directories below it."""
    return not any(names for _directory, _directories, names in os.walk(path)) and not any(
        os.path.islink(os.path.join(directory, name)) for directory, names, _files in os.walk(path) for name in names
    )


def head(git, path):
    """The commit that is checked out, or None before the first."""
    return git.ask(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")


def interrupted(path):
    """Whether a change was cut short."""
    return os.path.lexists(_busy_file(path))


def due(git, path, commit, shape, url):
    """What is not as wanted: interrupted alone, or some of url, head, sparse, submodules, lfs."""
    if interrupted(path):  # what is in it can't be told yet, and git may not be able to read it
        return ["interrupted"]
    found = [] if _plain(git.ask(path, "config", "--get", "remote.origin.url")) == url else ["url"]
    if head(git, path) != commit:
        return found + ["head"]
    if sparse_now(git, path) != shape.sparse:
        found.append("sparse")
    if shape.submodules and any(line[:1] in "-+" for line in _lines(git(path, "submodule", "status", "--recursive"))):
        found.append("submodules")
    if shape.lfs and pointers(git, path):
        found.append("lfs")
    return found


def _plain(url):
    """A URL as this module writes it: somebody may have cloned a path as it is."""
    try:
        return gitnames.source(url or "")[1]
    except gitnames.Bad:
        return url


def sparse_now(git, path):
    """Directories of a sparse checkout; empty for a whole one."""
    if git.ask(path, "config", "--type=bool", "--get", "core.sparseCheckout") != "true":
        return []
    return sorted(_lines(git.ask(path, "sparse-checkout", "list") or ""))


def pointers(git, path):
    """Files in the work tree whose contents still have to come from the LFS store."""
    listed = [line.split(" ", 2) for line in _lines(git(path, "lfs", "ls-files", "--long"))]
    return [entry[2] for entry in listed if entry[1] == "-" and os.path.lexists(os.path.join(path, entry[2]))]


def local_work(git, path):
    """What would be at risk, as lines to show: changed and untracked files, stashes, commits nobody else has."""
    status = git(path, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
    found = ["file    " + line for line in _lines(status)]
    found += ["stash   " + line for line in _lines(git(path, "stash", "list"))]
    if head(git, path):
        known = ("--not", "--remotes", "--tags", "--glob=refs/aimlsetup")
        log = git(path, "log", "--format=%h %s", "-n", str(SHOWN), "HEAD", "--branches", *known)
        found += ["commit  " + line for line in _lines(log)]
    return found


def refuse_local_work(git, path, why):
    """Raise Refused, showing it, where there is local work."""
    work = local_work(git, path)
    if work:
        more = ["… and %d more" % (len(work) - SHOWN)] if len(work) > SHOWN else []
        raise Refused(
            "there is local work in it, which a change (%s) could cost:\n  %s\nCommit and push it, or move it away, "
            "then apply again. It was left as it is" % (why, "\n  ".join(work[:SHOWN] + more))
        )


def _lines(text):
    return [line for line in text.split("\n") if line]


def _busy_file(path):
    return os.path.join(path, ".git", "aimlsetup-busy")


@contextlib.contextmanager
def _busy(path, account):
    """The marker file, locked; its descriptor. It is removed only when all went well."""
    descriptor = os.open(_busy_file(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        os.fchown(descriptor, account.uid, account.gid)
        _lock(descriptor, path)
        yield descriptor
        os.sync()
        os.unlink(_busy_file(path))
    finally:
        os.close(descriptor)


def _lock(descriptor, path):
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() > deadline:
            raise Refused("git is still at work in %s for an earlier run; wait for it to end" % path)
        time.sleep(0.2)


def _note_target(descriptor, commit):
    content = json.dumps({"to": commit}).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content, 0)
    os.fsync(descriptor)


def _noted_target(descriptor):
    try:
        return json.loads(os.pread(descriptor, 4096, 0).decode()).get("to")
    except ValueError:
        return None


def _links_in(listing):
    """Submodules' names in a listing of an index or tree."""
    return {line.split("\t", 1)[1] for line in listing.split("\0") if line.startswith("160000 ")}


class Change:
    """One change of a checkout: `bring` it to a commit, as `account`."""

    def __init__(self, git, path, account, shape):
        self.git, self.path, self.account, self.shape = git, path, account, shape
        self.notes = []
        self._lock = None

    def __call__(self, *argv, **options):
        """Run git in the checkout, holding the marker."""
        return self.git(self.path, *argv, lock=self._lock, **options)

    def bring(self, wanted, url):
        """Fetch, and bring the work tree to the commit of `wanted`; returns that."""
        before, interrupted_before = head(self.git, self.path), interrupted(self.path)
        with _busy(self.path, self.account) as self._lock:
            if interrupted_before:
                self._finish_interrupted()
                refuse_local_work(self.git, self.path, "interrupted")
            self._set_url(url)
            commit = wanted.commit
            self._fetch(wanted)
            _note_target(self._lock, commit)
            self._check_out(wanted, commit)
            self._populate()
            if before and before != commit:
                self("update-ref", PREVIOUS, before)
            self("update-ref", HEAD, commit)
        return commit

    def _set_url(self, url):
        if self.git.ask(self.path, "config", "--get", "remote.origin.url") is None:
            self("remote", "add", "--", "origin", url)
        else:
            self("remote", "set-url", "--", "origin", url)

    def _fetch(self, wanted):
        """Branches, the tags that belong to them, and the wanted commit even where it is on none (any more)."""
        refs = ["+refs/heads/*:refs/remotes/origin/*"] + ([wanted.ref] if wanted.ref else [])
        self("fetch", "--quiet", "origin", *refs, remote=True)
        if self.git.ask(self.path, "cat-file", "-e", wanted.commit + "^{commit}") is None:
            self("fetch", "--quiet", "origin", wanted.commit, remote=True)
        self("update-ref", FETCHED, wanted.commit)

    def _check_out(self, wanted, commit):
        self._leave_submodules(commit)
        if self.shape.sparse:
            self("sparse-checkout", "init", "--cone")
            self("sparse-checkout", "set", "--stdin", stdin="".join(name + "\n" for name in self.shape.sparse))
        elif sparse_now(self.git, self.path):
            self("sparse-checkout", "disable")
        if wanted.kind == "branch":
            self("checkout", "--quiet", "-B", wanted.name, commit, "--")
            self("branch", "--quiet", "--set-upstream-to=origin/" + wanted.name, wanted.name)
        else:
            self("checkout", "--quiet", "--detach", commit, "--")

    def _leave_submodules(self, commit, *force):
        """Empty the submodules that the commit no longer has; git itself would leave them behind as untracked files."""
        here = _links_in(self("ls-files", "--stage", "-z"))
        there = _links_in(self("ls-tree", "-r", "-z", commit))
        if here - there:
            self("submodule", "--quiet", "deinit", *(force + ("--",) + tuple(sorted(here - there))))

    def _populate(self, *force):
        if self.shape.submodules:
            self("submodule", "--quiet", "sync", "--recursive")
            self("submodule", "--quiet", "update", "--init", "--recursive", *force, remote=True)
        if self.shape.lfs:
            self("lfs", "install", "--local", "--skip-repo")
            self("lfs", "pull", "origin", remote=True)

    def _finish_interrupted(self):
        """Where an earlier change had begun to write the work tree, finish that; nothing is lost."""
        for directory, _directories, names in os.walk(os.path.join(self.path, ".git")):
            for name in names:
                if name.endswith(".lock"):
                    os.unlink(os.path.join(directory, name))
        commit = _noted_target(self._lock)
        if not commit:
            return
        self._drop_unfinished_clones()
        for known in filter(None, (head(self.git, self.path), commit)):
            self._drop_dangling(self.path, known)
        for path in [os.path.join(self.path, name) for name in self._checked_out_submodules()] + [self.path]:
            self._keep(path)
        self._leave_submodules(commit, "--force")
        self("checkout", "--quiet", "--force", "--detach", commit, "--")
        self._populate("--force")
        os.sync()
        _note_target(self._lock, None)

    def _drop_unfinished_clones(self):
        """Remove submodules' repositories that were being cloned: git takes them for whole. They have no branch yet."""
        for directory, names, files in os.walk(os.path.join(self.path, ".git", "modules")):
            if "HEAD" not in files and "objects" not in names:
                continue
            names[:] = ["modules"] if "modules" in names else []
            here = "--git-dir=" + directory
            branches = self.git.ask(self.path, here, "for-each-ref", "refs/heads", "refs/stash")
            if self.git.ask(self.path, here, "rev-parse", "--verify", "HEAD^{commit}") is None and not branches:
                shutil.rmtree(directory)

    def _drop_dangling(self, top, commit):
        """Remove the `.git` files of submodules whose repository is not there (any more)."""
        for name in _links_in(self("-C", top, "ls-tree", "-r", "-z", commit)):
            link = os.path.join(top, name, ".git")
            found = self.git.ask(self.path, "--git-dir=" + link, "rev-parse", "--verify", "HEAD^{commit}")
            if found:
                self._drop_dangling(os.path.join(top, name), found)
            elif os.path.isfile(link) and self.git.ask(self.path, "--git-dir=" + link, "rev-parse") is None:
                os.unlink(link)

    def _checked_out_submodules(self):
        listing = ("submodule", "--quiet", "foreach", "--recursive", 'printf "%s\\n" "$displaypath"')
        names = _lines(self.git.ask(self.path, *listing) or "")
        return [name for name in names if os.path.lexists(os.path.join(self.path, name, ".git"))]

    def _keep(self, path):
        """Keep what a work tree holds as a commit of its own, where it is more than old and new commit."""
        old = head(self.git, path)
        if old is None:
            return
        index = os.path.join(self.git(path, "rev-parse", "--absolute-git-dir"), "aimlsetup-index")
        env = {"GIT_INDEX_FILE": index}
        self.git(path, "read-tree", "-m", "HEAD", env=env)
        self.git(path, "add", "--all", env=env)
        tree = self.git(path, "write-tree", env=env)
        os.unlink(index)
        if not self._more_than(path, tree, old):
            return
        message = "What an interrupted change left in the work tree"
        commit = self.git(path, "commit-tree", "-p", old, "-m", message, tree)
        name = "%s/%s" % (KEPT, time.strftime("%Y%m%d-%H%M%S"))
        self.git(path, "update-ref", name, commit)
        self.notes.append("%s: a change was interrupted; what its work tree held is kept as %s" % (path, name))

    def _more_than(self, path, tree, old):
        """Whether a tree has contents that neither the old commit nor the one being brought about has."""
        new = _noted_target(self._lock) if path == self.path else None
        added = ("diff-tree", "-r", "-z", "--name-only", "--diff-filter=d")
        changed = [set(self.git(path, *(added + (commit, tree))).split("\0")) for commit in (old, new) if commit]
        return bool(set.intersection(*changed) - {""})


def _give(path, uid, gid, mode):
    """Owner and mode of a directory that its owner could swap for a link at any time."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def prepare(path, account, like):
    """The directory a clone is made in, made or found; group and mode as the directory `like`, where there is one."""
    info = os.stat(like) if os.path.isdir(like) else None
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    gid, mode = (info.st_gid, stat.S_IMODE(info.st_mode)) if info else (account.gid, 0o755)
    _give(path, account.uid, gid, mode)


def land(prepared, destination):
    """Put a finished clone in its place in one step; directories that were there, empty, are in it too."""
    if not os.path.isdir(destination):
        os.rename(prepared, destination)
    else:
        _mirror(destination, prepared)
        try:
            atomic.exchange(prepared, destination)
            remove_directories(prepared)
        except OSError as error:
            if error.errno not in atomic.CAN_NOT_EXCHANGE:
                raise
            remove_directories(destination)
            os.rename(prepared, destination)
    atomic.sync_directory(os.path.dirname(destination))


def _mirror(source, target):
    for directory, names, _files in os.walk(source):
        for name in names:
            there = os.path.join(target, os.path.relpath(os.path.join(directory, name), source))
            if not os.path.lexists(there):
                info = os.stat(os.path.join(directory, name))
                os.mkdir(there, 0o700)
                _give(there, info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode))


def remove_directories(path):
    """Remove a tree of nothing but directories; OSError where there is something in one."""
    for directory, _names, _files in os.walk(path, topdown=False):
        os.rmdir(directory)


def initialise(git, path):
    """Make the prepared directory a repository; one that is there already is continued."""
    try:
        git(path, "init", "--quiet")
    except gitrun.GitError:
        shutil.rmtree(os.path.join(path, ".git"))  # killed while it was made: nothing is in it yet
        git(path, "init", "--quiet")
