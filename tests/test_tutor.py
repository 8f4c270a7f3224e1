"""The checker judges like a tutor: right in every form, wrong in none, and what is said of a wrong answer is true.

All exercises of all lessons are asked in a table; what no lesson has is asked of small exercises made here.
"""

import contextlib
import io
import json
import os
import sys
import threading
import time
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from IPython.lib.pretty import pretty

from helpers.exercises import calling, progress, record
from helpers.exercises.answers import COUNTS, same_numbers, same_up_to_order, same_up_to_rotation, same_up_to_sign
from helpers.exercises.checker import NOT_ATTEMPTED, Choice, Exercise, Feedback, Open, Question
from helpers.exercises.questions import ABOVE, NOT_WRITTEN
from tests.test_exercises import LESSONS, answer_with, correct, each, judged, questions, right_answers
from tools.refresh import NOTEBOOKS, set_kernel_environment

X = np.array([0.31, -0.12, 0.47, 0.08, -0.26, 0.15])


def of_calls(reference, *calls, mistakes=None):
    return Exercise(reference=reference, mistakes=mistakes or {}, hints=("a", "b"), calls=lambda: list(calls))


# --- Right answers, in odd forms --------------------------------------------------------------------------------------


class FromKeras:
    """What a tensor is like: in single precision, with an axis of samples."""

    def __init__(self, value):
        self.value = np.asarray(value, dtype=np.float32)[None]

    def __array__(self, dtype=None, copy=None):
        return self.value.astype(dtype or np.float32)


RIGHT_FORMS = {
    "as it comes": lambda x: x,
    "a list": lambda x: np.asarray(x).tolist(),
    "single precision": lambda x: np.asarray(x, dtype=np.float32),
    "a tensor": FromKeras,
    "numpy scalars": lambda x: [np.float64(one) for one in np.ravel(x)] if np.ndim(x) == 1 else np.asarray(x),
    "a table with labels": lambda x: pd.DataFrame(np.asarray(x)).add_prefix("c") if np.ndim(x) == 2 else np.asarray(x),
    "a column": lambda x: np.asarray(x)[:, None] if np.ndim(x) == 1 else np.asarray(x),
    "rounding errors": lambda x: np.asarray(x) * (1 + 1e-12) + 1e-15,
    "four digits": lambda x: significant(np.asarray(x, dtype=float), 4),
}


def significant(array, digits):
    return np.array([float(f"{one:.{digits}g}") for one in array.ravel()]).reshape(array.shape)


@each(Exercise)
def test_a_right_answer_is_right_in_every_form(q):
    counts = any(np.asarray(value).dtype.kind in COUNTS for value in right_answers(q))
    for name, form in RIGHT_FORMS.items():
        if name == "four digits" and (counts or q.same is same_up_to_rotation):
            continue
        feedback = judged(q, answer_with(q, [form(value) for value in right_answers(q)]))
        assert feedback.startswith("Correct."), f"{name}: {feedback}"


@each(Exercise)
def test_the_reference_is_right_with_data_in_single_precision(q):
    if q.calls is None:
        return
    with contextlib.suppress(TypeError, ValueError):  # some data are no arrays
        calls = [[single(value) for value in call] for call in q.calls()]
        feedback = judged(q, answer_with(q, [q.reference(*call) for call in calls]))
        assert feedback.startswith("Correct."), feedback


def single(value):
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == float else value


def test_labels_in_another_order_are_the_same_answer():
    index, columns = pd.Index(["2001", "2002", "2003"]), pd.Index(["A", "B"])
    frame = pd.DataFrame(np.arange(6.0).reshape(3, 2), index=index, columns=columns)
    q = Exercise(reference=lambda: frame, mistakes={}, hints=("a", "b"))
    assert judged(q, frame.iloc[::-1, ::-1]) == "Correct." and judged(q, frame.to_numpy()) == "Correct."
    assert judged(q, frame.set_axis(["B", "A"], axis=1)).startswith("Incorrect.")
    series = frame["A"]
    q = Exercise(reference=lambda: series, mistakes={}, hints=("a", "b"))
    assert judged(q, series.sample(frac=1, random_state=1)) == "Correct."


