"""Exercises that answer: one checker for all lessons, and a module of questions for each lesson, named by its topic.

    from helpers.exercises.time_series_regression import q1
    q1                      what can be asked of it
    q1.check(answer)        Correct, Incorrect (and what the answer shows), Not attempted, or Could not check (and why);
                            of a task without one right answer: Open (and what to look for)
    q1.hint()               a first hint; q1.hint(2) says more
    q1.solution()           the code that the tests run

    from helpers.exercises import progress
    progress()              what is solved, in the lessons and in the course, and where to go on
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
