"""One file made of the many that a function is spread over: the same code, in the order in which it is needed."""

import ast
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "helpers"


def flatten(module: str, name: str, root: Path = ROOT, package: str = PACKAGE) -> str:
    """The source of one file that defines `name` as the module does, and all that it reaches, word for word.

    Followed are the names that stand in a statement, wherever the package binds them at the top of a module; each such
    statement is taken whole, with the comments above it. The imports of other packages come first. A statement that
    binds no name, such as a call, cannot be followed by its name: where one stands in a module that is reached, nothing
    is made.

    Parameters
    ----------
    module, name : str
        Such as "helpers.experiments.entries.ipca" and "main".
    root : Path
        The folder in which the package lies.
    package : str

    Raises
    ------
    ValueError
        If a name means two things in the modules that are reached, is bound nowhere, or is imported under another name.
    """
    house = _House(root, package)
    house.reach(module, name)
    return house.text()


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of a module, with the comments above it."""

    module: str
    position: int
    node: ast.stmt
    text: str

    @property
    def binds(self):
        return bound_names(self.node)

    @property
    def uses(self):
        """In the order in which they stand."""
        return dict.fromkeys(node.id for node in ast.walk(self.node) if isinstance(node, ast.Name))


class _Module:
    def __init__(self, name, path):
        self.name, self.lines = name, path.read_text(encoding="utf-8").splitlines()
        self.body = ast.parse("\n".join(self.lines)).body

    @cached_property
    def statements(self):
        found, end = [], 0
        for position, node in enumerate(self.body):
            text = "\n".join(self.lines[end : node.end_lineno]).strip("\n")
            found.append(_Statement(self.name, position, node, text))
            end = node.end_lineno
        return found

    @cached_property
    def binders(self):
        return {name: statement for statement in self.statements for name in statement.binds}

    @cached_property
    def effects(self):
        """Statements that do something and bind nothing, besides texts."""
        return [
            statement
            for statement in self.statements
            if not statement.binds
            and not (isinstance(statement.node, ast.Expr) and isinstance(statement.node.value, ast.Constant))
            and not isinstance(statement.node, ast.Pass)
        ]


@dataclass
class _House:
    root: Path
    package: str
    modules: dict = field(default_factory=dict)
    reached: dict = field(default_factory=dict)  # of each module, in the order in which one needs the other, statements
    imports: dict = field(default_factory=dict)  # name: the line that imports it
    owners: dict = field(default_factory=dict)  # name: the statement that binds it

    def module(self, name):
        if name not in self.modules:
            self.modules[name] = _Module(name, self._path(name))
        return self.modules[name]

    def reach(self, module, name):
        """Takes what binds the name in the module, and all that this reaches; other names are the language's own."""
        statement = self.module(module).binders.get(name)
        if statement is None:
            raise ValueError(f"{module} binds no name {name!r} at its top. Name a function, class or constant of it.")
        for origin, alias in imported(statement.node, name):
            if origin is not None and origin.split(".")[0] == self.package:
                return self._follow(module, name, origin, alias)
            if isinstance(statement.node, ast.Import | ast.ImportFrom):
                return self._import(module, name, origin, alias)
        self._take(statement)

    def text(self):
        """The file: imports of other packages, then modules in the order in which one needs the other."""
        whole = {line for line in self.imports.values() if line.startswith("import ")}
        names: dict = {}
        for line in sorted(set(self.imports.values()) - whole):
            names.setdefault(*line.split(" import ")[:1], []).append(line.split(" import ")[1])
        parts = ["\n".join([*sorted(whole), *(f"{origin} import {', '.join(them)}" for origin, them in names.items())])]
        order, seen = [], set()

        def visit(name):
            if name not in seen:
                seen.add(name)
                for target in self._imported_modules(name):
                    visit(target)
                order.append(name)

        for name in list(self.reached):
            visit(name)
        for name in order:
            statements = self.reached.get(name, {})
            parts += [f"# From {name}" for _ in statements][:1]
            parts += [statements[position].text for position in sorted(statements)]
        # Modules that put off the reading of annotations may name in them what comes later.
        return "from __future__ import annotations\n\n" + "\n\n\n".join(part for part in parts if part) + "\n"

    def _take(self, statement):
        taken = self.reached.setdefault(statement.module, {})
        if statement.position in taken:
            return
        module = self.module(statement.module)
        for effect in module.effects:
            raise ValueError(
                f"{module.name} does something at its line {effect.node.lineno} that binds no name, and it could not "
                "be told whether one file needs it. Move what is needed to a module without such a line."
            )
        same = [name for name in statement.binds if self._claim(name, statement)]
        if same:
            return
        taken[statement.position] = statement
        for node in ast.walk(statement.node):
            if isinstance(node, ast.ImportFrom | ast.Import) and any(
                (origin or "").split(".")[0] == self.package for origin, _ in _sources(node)
            ):
                inside = f"{module.name} imports from {self.package} inside, at line {node.lineno}"
                raise ValueError(f"{inside}: do it above.")
        for name in statement.uses:
            if name in module.binders and name not in statement.binds:
                self.reach(module.name, name)

    def _claim(self, name, statement):
        """Whether another statement, with the same words, has bound the name already; refused with other words."""
        other = self.owners.setdefault(name, statement)
        if other is not statement and ast.dump(other.node) != ast.dump(statement.node):
            raise ValueError(f"{name} means two things, in {other.module} and in {statement.module}. Rename one.")
        self._unlike(name, statement.module, None)
        return other is not statement

    def _import(self, module, name, origin, alias):
        renamed = f" as {name}" if alias != name else ""
        line = f"import {alias}{renamed}" if origin is None else f"from {origin} import {alias}{renamed}"
        self._unlike(name, module, line)
        self.imports[name] = line

    def _unlike(self, name, module, line):
        known, owner = self.imports.get(name), self.owners.get(name)
        if (line is None and known) or (line is not None and (owner or known not in (None, line))):
            raise ValueError(f"{name} means two things: an import, and something else in {module}. Rename one.")

    def _follow(self, module, name, origin, alias):
        if self._is_module(f"{origin}.{alias}"):
            raise ValueError(f"{module} imports {origin}.{alias} as a whole: import the names that are used.")
        if alias != name:
            raise ValueError(f"{module} imports {alias} of {origin} as {name}. Leave its name as it is.")
        self.reach(origin, name)

    def _imported_modules(self, name):
        nodes = (node for node in ast.walk(ast.Module(self.module(name).body, [])) if isinstance(node, ast.ImportFrom))
        targets = (node.module for node in nodes if node.module and self._is_module(node.module))
        return [target for target in dict.fromkeys(targets) if target.split(".")[0] == self.package]

    def _path(self, name):
        path = self.root.joinpath(*name.split(".")).with_suffix(".py")
        if not path.is_file():
            raise ValueError(f"There is no module {name} in {self.root}.")
        return path

    def _is_module(self, name):
        return self.root.joinpath(*name.split(".")).with_suffix(".py").is_file()


def bound_names(node: ast.stmt) -> list[str]:
    """The names that a statement binds where it stands: those of its definitions, assignments and imports."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    targets = [*getattr(node, "targets", []), getattr(node, "target", None)]
    targets += [item.optional_vars for item in getattr(node, "items", [])]
    names = [part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)]
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    inner += [child for handler in getattr(node, "handlers", []) for child in handler.body]
    return list(dict.fromkeys([*names, *(name for child in inner for name in bound_names(child))]))


def imported(node: ast.stmt, name: str) -> list[tuple[str | None, str]]:
    """(module, name there) of the imports in a statement that bind the name; the module is None for `import name`."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Import | ast.ImportFrom):
            origin = part.module if isinstance(part, ast.ImportFrom) else None
            found += [
                (origin, alias.name)
                for alias in part.names
                if (alias.asname or (alias.name if origin else alias.name.split(".")[0])) == name
            ]
    return found


def _sources(node):
    if isinstance(node, ast.ImportFrom):
        return [(node.module, alias.name) for alias in node.names]
    return [(alias.name, alias.name) for alias in node.names]