def test_sentences_in_lists_of_lists_are_read():
    q = Open(look_for="Both.", hints=("a", "b"))
    one, two = "One factor explains a fifth of it.", "Nothing predicted could be told from zero."
    for answer in ([[one], [two]], ((one,), (two,)), {"supports": [one], "not": [two]}, [one, two]):
        assert judged(q, answer) == "Open. Judge for yourself. Both."
    assert judged(q, [[one], [2.0]]).startswith("Open. Sentences of yours") and judged(q, [[""], []]) == NOT_WRITTEN


def test_an_argument_that_is_not_needed_may_have_another_name():
    q = of_calls(lambda x, d: x.mean(), (X, 1), (X[:4], 2))
    assert "never reads" not in judged(q, lambda h, dates: 2.3 * h.mean())
    assert "never reads its argument h" in judged(q, lambda h, dates: 1.7 * dates)


def test_a_mistake_at_other_dates_is_not_the_answers():
    index = pd.date_range("2001-01", periods=3, freq="ME")

    def right():
        return pd.Series([1.0, 2.0], index[:2])

    def late():
        return pd.Series([1.0, 2.0, 4.0], index)

    q = Exercise(reference=right, mistakes={late: "Late."}, hints=("a", "b"))
    assert judged(q, late()) == "Incorrect. Late."
    assert "Late." not in judged(q, late().shift(1, freq="ME"))


def test_right_numbers_at_other_dates_are_not_right():
    frame = pd.DataFrame(np.arange(1.0, 7.0).reshape(3, 2), index=pd.date_range("2001-01", periods=3, freq="ME"))
    for truth in (frame, frame[0]):
        q = Exercise(reference=lambda truth=truth: truth, mistakes={}, hints=("a", "b"))
        assert judged(q, truth) == judged(q, truth.to_numpy()) == judged(q, truth[::-1]) == "Correct."
        moved = truth.set_axis(truth.index + pd.offsets.MonthEnd(1))
        assert judged(q, moved) == (
            "Incorrect. The numbers are right, and they stand at other dates. The first row of yours is that of "
            "2001-02-28, and 2001-01-31 is needed."
        )
        assert judged(q, truth.reset_index(drop=True)) == "Correct."


def test_two_mistakes_with_the_same_numbers_are_told_apart_by_their_labels():
    frame = pd.DataFrame(np.arange(1.0, 7.0).reshape(3, 2), index=[1, 2, 3])

    def late():
        return 2 * frame.set_axis([2, 3, 4])

    def early():
        return 2 * frame.set_axis([0, 1, 2])

    q = Exercise(reference=lambda: frame, mistakes={late: "Late.", early: "Early."}, hints=("a", "b"))
    assert judged(q, late()) == "Incorrect. Late." and judged(q, early()) == "Incorrect. Early."
    assert judged(q, early().to_numpy()) == "Incorrect. Late."


# --- Wrong answers, over all exercises --------------------------------------------------------------------------------


