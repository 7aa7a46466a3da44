"""YAML files: read with positions, refused with line and column, written sorted and atomically.

The only door to the yaml library. What is read is plain data; a position is 1-based.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from aimlsetup import content
from aimlsetup.errors import AimlsetupError, Exit

Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

SHOWN_PROBLEMS = 5  # an error is one screen
EXPECTED = {
    "string_type": ("text", "write it as text"),
    "int_type": ("a whole number", "write digits without quotes, such as 4100"),
    "float_type": ("a number", "write digits without quotes, such as 0.5"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "list_type": ("a list", "write [one, two], or lines that begin with '- '"),
    "dict_type": ("a mapping", "write {key: value}, or lines 'key: value' further to the right"),
    "model_type": ("a mapping", "write {key: value}, or lines 'key: value' further to the right"),
}
KINDS = {str: "text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "a mapping"}


class Span(NamedTuple):
    """Where a key or scalar stands; `end` is exclusive and on the same line, None for a collection."""

    line: int
    column: int
    end: int | None


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file. `at_key` points at the key rather than at its value."""

    location: Location
    message: str
    hint: str | None = None
    at_key: bool = False
    secret: bool = False  # the value is not shown


@dataclass
class YamlFile:
    """A file's data and where each part of it stands."""

    path: Path
    data: Any
    lines: list[str] = field(repr=False)
    keys: dict[Location, Span] = field(default_factory=dict, repr=False)
    values: dict[Location, Span] = field(default_factory=dict, repr=False)

    def error(self, ref: str, problems: Iterable[Problem]) -> AimlsetupError:
        """The problems as one error, in the order of the file."""
        ordered = sorted(problems, key=lambda problem: self._span(problem)[:2])
        first, others = ordered[0], ordered[1:SHOWN_PROBLEMS]
        context = [*self._excerpt(first), *(self._headline(problem) for problem in others)]
        if len(ordered) > SHOWN_PROBLEMS:
            context.append(f"… and {len(ordered) - SHOWN_PROBLEMS} more")
        return AimlsetupError(ref, self._headline(first), context=context, hint=first.hint, exit_code=Exit.USAGE)

    def _span(self, problem: Problem) -> Span:
        first, second = (self.keys, self.values) if problem.at_key else (self.values, self.keys)
        for length in range(len(problem.location), -1, -1):
            part = problem.location[:length]
            if part in first or part in second:
                return first.get(part) or second[part]
        return Span(1, 1, None)

    def _headline(self, problem: Problem) -> str:
        span = self._span(problem)
        return f"{self.path}:{span.line}:{span.column}: {problem.message}"

    def _excerpt(self, problem: Problem) -> list[str]:
        """The key, and the value if it may be shown. Nothing else of the line: a neighbour may be a secret."""
        span = self._span(problem)
        key = self.keys.get(problem.location)
        hidden = problem.secret or problem.at_key or span.end is None
        start = key.column if key and key.line == span.line else span.column
        end = key.end if key and hidden else span.end
        if end is None or (hidden and not key):
            return []
        text = self.lines[span.line - 1][start - 1 : end - 1] + (": …" if hidden else "")
        return [f"{span.line:>4} | {text}", f"     | {' ' * (span.column - start)}^"]


class _Loader(yaml.CSafeLoader):
    """Safe, and a date stays the text it is."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def read(path: Path) -> YamlFile:
    """Read one YAML document. Whatever keeps it from being plain data is an `AimlsetupError` with exit code 2."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AimlsetupError(
            "file-unreadable",
            f"{path}: {error.strerror}",
            hint="name another file, or make this one readable",
            exit_code=Exit.USAGE,
        ) from error
    except UnicodeDecodeError as error:
        raise AimlsetupError(
            "file-not-text", f"{path}: not UTF-8 text (byte {error.start})", exit_code=Exit.USAGE
        ) from error
    return parse(text, path)


