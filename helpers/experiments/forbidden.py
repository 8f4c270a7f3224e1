"""What a script of the leaderboard must not do, as far as its text shows it: no file, network, process, eval."""

import ast

MODULES = {
    "aiohttp", "asyncio", "boto3", "builtins", "cffi", "code", "codeop", "ctypes", "fileinput", "ftplib", "glob",
    "helpers", "http", "httpx", "imp", "importlib", "io", "marshal", "mmap", "pickle", "pkgutil", "pty", "requests",
    "runpy", "shelve", "shutil", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile",
    "urllib", "urllib3", "webbrowser", "websocket", "websockets", "xmlrpc",
}  # fmt: skip
CALLS = {"eval", "exec", "compile", "open", "input", "breakpoint", "__import__"}
NAMES = CALLS | {"__builtins__", "__loader__", "__spec__", "globals", "locals"}
# Of any object; those of numpy and os are asked with their module's name before them, since others have them too.
ATTRIBUTES = {
    "__builtins__", "__code__", "__globals__", "__import__", "__loader__", "__subclasses__", "eval", "exec", "memmap",
    "fromfile", "tofile", "genfromtxt", "loadtxt", "savetxt", "savez", "savez_compressed", "read_bytes", "read_text",
    "write_bytes", "write_text", "unlink", "urlopen", "urlretrieve", *(f"{way}_{kind}" for way in ("read", "to", "scan",
    "write", "sink") for kind in ("csv", "parquet", "pickle", "feather", "hdf", "excel", "sql", "stata", "orc", "ipc",
    "json", "html")),
}  # fmt: skip
OF_OS = {"cpu_count", "environ", "getenv", "getpid", "linesep", "name", "path", "sched_getaffinity"}
OF_NUMPY = {"load", "save"}


def forbidden(source: str) -> list[str]:
    """What the text does that the rules forbid, each with its line; empty if nothing is found.

    Words that are put together of known parts, such as 'ev' + 'al', are read as wholes.

    Parameters
    ----------
    source : str
        Of the script; Python.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        found += [(node.lineno, what) for what in _of(node)]
    return [f"{what} at line {line}" for line, what in sorted(set(found))]


def _of(node):
    if isinstance(node, ast.Import):
        return [f"import {alias.name}" for alias in node.names if alias.name.split(".")[0] in MODULES]
    if isinstance(node, ast.ImportFrom):
        modules = {(node.module or "").split(".")[0]}
        bad = modules & MODULES or node.level
        if modules == {"os"}:
            bad = {alias.name for alias in node.names} - OF_OS
        return [f"an import from {node.module or 'its own folder'}"] if bad else []
    if isinstance(node, ast.Name):
        return [node.id] if node.id in NAMES else []
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else None
        bad = node.attr in ATTRIBUTES
        bad |= (owner == "os" and node.attr not in OF_OS) or (owner in ("np", "numpy") and node.attr in OF_NUMPY)
        bad |= owner == "sys" and node.attr in ("modules", "meta_path", "path_hooks")
        return [ast.unparse(node)] if bad else []
    word = None
    asks = ("getattr", "attrgetter")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in asks:
        word = next((text for text in map(_text, node.args) if text in NAMES | ATTRIBUTES), None)
    elif isinstance(node, ast.Subscript) and _text(node.slice) in NAMES:
        word = _text(node.slice)
    return [f"a hidden {word}"] if word else []


def _text(node):
    """The text that an expression is, if it can be read off: words alone, added, joined, turned around, formatted."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_text(node.left), _text(node.right)]
    elif isinstance(node, ast.JoinedStr):
        parts = [_text(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        items = node.args[0].elts if node.args and isinstance(node.args[0], ast.List | ast.Tuple) else []
        between = _text(node.func.value)
        parts = [_text(item) for item in items]
        return between.join(parts) if None not in (between, *parts) else None
    elif isinstance(node, ast.Subscript) and ast.unparse(node.slice).replace(" ", "") == "::-1":
        whole = _text(node.value)
        return whole[::-1] if whole is not None else None
    else:
        return None
    return "".join(parts) if None not in parts else None