def one_is_zero(x):
    changed = x.copy()
    changed.flat[x.size // 2] = 0
    return changed


WRONG_WAYS = {
    "sign": (lambda x: -x, "opposite"),
    "percent": (lambda x: 100 * x, "percent"),
    "divided by 100": (lambda x: x / 100, "hundredth"),
    "a tenth more": (lambda x: 1.1 * x, ""),
    "squared": (lambda x: x * x, "square"),
    "root": (lambda x: np.sqrt(np.abs(x)), ""),
    "rest": (lambda x: 1 - x, "one minus"),
    "upside down": (lambda x: 1 / x, ""),
    "log": (np.log1p, ""),
    "compounded": (np.expm1, ""),
    "a year": (lambda x: 12 * x, "12 times"),
    "absolute": (np.abs, ""),
    "half more": (lambda x: x + 0.5, ""),
    "nothing": (lambda x: 0 * x, ""),
    "backwards": (lambda x: np.flip(x, 0), ""),
    "transposed": (np.transpose, ""),
    "running sums": (lambda x: np.cumsum(x, axis=0).reshape(x.shape), ""),
    "mean taken out": (lambda x: x - x.mean(axis=0), ""),
    "one date late": (lambda x: np.roll(x, 1, axis=0), ""),
    "one is 0": (one_is_zero, ""),
    "off by a tenth": (lambda x: x + 0.1 * np.abs(x).max() * np.cos(np.arange(x.size)).reshape(x.shape), ""),
}


def wrong_answers(q):
    """{name: (arrays, words)} of the wrong ways that give something else, as the rule of the exercise sees it."""
    truth = [np.asarray(value) for value in right_answers(q)]
    for name, (way, words) in WRONG_WAYS.items():
        with np.errstate(all="ignore"), contextlib.suppress(ValueError, np.exceptions.AxisError):
            wrong = [way(array.astype(float)) for array in truth]
            if all(np.isfinite(array).all() for array in wrong) and not agree(q, wrong, truth):
                yield name, wrong, words


def agree(q, wrong, truth):
    """Whether an answer is right by the rule that the exercise declares, asked without the checker."""
    scale = max(np.abs(array).max() for array in truth)
    if any(a.shape != b.shape for a, b in zip(wrong, truth, strict=True)):
        return False
    ours = q.same.__module__ == "helpers.exercises.answers" and q.same is not same_up_to_rotation
    more = (scale,) if ours else ()
    return all(q.same(a, b, *more) for a, b in zip(wrong, truth, strict=True))


@each(Exercise)
def test_no_wrong_way_is_accepted_and_what_is_said_of_it_is_true(q):
    for name, wrong, words in wrong_answers(q):
        feedback = judged(q, answer_with(q, wrong))
        if feedback.startswith("Correct"):
            printed = [significant(array, 7) for array in wrong]  # one that is the truth as it is printed, by chance
            assert "digits go" in feedback and all(map(np.array_equal, printed, wrong)), f"{name}: {feedback}"
        elif not any(feedback == f"Incorrect. {advice}" for advice in q.mistakes.values()):
            of_columns = q.same in (same_up_to_rotation, same_up_to_sign, same_up_to_order)
            several = sum(np.count_nonzero(np.round(array, 3)) for array in wrong) > 2
            assert of_columns or not several or words in feedback or "0" in feedback, f"{name}: {feedback}"
            negative = all((np.asarray(value) <= 0).all() for value in right_answers(q))
            turned = name in ("sign", "transposed", "one date late") or (name == "absolute" and negative)
            said = feedback.replace("the opposite of what this gives", "")
            assert "opposite" not in said or turned, f"{name}: {feedback}"
            assert "percent" not in feedback or name == "percent", f"{name}: {feedback}"


def test_few_wrong_answers_get_a_general_sentence():
    """Of all wrong ways over all exercises whose answer is more than one number."""
    general = ("too large", "too small", "differ by up to", "is right: all are", "is right: they are")
    told, silent = 0, []
    for lesson, module in LESSONS.items():
        for name, q in questions(module).items():
            if not isinstance(q, Exercise) or sum(np.size(value) for value in right_answers(q)) == 1:
                continue
            for way, wrong, _ in wrong_answers(q):
                feedback = str(q.check(answer_with(q, wrong)))
                told += 1
                if any(words in feedback for words in general) or feedback.startswith("Incorrect. With"):
                    silent.append(f"{lesson} {name}, {way}: {feedback}")
    assert told > 500 and len(silent) < 0.1 * told, f"{len(silent)} of {told}:\n" + "\n".join(silent)


# --- What the answer is of other data ---------------------------------------------------------------------------------


def slope(r, f):
    f = f - f.mean()
    return f @ r / (f @ f)


RANDOM = np.random.default_rng(0)
PAIRS = [(RANDOM.normal(0.1, 1, n), RANDOM.normal(0.3, 1, n)) for n in (12, 30)]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (lambda r, f: slope(f, r), "r and f exchanged"),
        (lambda r, f: slope(r[1:], f[:-1]), "each row of r beside the row of f before it"),
        (lambda r, f: slope(r[:-1], f[1:]), "each row of r beside the row of f after it"),
        (lambda r, f: slope(r[1:], f[1:]), "the first row of everything left out"),
        (lambda r, f: slope(r, f**2), "f squared"),
        (lambda r, f: slope(r, f / 100), "100 times what is right"),
    ],
)
def test_an_answer_that_is_right_for_other_data_is_told_for_which(way, words):
    q = of_calls(slope, *PAIRS)
    feedback = judged(q, way)
    assert feedback.startswith("Incorrect.") and words in feedback, feedback
    assert "With r of shape (12,) and f of shape (12,) yours gives" in feedback and feedback.endswith("is right.")


