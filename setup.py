"""Build: the wheel carries the Ansible content as `aimlsetup/_collection`, so that it works anywhere.

All other metadata stands in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONTENT = ("galaxy.yml", "meta", "playbooks", "plugins", "roles", "examples")
HERE = Path(__file__).parent


class BuildWithContent(build_py):
    """Copies the collection's files below the package, unless the package is installed in place."""

    def run(self) -> None:
        """Build as usual, then add the content."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "aimlsetup" / "_collection"
        for path in sorted(self._content()):
            destination = target / path.relative_to(HERE)
            self.mkpath(str(destination.parent))
            self.copy_file(str(path), str(destination))

    @staticmethod
    def _content() -> list[Path]:
        roots = [HERE / name for name in CONTENT]
        files = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*"))]
        return [path for path in files if path.is_file() and "__pycache__" not in path.parts]


setup(cmdclass={"build_py": BuildWithContent})
