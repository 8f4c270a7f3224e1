"""Builds the site: the lessons as they are stored, with all that readers look things up in, and one PDF of the course.

    make site                        in build/site; open its index.html, or put the folder on any server
    make site ARGS=another/folder    elsewhere

Nothing is executed, and no page asks for anything outside the folder. The PDF needs Chromium and is left out without.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from tools.editions import stamp
from tools.editions.site_source import pages, printed
from tools.refresh import ROOT, set_kernel_environment

CONFIGURATION = ROOT / "tools" / "editions" / "site_source"
PARTS = (
    "README.md", "course.png", "docs", "helpers", "notebooks", "pyproject.toml", "tools/editions/site.py",
    "tools/editions/site_source", "tools/refresh.py",
)  # fmt: skip
FRONT_OF_PDF = """# {title}

The lessons of the course with what they print and draw, their glossary, and the reading list.

```{{toctree}}
{lines}
```
"""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the site stands in its folder, else 1, with a sentence that says why."""
    parser = argparse.ArgumentParser("python -m tools.editions.site", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site", help="default: build/site")
    folder = parser.parse_args(argv).folder
    if folder.exists() and not (folder / stamp.STAMP).is_file() and any(folder.iterdir()):
        print(f"{folder} holds something that is no edition of the course: name another folder.", file=sys.stderr)
        return 1
    try:
        without = build(folder)
    except (pages.NotBuilt, OSError, ValueError) as reason:
        print(f"The site was not built. {reason}", file=sys.stderr)
        return 1
    print(f"The site stands in {folder}." + (f" It has no PDF: {without}" if without else ""))
    return 0


def build(folder: Path) -> str:
    """Builds the site beside its folder and moves it there when it is complete; what is missing in it, as a sentence.

    Raises
    ------
    NotBuilt
        Sphinx has found something wrong, such as a link that leads nowhere.
    """
    folder = folder.resolve()
    built_from = stamp.sources(ROOT, PARTS)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{uuid4().hex}.unfinished")
    try:
        source, site = work / "source", work / "site"
        source.mkdir(parents=True)
        without = printed.missing()
        pages.write(source, with_pdf=not without)
        sphinx("html", source, site)
        if not without:
            whole = work / "whole"
            lines = [f"notebooks/{path.stem}" for path in pages.lessons()] + ["notebooks/glossary", "reading"]
            pages.course(whole, FRONT_OF_PDF.format(title=printed.TITLE, lines="\n".join(lines)))
            sphinx("singlehtml", whole, work / "one", "html_theme=basic", "html_css_files=print.css")
            printed.print_page(work / "one" / "index.html", site / "course.pdf")
        stamp.write(site, built_from, PARTS)
        if folder.exists():
            os.replace(folder, work / "before")
        os.replace(site, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return without


def sphinx(builder: str, source: Path, target: Path, *settings: str) -> None:
    """Runs Sphinx, to which each warning is an error.

    Raises
    ------
    NotBuilt
        With what it complains of.
    """
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2", "-b", builder]
    command += ["-c", str(CONFIGURATION), "-d", str(target.with_name(f"{builder}-read"))]
    command += [part for setting in settings for part in ("-D", setting)]
    environment = set_kernel_environment(dict(os.environ)) | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command += [str(source), str(target)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if line.strip()]
        raise pages.NotBuilt("Sphinx says:\n" + "\n".join(said).replace(f"{source}{os.sep}", ""))
    (target / ".buildinfo").unlink(missing_ok=True)
    shutil.rmtree(target / "_sources", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