def test_the_first_call_that_fails_is_named_with_both_numbers():
    q = of_calls(lambda n, x: n * x, (1, 2.0), (3, 0.25))
    feedback = judged(q, lambda n, x: x)
    assert "Right in 1 of 2 calls. With n = 3 and x = 0.25 yours gives 0.25, and 0.75 is right." in feedback
    assert "Your function never reads its argument n." in feedback
    assert judged(q, lambda n, x: [x, x]) == (
        "Could not check. Your answer has the shape (2,), and one number is needed. That is so with n = 1 and x = 2."
    )


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (240, "240 times what is right, and 240 is a length of the data"),
        (1 / 240, "1/240 of what is right"),
        (240**0.5, "√240 times what is right"),
        (240 / 239, "240 / (240 - 1) times what is right"),
        ((239 / 240) ** 0.5, "√((240 - 1) / 240) times what is right"),
    ],
)
def test_a_length_of_the_data_is_recognised(factor, words):
    R = RANDOM.normal(size=240)
    truth = np.array([0.31, 0.12, 0.47])
    q = Exercise(reference=lambda R: truth, mistakes={}, hints=("a", "b"), given=lambda: {"R": R})
    if 1 < factor < 1.001:
        assert judged(q, factor * truth) == "Correct."
    else:
        assert words in judged(q, factor * truth)


def test_a_wrong_answer_that_nothing_explains_gets_a_hint_of_the_exercise():
    q = Exercise(reference=lambda: 0.3172, mistakes={}, hints=("Count the dates.", "b"))
    assert judged(q, 0.41) == "Incorrect. Your value, 0.41, is too large, by 29 %. A hint: Count the dates."


def test_a_mistake_in_percent_gets_its_advice_and_a_word_on_the_percent():
    def mean(x):
        return x.mean()

    q = of_calls(lambda x: x.std(), (X,), (X**2,), mistakes={mean: "This is the mean."})
    words = "Incorrect. This is the mean. And yours is a hundred times what this gives."
    assert judged(q, lambda x: 100 * x.mean()) == words


def test_an_answer_that_is_a_mistake_to_the_last_digit_gets_its_advice_however_near_it_is():
    x = RANDOM.normal(size=2000)

    def of_n(x):
        return x.std()

    q = of_calls(lambda x: x.std(ddof=1), (x,), mistakes={of_n: "Divide by n - 1."})
    assert judged(q, lambda x: x.std()) == "Incorrect. Divide by n - 1."
    assert judged(q, lambda x: x.std(ddof=1) * (1 + 1e-5)) == "Correct."


def test_gaps_and_means_of_the_data_are_tried():
    gaps = np.where(RANDOM.random((9, 4)) < 0.2, np.nan, RANDOM.normal(0.2, 1, (9, 4)))
    q = of_calls(lambda R: np.nanmean(R**2), (gaps,), (gaps[:6],))
    assert "with zeros in the gaps of R" in judged(q, lambda R: np.mean(np.nan_to_num(R) ** 2))
    q = of_calls(slope, *PAIRS)
    assert "with no mean taken out, or no intercept" in judged(q, lambda r, f: f @ r / (f @ f))


# --- A function, called -----------------------------------------------------------------------------------------------


