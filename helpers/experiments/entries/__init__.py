"""Entries to the public leaderboard, from which `helpers.experiments.leaderboard build` makes scripts of one file."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