def parse(text: str, path: Path) -> YamlFile:
    """The same for text at hand; `path` is what errors name."""
    source = YamlFile(path, None, text.splitlines())
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        source.data = None if node is None else _Walk(source, loader).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise AimlsetupError(
            "yaml-syntax", f"{path}{where}: not valid YAML: {error.problem}", exit_code=Exit.USAGE
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise AimlsetupError("yaml-syntax", f"{path}: not valid YAML: {error}", exit_code=Exit.USAGE) from error
    return source


class _Walk:
    """Turns nodes into data and notes where each stands."""

    def __init__(self, source: YamlFile, loader: _Loader) -> None:
        self.source = source
        self.loader = loader
        self.open: set[int] = set()

    def value(self, node: yaml.Node, location: Location) -> Any:
        self.source.values[location] = _span(node)
        if isinstance(node, yaml.ScalarNode):
            return self.loader.construct_object(node)
        if id(node) in self.open:
            raise self._refuse(location, "an alias that contains itself")
        self.open.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            result: Any = [self.value(item, (*location, index)) for index, item in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            result = self._mapping(node, location)
        self.open.discard(id(node))
        return result

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        self._refuse_duplicates(node, location)
        self.loader.flatten_mapping(node)
        result = {}
        for key_node, value_node in node.value:
            key = self.loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                self.source.values[(*location, "?")] = _span(key_node)
                raise self._refuse((*location, "?"), "a key that is not text", "put the key in quotes")
            self.source.keys[(*location, key)] = _span(key_node)
            result[key] = self.value(value_node, (*location, key))
        return result

    def _refuse_duplicates(self, node: yaml.Node, location: Location) -> None:
        seen: dict[str, int] = {}
        for key_node, _value in node.value:
            name = str(key_node.value)
            if name in seen and name != "<<":
                self.source.keys[(*location, name)] = _span(key_node)
                problem = Problem(
                    (*location, name), f"'{name}' a second time (first in line {seen[name]})", at_key=True
                )
                raise self.source.error("yaml-duplicate-key", [problem])
            seen[name] = key_node.start_mark.line + 1

    def _refuse(self, location: Location, what: str, hint: str | None = None) -> AimlsetupError:
        return self.source.error("yaml-content", [Problem(location, f"{what} is not supported", hint, secret=True)])


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    single = isinstance(node, yaml.ScalarNode) and start.line == end.line
    return Span(start.line + 1, start.column + 1, end.column + 1 if single else None)


def check(source: YamlFile, model: type[Model], kind: str) -> Model:
    """The file's data as `model`, or one error (`<kind>-invalid`) that says where and what was expected."""
    try:
        return model.model_validate({} if source.data is None else source.data)
    except ValidationError as error:
        problems = [_problem(model, source.data, row) for row in error.errors(include_url=False, include_input=False)]
        raise source.error(f"{kind}-invalid", problems) from None


def _problem(model: type[BaseModel], data: Any, row: Mapping[str, Any]) -> Problem:
    location = _existing(data, row["loc"])
    name = ".".join(str(part) for part in location) or "the file"
    if row["type"] == "extra_forbidden":
        return _unknown_key(location, _known_keys(model, location[:-1]))
    if row["type"] == "missing":
        return Problem(location, f"{name}: '{row['loc'][-1]}' is missing", at_key=True)
    if row["type"] == "literal_secret":
        return Problem(location, f"{name}: {row['msg']}", row["ctx"]["hint"], secret=True)
    if row["type"] in EXPECTED:
        found = _at(data, location)
        expected, hint = EXPECTED[row["type"]]
        if row["type"] == "string_type" and isinstance(found, bool | int | float):
            hint = "put the value in quotes"
        described = "nothing" if found is None else KINDS.get(type(found), "something else")
        return Problem(location, f"{name}: expected {expected}, found {described}", hint)
    message = re.sub(r"^(Value error, |Input should be )", "", row["msg"])
    text = f"{name}: {message}" if row["type"] == "value_error" else f"{name}: expected {message}"
    return Problem(location, text, row.get("ctx", {}).get("hint"), at_key=row["loc"][-1:] == ("[key]",))


def _unknown_key(location: Location, known: list[str]) -> Problem:
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
    return Problem(location, f"unknown key '{location[-1]}'", hint, at_key=True)


def _existing(data: Any, location: Location) -> Location:
    """The part of a validator's location that names places in the data."""
    found: list[str | int] = []
    place = data
    for part in location:
        if part in _parts(place):
            place = place[part]
            found.append(part)
    return tuple(found)


def _parts(place: Any) -> Collection[Any]:
    if isinstance(place, list):
        return range(len(place))
    return place if isinstance(place, dict) else ()


def _at(data: Any, location: Location) -> Any:
    return reduce(lambda found, part: found[part], location, data)


def _known_keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys a model takes at a place."""
    place: Any = model
    for part in location:
        fields = _fields(place)
        place = _plain(fields.get(str(part)) if fields is not None else get_args(place)[-1])
    return sorted(_fields(place) or {})


def _fields(place: Any) -> dict[str, Any] | None:
    if not (isinstance(place, type) and issubclass(place, BaseModel)):
        return None
    return {info.alias or name: info.annotation for name, info in place.model_fields.items()}


def _plain(annotation: Any) -> Any:
    """An annotation without Optional and Annotated around it."""
    while get_origin(annotation) in (Union, UnionType, Annotated):
        annotation = next(argument for argument in get_args(annotation) if argument is not type(None))
    return annotation


class _Dumper(yaml.CSafeDumper):
    """No anchors: what is written is read by people."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


class _Unsafe(str):
    """Text that Ansible must not treat as a template."""

    __slots__ = ()


def _represent_unsafe(dumper: _Dumper, value: _Unsafe) -> yaml.Node:
    """Ansible reads `!unsafe 3.10` as a number, so text that YAML could take for something else is only quoted.

    No such text holds a template.
    """
    text = str(value)
    is_text = dumper.resolve(yaml.ScalarNode, text, (True, False)) == "tag:yaml.org,2002:str"  # type: ignore[no-untyped-call]
    return dumper.represent_scalar("!unsafe", text) if is_text else dumper.represent_str(text)


_Dumper.add_representer(_Unsafe, _represent_unsafe)


def dump(data: Any, *, sort: bool = True, header: Iterable[str] = ()) -> str:
    """YAML text of plain data; `header` lines become comments at the top."""
    comments = "".join(f"# {line}".rstrip() + "\n" for line in header)
    return comments + yaml.dump(
        data, Dumper=_Dumper, sort_keys=sort, allow_unicode=True, width=110, default_flow_style=False
    )


def dump_unsafe(data: Any, *, header: Iterable[str] = ()) -> str:
    """The same with every string value tagged `!unsafe`, so that Ansible takes it as it is and never as a template."""
    return dump(_tagged(data), header=header)


def _tagged(value: Any) -> Any:
    if isinstance(value, str):
        return _Unsafe(value)
    if isinstance(value, Mapping):
        return {str(key): _tagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    return value


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file by one rename; a link to it stays a link."""
    try:
        content.util("atomic").write(str(path.resolve()), text.encode(), mode)
    except OSError as error:
        raise AimlsetupError("file-unwritable", f"{path}: {error.strerror}", exit_code=Exit.FAILED) from error