def endless(x):
    while True:
        x = x + 0


def deaf(x):
    while True:
        try:
            while True:
                x = x + 0
        except Exception:
            pass


def growing(x):
    held = []
    while True:
        held.append(bytearray(2**22))
        held[-1][::4096] = b"x" * 1024


@pytest.mark.parametrize("function", [endless, deaf])
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_function_that_does_not_end_is_stopped(monkeypatch, function, in_thread):
    monkeypatch.setattr(calling, "SECONDS", 0.3)
    q, said = of_calls(lambda x: 2 * x, (1.0,)), []
    begun = time.monotonic()
    if in_thread:
        thread = threading.Thread(target=lambda: said.append(judged_quietly(q, function)))
        thread.start()
        thread.join(20)
    else:
        said.append(judged_quietly(q, function))
    assert said[0].startswith("Could not check. Your function was stopped after") and "Does its loop end?" in said[0]
    assert time.monotonic() - begun < 10 and sys.gettrace() is None
    assert judged(q, lambda x: 2 * x) == "Correct."  # and nothing comes after it


def judged_quietly(q, answer):
    return str(q.check(answer))


def test_a_function_that_grows_or_calls_itself_without_end_is_told_so(monkeypatch):
    q = of_calls(lambda x: 2 * x, (1.0,))
    monkeypatch.setattr(calling, "MOST_MEMORY", 2**28)
    if sys.platform != "win32":
        assert "asked for too much memory when it was called with x = 1." in judged(q, growing)

    def itself(x):
        return itself(x)

    assert judged(q, itself) == "Could not check. Your function calls itself without end when it was called with x = 1."
    huge = judged(q, lambda x: np.ones(10**15))
    assert huge.startswith("Could not check. Your function asked for too much memory")


def test_a_student_can_still_interrupt():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        of_calls(lambda x: 2 * x, (1.0,)).check(interrupted)


def test_a_changed_argument_is_seen():
    table, frame = np.ones((4, 2)), pd.DataFrame({"a": [1.0, 2.0]})
    q = of_calls(lambda table, frame, settings: table.sum() + frame["a"].sum(), (table, frame, {"k": [1]}))

    def scales(t, f, s):
        result = t.sum() + f["a"].sum()
        t *= 2
        f["b"] = 0
        s["k"].append(2)
        return result

    assert judged(q, scales).startswith("Correct, but your function changed t and f and s.")
    assert (table == 1).all() and list(frame) == ["a"]


def as_in_a_notebook(code, **variables):
    namespace = dict(variables)
    exec(code, namespace)
    return namespace["f"]


def test_a_function_that_reads_the_notebook_and_not_its_argument_is_told_so():
    R = RANDOM.normal(size=(7, 3))
    q = of_calls(lambda r: r.mean(axis=0), (RANDOM.normal(size=(5, 3)),), (RANDOM.normal(size=(6, 3)),))
    words = "Incorrect. Your function reads R of the notebook, and not its argument r."
    assert judged(q, as_in_a_notebook("def f(r): return R.mean(axis=0)", R=R)).startswith(words)
    assert judged(q, as_in_a_notebook("def f(r): return R", R=R)).startswith(words)  # whatever its shape
    same = judged(q, as_in_a_notebook("def f(r):\n    r = R\n    return (lambda: r.mean(axis=0))()", R=R))
    assert "reads R of the notebook" in same
    assert judged(q, as_in_a_notebook("def f(r): return r.mean(axis=0) + 0 * R.sum()", R=R)) == "Correct."
    assert judged(q, as_in_a_notebook("def f(r): return np.mean(r, axis=0)", np=np)) == "Correct."
    fixed = of_calls(lambda r, K: r[0] * K, (X, 3), (X, 3))
    feedback = judged(fixed, as_in_a_notebook("def f(r, K): return r[0] * n_factors", n_factors=3))
    assert feedback == "Correct, but your function reads n_factors of the notebook, not its K."
    needless = of_calls(lambda r, K: r[0] * 3, (X, 3), (X, 3))
    assert judged(needless, as_in_a_notebook("def f(r, K): return r[0] * three", three=3)) == "Correct."


