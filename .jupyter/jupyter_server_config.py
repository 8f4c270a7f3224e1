"""What `make lab` tells Jupyter: a notebook that was only opened stays as it was, byte for byte."""

c = get_config()  # noqa: F821, Jupyter brings it along


def without_version(model, **_):
    """A kernel writes its Python's version into every notebook, and JupyterLab saves that by itself."""
    if model["type"] == "notebook" and model.get("content"):
        model["content"]["metadata"].get("language_info", {}).pop("version", None)


c.ContentsManager.pre_save_hook = without_version
