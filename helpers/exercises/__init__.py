"""Exercises that answer: one checker for all lessons, and a module of questions for each lesson, named by its topic.

    from helpers.exercises.time_series_regression import q1
    q1.check(answer)        Correct, Incorrect (and what the answer shows), Not attempted, or Could not check (and why)
    q1.hint()               a first hint; q1.hint(2) says more
    q1.solution()           the code that the tests run
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