def test_what_a_function_reads_comes_before_the_shape_that_it_gets_wrong():
    R = RANDOM.normal(size=(7, 3))
    q = of_calls(lambda r, s: r - s, (RANDOM.normal(size=(5, 2)), 1.0), (RANDOM.normal(size=(4, 2)), 2.0))
    words = "Could not check. Your function reads R of the notebook. It is called with other data: use its "
    words += "arguments. Your "
    assert judged(q, as_in_a_notebook("def f(r, s): return R - s * r", R=R)).startswith(f"{words}function raised Value")
    assert judged(q, as_in_a_notebook("def f(r, s): return R - s + r.sum()", R=R)).startswith(f"{words}answer has the")


def test_an_index_that_is_no_integer_is_an_error_and_not_the_dots():
    q = of_calls(lambda x: x[0], (X,))
    assert judged(q, lambda x: x[0.5]).startswith("Could not check. Your function raised IndexError (only integers")
    assert judged(q, lambda x: x + ...) == judged(q, lambda x: np.sqrt(...)) == NOT_ATTEMPTED


def test_one_number_is_never_taken_for_that_of_other_data():
    know = np.array([[0.3, -0.2], [0.1, 0.4], [0.2, 0.7]])
    q = Exercise(
        reference=lambda know: know[know[:, 0].argmax(), 1], mistakes={}, hints=("a",), given=lambda: {"know": know}
    )
    assert "right way gives" not in judged(q, 0.4) + judged(q, 0.7)
    counts = of_calls(lambda n: [n + 2, 3 * n], (4,), (9,))
    assert "one more" not in judged(counts, lambda n: [n + 3, 3 * n + 3])
    members = of_calls(lambda f: f[:, :-1].mean(axis=1), (RANDOM.normal(size=(3, 5, 2)),))
    assert "with the last entry of axis 1 of f left out" in judged(members, lambda f: f[:, :-2].mean(axis=1))


def fitted(r, f):
    centred = f - f.mean()
    beta = centred @ r / (centred @ centred)
    return beta * f


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (lambda r, f: r + 0 * f, "This is r, as it was given."),
        (lambda r, f: r - fitted(r, f), "Yours and the right numbers add up to r. Is what was taken asked for"),
        (lambda r, f: f - f.mean() + 0 * r, "These numbers are a step of the right way, and not its end."),
        (lambda r, f: slope(r, f), "These numbers are a step of the right way, and not its end."),
    ],
)
def test_what_is_given_what_is_left_of_it_and_a_step_on_the_way_are_recognised(way, words):
    assert words in judged(of_calls(fitted, *PAIRS), way)


def test_of_one_number_a_step_is_recognised_and_what_is_given_is_not():
    def deviation(x):
        variance = x.var()
        return np.sqrt(variance + 1)

    q = Exercise(reference=deviation, mistakes={}, hints=("Ah.", "b"), given=lambda: {"x": X})
    assert "a step of the right way" in judged(q, X.var())
    assert "a step of" not in judged(q, round(X.var(), 3)) and "given" not in judged(q, X[0])
    short = Exercise(reference=lambda x: np.sqrt(x.var() + 1), mistakes={}, hints=("Ah.", "b"), given=lambda: {"x": X})
    assert judged(short, X.var()).endswith("A hint: Ah.")


def test_a_mistake_that_divides_by_zero_gets_its_advice_and_other_infinite_numbers_do_not():
    def upside_down(x):
        with np.errstate(divide="ignore"):
            return 1 / x

    q = of_calls(lambda x: x / 3, (np.array([0.0, 2.0, 5.0]),), mistakes={upside_down: "Upside down."})
    assert judged(q, upside_down) == "Incorrect. Upside down."
    assert judged(q, lambda x: -upside_down(x)).endswith("And yours is the opposite of what this gives.")
    assert "infinite: was something divided by zero?" in judged(q, lambda x: 2 * upside_down(x))


