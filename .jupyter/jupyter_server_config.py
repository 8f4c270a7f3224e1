"""What `make lab` tells Jupyter: a lesson that was only opened stays as it was; its pictures are told in words, too."""

from pathlib import Path

c = get_config()  # noqa: F821, Jupyter brings it along


def without_version(model, **_):
    """A kernel writes its Python's version into every notebook, and JupyterLab saves that by itself."""
    if model["type"] == "notebook" and model.get("content"):
        model["content"]["metadata"].get("language_info", {}).pop("version", None)


c.ContentsManager.pre_save_hook = without_version
c.LabServerApp.extra_labextensions_path = [str(Path(__file__).parent / "labextensions")]  # of JupyterLab and Notebook 7