def test_an_argument_that_is_never_read_is_named():
    q = of_calls(lambda x, K: x[:K].mean() + x.std(), (X, 2), (X, 4))
    assert "Your function never reads its argument K." in judged(q, lambda x, K: x[:3].mean() + 1.7 * x.std() ** 1.3)


# --- Messages ---------------------------------------------------------------------------------------------------------


def test_missing_names_send_to_the_cells_above():
    q = of_calls(lambda x: 2 * x, (1.0,))
    assert judged(q, as_in_a_notebook("def f(x): return betas * x")).endswith(ABOVE)
    assert ABOVE in judged(q, None)
    assert "cells above" in judged(Exercise(reference=lambda: 1.0, mistakes={}, hints=("a", "b")), None)


@each(Question)
def test_several_answers_or_names_are_answered_in_a_sentence(q):
    assert judged_quietly(q, ...) == NOT_ATTEMPTED
    assert str(q.check(1.0, 2.0)).startswith("Could not check. One answer is needed, and these are 2: put them into")
    assert str(q.check(1.0, betas=2.0)).startswith("Could not check. check takes your answer alone, without a name")
    assert str(q.check(beta=1.0)).startswith("Could not check. check takes your answer alone")
    assert q.check(answer=...) == NOT_ATTEMPTED


@each(Question)
def test_a_question_shows_its_help_and_never_its_answers(q):
    name, lesson = next((n, m) for m, module in LESSONS.items() for n, other in questions(module).items() if other is q)
    shown = repr(q)
    assert shown == str(q) == pretty(q) == f"{q}" and f"Question {name} of {lesson}." in shown
    assert all(f"{name}.{what}(" in shown for what in ("check", "hint", "solution"))
    assert dir(q) == ["check", "hint", "solution"] and not hasattr(q, "__dict__")
    hidden = [q.right + "."] if isinstance(q, Choice) else []
    hidden += (
        [getattr(way, "__name__", "partial") for way in (q.reference, *q.mistakes)] if isinstance(q, Exercise) else []
    )
    hidden += [text for text in (getattr(q, "insight", ""), getattr(q, "look_for", "")) if text]
    assert not [text for text in hidden if text in shown.replace(lesson + ".", "")]


@each(Exercise)
def test_after_correct_stands_what_it_teaches(q):
    feedback = q.check(q.answer_of(q.reference))
    assert feedback == correct(q) and all(word in feedback for word in q.insight.split())


def test_advice_is_that_of_a_mistake_by_the_same_rule():
    def halved(x):
        return x / 2

    q = of_calls(lambda x: x, (X,), mistakes={halved: "Halved."})
    assert judged(q, halved) == "Incorrect. Halved." and judged(q, lambda x: x / 2 * 1.0005) == "Incorrect. Halved."
    assert "Halved" not in judged(q, lambda x: x / 2 + 0.001 * (x == x.max()))
    printed = judged(q, lambda x: np.round(x / 2, 3))
    assert printed == "Incorrect. Halved."


# --- Hints ------------------------------------------------------------------------------------------------------------


def early_answers():
    """The exercises whose last hint holds a line of the solution and is the second: it should be the third."""
    found = []
    for lesson, module in LESSONS.items():
        for name, q in questions(module).items():
            if isinstance(q, Exercise) and len(q.hints) < 3:
                lines = [line.strip().removeprefix("return ") for line in str(q.solution()).splitlines()]
                if any(len(line) > 12 and line in q.hints[-1] for line in lines if "def " not in line):
                    found.append(f"{lesson} {name}")
    return found


def test_a_hint_that_is_the_answer_comes_third_at_the_earliest():
    assert early_answers() == []


# --- The record of what is done ---------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    monkeypatch.setenv(record.WHERE, str(path))
    return path


def solved_and_tried():
    module = import_module("helpers.exercises.start_here")
    first, second, *_ = [q for q in questions(module).values() if isinstance(q, Exercise)]
    first.check(first.answer_of(first.reference))
    second.check(0.0 if second.calls is None else lambda *arguments: 0.0)
    return [name for name, q in questions(module).items() if q is first or q is second]


def test_progress_shows_what_is_solved_and_where_to_go_on(kept):
    assert progress().startswith("Nothing is put down yet") and not kept.exists()
    first, second = solved_and_tried()
    states = json.loads(kept.read_text())["lessons"]["start_here"]
    assert states == {first: "solved", second: "tried"}
    shown = progress()
    assert isinstance(shown, Feedback) and "start_here" in shown and "  1 of" in shown and "the course" in shown
    todo = next(name for name in questions(LESSONS["start_here"]) if name != first)
    assert shown.endswith(f"Next: {todo} of start_here.")
    solved_and_tried()
    questions(LESSONS["start_here"])[first].check(0)  # what is solved stays solved
    assert json.loads(kept.read_text())["lessons"]["start_here"][first] == "solved"
    assert [path.name for path in kept.parent.iterdir()] == ["record.json"]


def test_after_the_last_of_a_lesson_comes_the_next_lesson(kept):
    lessons = {"start_here": {name: "solved" for name in questions(LESSONS["start_here"])}}
    kept.write_text(json.dumps({"lessons": lessons, "last": "start_here"}))
    assert progress().endswith("Next: q1 of time_series_regression.")
    there = {name: f"helpers.exercises.{name}" for name in record.COURSE}
    modules = {name: import_module(path) for name, path in there.items() if find_spec(path)}
    lessons = {lesson: {name: "solved" for name in questions(module)} for lesson, module in modules.items()}
    kept.write_text(json.dumps({"lessons": lessons, "last": "start_here"}))
    n = sum(len(states) for states in lessons.values())
    assert progress().splitlines()[-2].split() == ["the", "course", str(n), "of", str(n), "solved"]
    assert progress().endswith("All are solved.")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"lessons": 3}', b'{"lessons": {"start_here": 3}}', b"\xff\xfe"]
)
def test_a_broken_record_breaks_nothing(kept, content):
    kept.write_bytes(content)
    assert progress().startswith("Nothing is put down yet")
    first, _ = solved_and_tried()
    assert json.loads(kept.read_text())["lessons"]["start_here"][first] == "solved"


def test_a_record_that_cannot_be_kept_breaks_nothing(kept, monkeypatch):
    kept.mkdir()  # a folder is no file
    solved_and_tried()
    assert progress().startswith("Nothing is put down yet")
    monkeypatch.setenv(record.WHERE, str(kept / "none" / "there.json"))
    solved_and_tried()
    assert progress().startswith("Nothing is put down yet") and not list(kept.iterdir())


def test_neither_tests_nor_refreshed_notebooks_write_into_a_students_record(monkeypatch):
    assert set_kernel_environment({})[record.WHERE] == "" == os.environ[record.WHERE]
    assert record.record_path() is None
    monkeypatch.delenv(record.WHERE)
    assert record.record_path().name == ".factor_models_course.json"


def test_questions_that_are_of_no_lesson_are_not_put_down(kept):
    of_calls(lambda x: x, (1.0,)).check(1.0)
    assert not kept.exists() and "A question." in repr(of_calls(lambda x: x, (1.0,)))


def test_what_check_says_hangs_on_no_record(kept):
    q = next(q for q in questions(LESSONS["start_here"]).values() if isinstance(q, Exercise))
    said = [q.check(q.answer_of(q.reference)) for _ in range(2)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert said[0] == said[1] == correct(q) and printed.getvalue() == ""


def test_the_course_is_in_the_order_of_its_lessons():
    there = [path.stem[3:] for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
    assert [lesson for lesson in record.COURSE if lesson in there] == there


def test_each_lesson_has_its_exercises():
    assert [path.stem[3:] for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))] == list(LESSONS)


def test_open_is_a_word_of_its_own():
    q = Open(look_for="Look.", hints=("a", "b"))
    assert str(q.check("It moved, and the market did, too.")) == "Open. Judge for yourself. Look."
    assert same_numbers(np.ones(2), np.ones(2))
