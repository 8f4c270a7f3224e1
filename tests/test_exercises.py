"""Every exercise accepts its right answer in all forms, answers each mistake with its own advice, and never raises.

The lessons' modules are found, not listed. What their exercises share is asked of each of them; the checker's own
sentences are asked of small exercises made here.
"""

import inspect
import re
import subprocess
import sys
import textwrap
import warnings
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from helpers.exercises.answers import (
    same_numbers,
    same_to_a_percent,
    same_up_to_order,
    same_up_to_rotation,
    same_up_to_sign,
)
from helpers.exercises.checker import NOT_ATTEMPTED, PAGE, Choice, Exercise, Feedback, Open, Question
from helpers.exercises.questions import NOT_WRITTEN, SENTENCE
from helpers.exercises.words import filled
from tools.refresh import NOTEBOOKS

NAMES = [path.stem[3:] for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
LESSONS = {name: import_module(f"helpers.exercises.{name}") for name in NAMES if find_spec(f"helpers.exercises.{name}")}
PHRASES = ("Correct.", "Correct, but ", "Incorrect. ", "Not attempted. ", "Could not check. ", "Open. ")


def questions(module):
    """The questions that a module declares, by name, in the order of their declaration."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Question)}


def each(kind):
    """One test for each question of a kind, as q."""
    every = [(lesson, name, q) for lesson, module in LESSONS.items() for name, q in questions(module).items()]
    found = [(lesson, name, q) for lesson, name, q in every if isinstance(q, kind)]
    return pytest.mark.parametrize("q", [q for *_, q in found], ids=[f"{lesson}-{name}" for lesson, name, _ in found])


def module_of(q):
    return next(module for module in LESSONS.values() if any(q is other for other in questions(module).values()))


def answers_of(way, q):
    """What a way to answer gives, as it comes: in each call, or alone."""
    return [way(*arguments) for arguments in q.calls()] if q.calls is not None else [way(**q.given())]


RIGHT = {}  # by the question's id: what its reference gives


def right_answers(q):
    if id(q) not in RIGHT:
        RIGHT[id(q)] = answers_of(q.reference, q)
    return RIGHT[id(q)]


def answer_with(q, values):
    """These values as an answer to q: the one value itself, or a function that gives them call by call."""
    if q.calls is None:
        return values[0]
    left = iter(values)
    return lambda *arguments: next(left)


def judged(q, answer):
    """The feedback, which begins with one of the words, holds no address of an object, and comes without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        feedback = q.check(answer)
    assert isinstance(feedback, str) and feedback.startswith(PHRASES), feedback
    assert not re.search(r"\b0x[0-9a-f]{6,}", feedback), feedback
    assert repr(feedback).split() == feedback.split()  # a notebook shows the repr
    return str(feedback)


def correct(q):
    """What a right answer is told."""
    return f"Correct.\n{filled(q.insight)}" if q.insight else "Correct."


def assert_not_checked(q, answer, *fragments):
    """The answer can't be checked, the reason says more than a word, and it contains each fragment."""
    feedback = judged(q, answer)
    assert feedback.startswith("Could not check. ") and len(feedback) > 40, feedback
    absent = [fragment for fragment in fragments if fragment not in feedback]
    assert not absent, f"{absent} not in the feedback: {feedback}"


# --- The modules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_enough_exercises_of_both_kinds_numbered_from_1(lesson):
    found = questions(LESSONS[lesson])
    assert list(found) == [f"q{k}" for k in range(1, len(found) + 1)]
    if lesson != "start_here":
        n_open = sum(isinstance(q, Open) for q in found.values())
        assert len(found) >= 3 and 1 <= n_open < len(found)


def test_importing_the_exercises_loads_no_network_library():
    code = "\n".join(f"import helpers.exercises.{name}" for name in LESSONS)
    code += "\nimport sys\nprint(*({'tensorflow', 'keras', 'jax', 'torch'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


# --- Every question ---------------------------------------------------------------------------------------------------


@each(Question)
def test_the_untouched_dots_are_not_attempted(q):
    assert judged(q, ...) == judged(q, [..., ...]) == judged(q, (1.0, ...)) == str(q.check()) == NOT_ATTEMPTED
    if isinstance(q, Exercise) and q.calls is not None:
        assert judged(q, lambda *arguments: ...) == NOT_ATTEMPTED
        assert judged(q, lambda *arguments: 1 - ... / 2) == NOT_ATTEMPTED
        assert judged(q, lambda *arguments: (...).sum()) == NOT_ATTEMPTED


@each(Question)
def test_the_hints_lead_on_and_a_level_that_is_not_there_is_answered_in_a_sentence(q):
    n_hints = len(q.hints)
    assert isinstance(q.hints, tuple) and n_hints >= 2 and len(set(q.hints)) == n_hints
    assert q.hint() == q.hint(1) == f"{q.hints[0]} hint(2) says more."
    assert q.hint(n_hints) == q.hints[-1]
    for level in (0, -1, n_hints + 1, 1.0, 1.5, "1", None, ..., np.arange(3), np.nan, Evil()):
        assert q.hint(level) == f"There are {n_hints} hints: hint(1) to hint({n_hints})."


@each(Question)
def test_texts_are_sentences(q):
    texts = [*q.hints, *(q.mistakes if isinstance(q, Exercise) else getattr(q, "advice", {})).values()]
    texts += [text for text in (getattr(q, "insight", ""), getattr(q, "look_for", "")) if text]
    for text in texts:
        assert isinstance(text, str) and text == text.strip() and "  " not in text, text
        assert text.endswith((".", "?", "!", ")", "…")), text


@each(Question)
def test_the_same_question_gives_the_same_text_twice(q):
    answers = [..., None, "b", "z", 1.0, [1, 2], np.zeros(3), np.ones((2, 3)), len]
    answers += [object(), Evil(), lambda *arguments: object()]
    for answer in answers:
        assert judged(q, answer) == judged(q, answer)
    assert q.solution() == q.solution() and not re.search(r"\b0x[0-9a-f]{6,}", q.solution())


# --- Exercises --------------------------------------------------------------------------------------------------------


@each(Exercise)
def test_the_reference_is_correct_and_gives_finite_numbers(q):
    assert judged(q, q.answer_of(q.reference)) == correct(q)
    assert all(np.isfinite(np.asarray(value, dtype=float)).all() for value in right_answers(q))


@each(Exercise)
def test_each_mistake_gets_its_own_advice(q):
    assert len(q.mistakes) >= 2 and len(set(q.mistakes.values())) == len(q.mistakes)
    for mistake, advice in q.mistakes.items():
        assert judged(q, answer_with(q, answers_of(mistake, q))) == f"Incorrect. {advice}", mistake.__name__
    assert judged(q, answer_with(q, right_answers(q))) == correct(q)  # no mistake has changed what is given


@each(Exercise)
def test_a_function_names_what_is_given(q):
    for way in (q.reference, *q.mistakes):
        parameters = inspect.signature(way).parameters
        if q.calls is None:
            assert set(parameters) == set(q.given()), way.__name__


@each(Exercise)
def test_equivalent_answers_are_correct(q):
    for name, form in forms_of(right_answers(q)).items():
        assert judged(q, answer_with(q, [form(value) for value in right_answers(q)])) == correct(q), name


def forms_of(values):
    """Ways to write the same numbers down, by name: functions of an array."""
    forms = {
        "list": lambda value: np.asarray(value).tolist(),
        "tuple": lambda value: as_tuple(np.asarray(value).tolist()),
        "float32": lambda value: np.asarray(value, dtype=np.float32),
        "tensor": Tensor,
        "complex": lambda value: np.asarray(value) + 0j,
        "object": lambda value: np.asarray(value, dtype=object),
        "first axis of length 1": lambda value: np.asarray(value)[None],
        "last axis of length 1": lambda value: np.asarray(value)[..., None],
        "masked nowhere": lambda value: np.ma.masked_invalid(value),
        "without its own axes of length 1": np.squeeze,
    }
    n_axes = {np.ndim(value) for value in values}
    if n_axes <= {0}:
        forms |= {
            "float": float,
            "text-free zero-dimensional array": np.array,
            "list of one": lambda value: [float(value)],
        }
    if n_axes <= {1}:
        forms |= {"Series": pd.Series, "one column": lambda value: pd.DataFrame({"x": np.asarray(value)})}
    if n_axes <= {2}:
        forms |= {
            "DataFrame": lambda value: pd.DataFrame(np.asarray(value)),
            "matrix in Fortran's order": np.asfortranarray,
        }
    return forms


def as_tuple(value):
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


class Tensor:
    """What the tensors of all libraries can do: become an array."""

    def __init__(self, value):
        self.value = np.asarray(value)

    def __array__(self, dtype=None, copy=None):
        return self.value.astype(dtype or self.value.dtype)

    def __call__(self):
        raise AssertionError("a tensor that can be called is still numbers")


@each(Exercise)
def test_what_is_only_convention_is_free(q):
    random = np.random.default_rng(0)

    def flipped(value):
        return value * np.where(np.arange(value.shape[-1]) % 2, 1.0, -1.0) if value.ndim > 1 else -value

    def reordered(value):
        return np.roll(value, 1, axis=-1)

    def rotated(value):
        columns = value if value.ndim > 1 else value[..., None]
        return (columns @ random.normal(size=(columns.shape[-1],) * 2)).reshape(value.shape)

    free = {
        same_up_to_sign: [flipped],
        same_up_to_order: [reordered],
        same_up_to_rotation: [flipped, reordered, rotated],
    }
    for change in free.get(q.same, ()):
        changed = [change(np.asarray(value)) for value in right_answers(q)]
        assert judged(q, answer_with(q, changed)) == correct(q), change.__name__


@each(Exercise)
def test_what_cannot_be_read_is_not_checked_and_the_reason_given(q):
    truth = [np.asarray(value, dtype=float) for value in right_answers(q)]
    unreadable = {
        "None": [None] * len(truth),
        "text": ["0.5"] * len(truth),
        "dict": [{"beta": 1.0}] * len(truth),
        "set": [{1.0, 2.0}] * len(truth),
        "list of texts": [["1", "2"]] * len(truth),
        "ragged": [[[1.0, 2.0], [3.0]]] * len(truth),
        "NaN": [np.full(true.shape, np.nan) for true in truth],
        "shape": [np.ones((13, *true.shape, 2)) for true in truth],
        "nothing": [[]] * len(truth),
        "complex": [true + 1j for true in truth],
        "dates": [pd.date_range("2000", periods=3)] * len(truth),
    }
    words = {"None": "None", "text": "'0.5'", "NaN": "NaN", "shape": "shape", "complex": "imaginary"}
    for name, values in unreadable.items():
        wanted = words.get(name, "") if not (name == "None" and q.calls is not None) else "returns None"
        assert_not_checked(q, answer_with(q, values), wanted)
    if q.calls is None:
        for function in (len, lambda: 1.0, q.reference, np.mean, Exercise):
            assert_not_checked(q, function, "this is a function")
    else:
        for no_function in (1.0, truth, truth[0], None, "text", {"a": 1}):
            assert_not_checked(q, no_function, "A function is needed")
        assert_not_checked(q, raising(ValueError("no good")), "raised ValueError (no good)", "when it was called with")
        assert_not_checked(q, raising(KeyError()), "raised KeyError (no further words)")
        assert_not_checked(q, raising(SystemExit(1)), "raised SystemExit")
        assert_not_checked(q, raising(Unspeakable()), "raised Unspeakable (no further words)")
        assert_not_checked(q, lambda: 1.0, "raised TypeError")
        assert_not_checked(q, lambda *arguments: None, "returns None")


def raising(error):
    def function(*arguments):
        raise error

    return function


@each(Exercise)
def test_the_solution_is_the_code_of_the_reference_and_answers_the_exercise(q):
    code = textwrap.dedent(inspect.getsource(q.reference)).rstrip()
    assert code.startswith("def ") and code in q.solution()
    namespace = dict(vars(module_of(q)))
    exec(code, namespace)
    way = namespace[q.reference.__name__]
    assert way is not q.reference and judged(q, q.answer_of(way)) == correct(q)


# --- Choices and open tasks -------------------------------------------------------------------------------------------


@each(Choice)
def test_each_letter_of_a_choice_has_its_answer(q):
    right = q.right
    assert right not in q.advice and len(q.advice) >= 2 and q.insight
    letters = sorted([right, *q.advice])
    assert letters == list("abcdefgh"[: len(letters)])
    spellings = "{}", "{})", " {} ", "({})", "( {} )", "{}.", '"{}"', "**{}**"
    for spelling in (right.upper(), *(form.format(right) for form in spellings)):
        assert judged(q, spelling) == f"Correct. {q.insight}", spelling
    for letter, advice in q.advice.items():
        for spelling in (letter, f" {letter.upper()})\n"):
            assert judged(q, spelling) == f"Incorrect. {advice}"
    assert len(set(q.advice.values())) == len(q.advice)
    texts = "z", "", " ", f"{right}{right}", "ab", "the second", "x" * 10_000
    for other in (*texts, 1, 2.0, None, True, [right], {right}, len, right.encode()):
        assert_not_checked(q, other, ", ".join(letters), "is needed")
    assert q.solution() == f"{right}. {q.insight}"


@each(Open)
def test_an_open_task_says_what_to_look_for_once_something_is_written(q):
    sentences = "It moved in the crisis, because the market did."
    for answer in (sentences, [sentences, "And back."], f"  {sentences}\n"):
        assert judged(q, answer) == f"Open. Judge for yourself. {q.look_for}"
    for answer in ("", "  ", "\n"):
        assert judged(q, answer) == NOT_WRITTEN
    for answer in ("My sentence.", "yes", ["no"]):
        assert judged(q, answer) == SENTENCE
    for answer in (1.0, None, np.ones(3), len, {"a": 1}):
        feedback = judged(q, answer)
        assert feedback.startswith("Open. Sentences of yours are asked for here") and q.look_for not in feedback
    assert q.solution() == q.look_for


# --- Whatever is given ------------------------------------------------------------------------------------------------


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("not even its words can be read")


class Evil:
    """Raises at whatever is done with it."""

    def _refuse(self, *arguments, **words):
        raise Unspeakable

    __array__ = __eq__ = __bool__ = __len__ = __getitem__ = __iter__ = __float__ = __repr__ = __str__ = _refuse
    __mul__ = __rmul__ = __sub__ = __rsub__ = __le__ = __lt__ = __deepcopy__ = __getattr__ = _refuse
    __hash__ = object.__hash__


class Liar:
    """Says that it is of no class."""

    @property
    def __class__(self):
        raise Unspeakable


class NoArray:
    def __array__(self, dtype=None, copy=None):
        return "no array"


class Addressed:
    def __array__(self, dtype=None, copy=None):
        raise ValueError(f"{object()} and {len} and 0x7f3a5c2b10")


def within_itself():
    items = []
    items.append(items)
    return items


def nested(depth):
    items = 1.0
    for _ in range(depth):
        items = [items]
    return items


EVIL = {
    "evil": Evil(),
    "list of evil": [Evil(), Evil()],
    "liar": Liar(),
    "no array": NoArray(),
    "addressed": Addressed(),
    "class": Evil,
    "module": np,
    "object": object(),
    "error": ValueError("no"),
    "list within itself": within_itself(),
    "deeply nested": nested(70),
    "too deeply nested": nested(5000),
    "generator": (x for x in range(3)),
    "zip": zip([1], [2], strict=True),
    "range": range(3),
    "huge int": 10**400,
    "huge ints": [10**400, -(10**400)],
    "complex": 1 + 2j,
    "complex nan": complex("nan+nanj"),
    "infinity": np.inf,
    "infinities": [np.inf, -np.inf],
    "largest": np.finfo(float).max,
    "bool": True,
    "bytes": b"1",
    "Decimal": Decimal("1e400"),
    "NA": pd.NA,
    "NaT": pd.NaT,
    "sparse": __import__("scipy.sparse").sparse.eye_array(3),
    "structured": np.zeros(3, dtype=[("a", float), ("b", int)]),
    "masked": np.ma.masked_all((3, 3)),
    "empty": np.empty((0, 3)),
    "object array": np.array([None, "a", ...], dtype=object),
    "many axes": np.ones((1,) * 30),
    "frame of text": pd.DataFrame({"a": ["x", "y"]}),
    "nullable": pd.Series([1, None], dtype="Int64"),
    "not implemented": NotImplemented,
}  # fmt: skip

numbers = st.one_of(st.floats(), st.integers(), st.complex_numbers(), st.booleans())
anything = st.one_of(
    st.none(),
    numbers,
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.recursive(
        numbers | st.text(max_size=2) | st.just(...),
        lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
        max_leaves=8,
    ),
    st.dictionaries(st.text(max_size=3), numbers, max_size=2),
    stnp.arrays(stnp.scalar_dtypes(), stnp.array_shapes(max_dims=3, max_side=4, min_dims=0)),
)  # fmt: skip


@each(Question)
def test_evil_objects_do_not_make_check_raise(q):
    for thing in EVIL.values():
        assert judged(q, thing) == judged(q, thing)
        judged(q, lambda *arguments, thing=thing: thing)


@each(Question)
@settings(deadline=None, max_examples=25, database=None, derandomize=True)
@given(answer=anything)
def test_nothing_makes_check_raise(q, answer):
    assert judged(q, answer) == judged(q, answer)
    assert judged(q, lambda *arguments: answer) == judged(q, lambda *arguments: answer)


@each(Exercise)
@settings(deadline=None, max_examples=25, database=None, derandomize=True)
@given(
    scale=st.floats(allow_nan=False), shift=st.floats(allow_nan=False), where=st.integers(0, 10_000), value=st.floats()
)
def test_spoilt_right_answers_do_not_make_check_raise(q, scale, shift, where, value):
    truth = [np.asarray(answer, dtype=float) for answer in right_answers(q)]
    with np.errstate(all="ignore"):
        spoilt = [[scale * true, true + shift, with_one_value(true, where, value)] for true in truth]
    for values in zip(*spoilt, strict=True):
        judged(q, answer_with(q, values))


def with_one_value(array, where, value):
    changed = array.copy()
    changed.flat[where % max(array.size, 1)] = value
    return changed


# --- What counts as equal ---------------------------------------------------------------------------------------------

matrices = stnp.arrays(
    float, stnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5), elements=st.integers(-9, 9)
)


def test_each_number_agrees_to_a_thousandth_of_itself_or_a_hundredth():
    truth = np.array([1.0, -200.0])
    assert same_numbers(truth + np.array([0.0009, -0.19]), truth)
    assert not same_numbers(truth + np.array([0.002, 0]), truth)
    assert not same_numbers(truth + np.array([0, 0.21]), truth)
    assert same_numbers(np.zeros(2), np.zeros(2)) and not same_numbers(np.array([0, 1e-9]), np.zeros(2))
    assert same_numbers(np.empty(0), np.empty(0))
    assert same_to_a_percent(truth * 1.009, truth)
    assert not same_to_a_percent(truth + np.array([0.02, 0]), truth)


def test_beside_a_large_number_a_small_one_may_carry_its_rounding_errors():
    truth = np.array([1.0, 1e-9, 0.0])
    assert same_numbers(truth + np.array([0, 1e-7, -1e-7]), truth)
    assert not same_numbers(truth + np.array([0, 1e-5, 0]), truth)
    assert not same_numbers(truth + np.array([0, 0, 1e-5]), truth)


def test_where_the_truth_is_0_its_scale_is_that_of_the_other_calls():
    assert same_numbers(np.array(1e-8), np.array(0.0), scale=0.7)
    assert same_numbers(np.array(-1e-16), np.array(5e-17), scale=0.7)
    assert not same_numbers(np.array(1e-5), np.array(0.0), scale=0.7)
    q = Exercise(reference=lambda x: x - 1, mistakes={}, hints=("a", "b"), calls=lambda: [(1.0,), (3.0,)])
    assert judged(q, lambda x: x - 1 + 1e-9) == "Correct."
    assert judged(q, lambda x: x - 1 + 1e-4 * (x == 1)).startswith("Incorrect.")


def test_counts_are_right_or_wrong():
    truth = np.array([70_401, 3])
    assert same_numbers(truth.astype(np.float32), truth) and not same_numbers(truth + np.array([1, 0]), truth)
    q = exercise([70_401, 3])
    assert judged(q, [70_401.0, 3]) == "Correct." and judged(q, np.float32([70_401, 3])) == "Correct."
    assert judged(q, [70_400, 3]).startswith("Incorrect.") and "mean" not in judged(q, [70_402, 4])


@settings(deadline=None, max_examples=50, database=None, derandomize=True)
@given(matrices, st.data())
def test_signs_of_columns_are_free_and_those_of_single_numbers_are_not(truth, data):
    signs = data.draw(stnp.arrays(float, truth.shape[1], elements=st.sampled_from([-1.0, 1.0])))
    assert same_up_to_sign(truth * signs, truth)
    changed = truth.copy()
    changed[0, 0] += 1 + 2 * abs(truth).max()
    assert not same_up_to_sign(changed, truth)


def test_the_sign_of_a_column_is_the_same_at_every_date():
    truth = np.random.default_rng(0).normal(size=(5, 4, 3))
    assert same_up_to_sign(truth * [1, -1, -1], truth)
    turned_on_one_date, turned_for_one_ticker = truth.copy(), truth.copy()
    turned_on_one_date[0] *= -1
    turned_for_one_ticker[:, 0] *= -1
    assert not same_up_to_sign(turned_on_one_date, truth) and not same_up_to_sign(turned_for_one_ticker, truth)
    assert same_up_to_sign(-truth[0, 0], truth[0, 0]) and not same_up_to_sign(truth[0, 0] * [1, -1, 1], truth[0, 0])
    assert same_up_to_sign(np.array(-2.0), np.array(2.0))


@settings(deadline=None, max_examples=50, database=None, derandomize=True)
@given(matrices, st.data())
def test_the_order_of_columns_is_free_and_that_of_rows_is_not(truth, data):
    order = data.draw(st.permutations(range(truth.shape[1])))
    assert same_up_to_order(truth[:, order], truth)
    rows = np.arange(12.0).reshape(4, 3) ** 2
    assert not same_up_to_order(rows[::-1], rows)
    assert not same_up_to_order(rows[:, [0, 0, 1]], rows)


@settings(deadline=None, max_examples=50, database=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_a_rotation_is_free_and_another_span_is_not(seed):
    random = np.random.default_rng(seed)
    truth, turn = random.normal(size=(8, 3)), random.normal(size=(3, 3)) + 4 * np.eye(3)
    assert same_up_to_rotation(truth @ turn, truth)
    assert not same_up_to_rotation(random.normal(size=(8, 3)), truth)
    assert not same_up_to_rotation(truth * [1, 1, 0], truth)  # spans less
    assert not same_up_to_rotation(truth, truth * [1, 1, 0])  # spans more
    assert same_up_to_rotation(-3 * truth[:, 0], truth[:, 0]) and same_up_to_rotation(np.array(3.0), np.array(2.0))


@pytest.mark.parametrize("same", [same_up_to_sign, same_up_to_order, same_up_to_rotation])
def test_a_mistake_of_another_shape_than_the_truth_still_gets_its_advice(same):
    truth = np.random.default_rng(0).normal(size=(6, 2))
    mistakes = {lambda: truth.T: "Turned.", lambda: truth[0, 0]: "One number.", lambda: truth[:, 0]: "One column."}
    q = Exercise(reference=lambda: truth, mistakes=mistakes, hints=("a", "b"), same=same)
    assert judged(q, truth) == correct(q)
    assert judged(q, truth.T) == "Incorrect. Turned."
    assert judged(q, truth[0, 0]) == "Incorrect. One number."
    assert judged(q, truth[:, 0].tolist()) == "Incorrect. One column."
    if same is not same_up_to_rotation:  # six columns of two numbers each span all there is
        needed = "Your answer has the shape (2, 6), and the shape (6, 2) is needed. Transpose it?"
        assert judged(q, truth.T + 1) == f"Could not check. {needed}"
    assert judged(q, truth * np.inf).startswith("Incorrect. Some of your values are infinite")
    for scale in (1e300, 1e-300):
        judged(q, truth * scale)


# --- What a wrong answer shows ----------------------------------------------------------------------------------------

VECTOR = np.array([0.5, -1.0, 2.0, 0.25, 3.0])
TABLE = np.array([[0.3, -1.2, 2.0], [0.7, 0.4, -0.6], [1.1, 0.9, 0.2], [-0.8, 1.6, 0.1]])
TOO_OFTEN = "Was a multiplication or a division left out, or made twice?"
A_HINT = " A hint: a"  # where no usual change gives the answer, the exercise's first hint follows
PERCENT = "100 times what is right. In percent, where a fraction is needed?"
CUT_OFF = "Was something cut off, rounded away, or never filled in?"
FEW_DIGITS = "Right as far as its digits go, and they are too few: give two more."
HUNDREDTH = "a hundredth of what is right. Divided by 100 once too often?"


def exercise(truth, same=same_numbers):
    return Exercise(reference=lambda: truth, mistakes={}, hints=("a", "b"), same=same)


@pytest.mark.parametrize(
    ("truth", "answer", "sentence"),
    [
        (VECTOR, -VECTOR, "The size is right and the sign is the opposite."),
        (2.5, -2.5, "The size is right and the sign is the opposite."),
        (VECTOR, 100 * VECTOR, f"Your values are {PERCENT}"),
        (0.0524, 5.2, f"Your value is {PERCENT}"),
        (VECTOR / 70, np.round(100 * VECTOR / 70, 1), f"Your values are {PERCENT}"),
        (2.5, 250, f"Your value is {PERCENT}"),
        (VECTOR, VECTOR / 100, f"Your values are {HUNDREDTH}"),
        (2.5, 0.025, f"Your value is {HUNDREDTH}"),
        (VECTOR, 1.4 * VECTOR, f"Your values are all 1.4 times what they should be. {TOO_OFTEN}"),
        (VECTOR, -2 * VECTOR, f"Your values are all -2 times what they should be. {TOO_OFTEN}"),
        (2.5, 5.0, "Your value, 5, is too large."),
        ([0.0, 0.0, 2.5], [0.0, 0.0, 3.5], "The values differ by up to 1, where they should be as large as 2.5."),
        (VECTOR, 12 * VECTOR, "Your values are 12 times what is right. For a year, where a month is asked for?"),
        (0.2, 0.2 * 12**0.5, "Your value is √12 times what is right. For a year, where a month is asked for?"),
        (0.2, 0.2 / 252**0.5, "Your value is 1/√252 of what is right. For a day, where a year is asked for?"),
        (0.31, 0.31**2, "Your value is the square of what is right. Is a root missing, as between a variance and a "
                        "standard deviation?"),
        (0.31, 0.31**0.5, "Your value is the square root of what is right. Is a root taken that is not asked for?"),
        (0.31, 0.69, "Your value is one minus what is right. Is it the share that is left, where the other is "
                     "asked for?"),
        (0.31, 1 / 0.31, "Your value is one divided by what is right. Is the fraction upside down?"),
        (TABLE / 9, np.log1p(TABLE / 9), "Your values are log(1 + x) of what is right. Log returns, where simple "
                                         "ones are asked for?"),
        (TABLE / 9, np.expm1(TABLE / 9), "Your values are exp(x) - 1 of what is right. Simple returns, where log "
                                         "returns are asked for?"),
        (TABLE, abs(TABLE), "The sizes are right, and none of yours is negative. Was the absolute value taken?"),
        (TABLE, TABLE[::-1], "Your rows are the right ones, in the reverse order."),
        (TABLE, np.roll(TABLE, 1, axis=0), "Your rows are the right ones, one place later. Is something off by one?"),
        (VECTOR, np.roll(VECTOR, -1), "Your numbers are the right ones, one place earlier. Is something off by one?"),
        (TABLE[:3], TABLE[:3].T, "Yours are the right numbers, transposed."),
        (TABLE, TABLE.cumsum(axis=0), "Your rows are the running sums of the right ones. Is each by itself asked for?"),
        (TABLE, TABLE - TABLE.mean(axis=0), "Yours are the right numbers less their mean over the rows. Is a mean "
                                            "taken out?"),
        (TABLE, TABLE * [1, -1, 1], "The sizes are right; some columns have the opposite sign."),
        (TABLE, TABLE * [1, 2, 3], "In each column yours are the right numbers times a number of its own. "
                                   "Is one too large?"),
        (VECTOR, VECTOR[[1, 0, 4, 3, 2]], "Your numbers are the right ones, in another order."),
        (VECTOR, VECTOR * [1, 1, 0, 1, 1], "1 of your 5 values is 0, where it should not be; the others are right."),
        (VECTOR, [0.5, -1.0, 2.0, 0.3, 3.3], "The first 3 of 5 numbers are right, and none after them. What changes "
                                             "there?"),
        (VECTOR, np.zeros(5), f"All your values are 0, and the right ones are not. {CUT_OFF}"),
        (VECTOR, VECTOR + 0.5, "All your values are off by the same amount, 0.5. Was a mean taken out, or left in?"),
        (VECTOR, VECTOR - 0.125, "All your values are off by the same amount, -0.125. "
                                 "Was a mean taken out, or left in?"),
        ([600, 2400], [601, 2401], "Your values are one too many. Is an end, or a column of ones, counted that does "
                                   "not belong?"),
        ([600, 2400], [605, 2405], "All your values are off by the same amount, 5. "
                                   "Is something counted that should not be, or left out?"),
        (VECTOR, [0.5, -1.0, 3.0, 0.25, 4.0], "3 of 5 values are right; the first that is not is number 3."),
        (VECTOR[:4].reshape(2, 2), [[9, -1.0], [2.0, 0.25]], "3 of 4 values are right; "
                                                             "the first that is not is number 1."),
        (2.4138, 2.4, FEW_DIGITS),
        (0.119, 0.1, FEW_DIGITS),
        (0.0826, 0.1, FEW_DIGITS),
        ([0.0113, 0.119, 0.39], [0.011, 0.1, 0.4], FEW_DIGITS),
        ([0.119, 0.034, 0.2], [0.1, 0.0, 0.2], FEW_DIGITS),
        (0.25, 0.3, "Your value, 0.3, is too large, by 20 %."),
        (347.2, 348, "Your value, 348, is too large, by 0.23 %."),
        (2.5, 2.6, "Your value, 2.6, is too large, by 4 %."),
        (2.5, 2.45, "Your value, 2.45, is too small, by 2 %."),
        (-2.5, -3.7, "Your value, -3.7, is too small, by 48 %."),
        (0.0, 0.1, "Your value, 0.1, is too large."),
        (2.5, 0.0, f"Your value is 0, and the right one is not. {CUT_OFF}"),
        (2.5, np.inf, "Your value is infinite: was something divided by zero?"),
        (VECTOR, VECTOR / [1, 1, 0.25, 1, 0.5] * [np.inf, 1, 1, 1, 1], "Some of your values are infinite: "
                                                                       "was something divided by zero?"),
        (VECTOR, [1.6, 1.0, 1.0, 2.25, 4.0], "None of your 5 values is right: they are, one by one, too large, too "
                                             "large, too small, too large, too large."),
        (np.zeros(3), np.arange(1, 4), "None of your 3 values is right: all are too large."),
    ],
)  # fmt: skip
def test_what_a_wrong_answer_shows(truth, answer, sentence):
    with np.errstate(all="ignore"):
        assert judged(exercise(truth), answer).removesuffix(A_HINT) == f"Incorrect. {sentence}"


@pytest.mark.parametrize(
    ("truth", "answer"),
    [
        (2.4138, 2.41),
        (0.2447, 0.24),
        (VECTOR + 0.0138, np.round(VECTOR + 0.0138, 2)),
        (VECTOR + 0.0138, np.round(VECTOR + 0.0138, 2).astype(np.float32)),
        (np.array([0.0209, 0.0623, -0.0314]), [0.021, 0.062, -0.031]),
        (1234.5, 1230),
        (np.array([1.23456, 98.7654, -0.0123456]), [1.23, 98.8, -0.0123]),
    ],
)
def test_the_right_numbers_as_one_prints_them_are_right(truth, answer):
    assert judged(exercise(truth), answer) == "Correct. Right as far as its digits go."


@pytest.mark.parametrize(("truth", "answer"), [(0.2447, 0.25), (0.2447, 0.2), (VECTOR + 0.0138, VECTOR), (7, 7.2)])
def test_other_numbers_of_few_digits_are_not(truth, answer):
    assert judged(exercise(truth), answer).startswith("Incorrect.")


def test_a_few_of_many_numbers_that_are_right_by_chance_are_not_called_right():
    truth = np.linspace(-1, 1, 101)
    assert "values are right" not in judged(exercise(truth), 0 * truth)  # right in the middle


def test_small_numbers_beside_large_ones_count_when_all_are_called_multiples():
    truth, twice = np.array([3.0, 5.0, 4000.0]), np.array([9.0, 10.0, 8000.0])
    assert "all 2 times" not in judged(exercise(truth), twice)
    assert "all 2 times" in judged(exercise(truth), [6.0, 10.0, 8000.0])


def test_what_is_right_in_each_call_is_counted_by_the_size_of_that_call():
    calls = [(np.arange(1.0, 4.0),), (1e6 + np.arange(3.0),)]
    q = Exercise(reference=lambda x: x, mistakes={}, hints=("a", "b"), calls=lambda: calls)
    words = "Incorrect. 5 of 6 values are right; the first that is not is number 3. Right in 1 of 2 calls. With x = "
    words += "[1, 2, 3] yours gives 4 at [2], and 3 is right."
    assert judged(q, lambda x: x + (x < 10) * [0, 0, 1]) == words


@pytest.mark.parametrize(
    ("n_right", "words"),
    [
        (1, "1 of 9 values is right; the first that is not is number 2."),
        (2, "2 of 9 values are right; the first that is not is number 3."),
        (3, "The first 3 of 9 numbers are right, and none after them. What changes there?"),
    ],
)
def test_one_or_two_that_are_right_are_no_pattern_and_no_hint_stands_behind_them(n_right, words):
    truth = np.array([0.31, 0.17, -0.42, 0.83, 0.54, -0.29, 0.66, 0.91, -0.75])
    assert (
        judged(exercise(truth), np.where(np.arange(9) < n_right, truth, [9, 8, 9, 9, 8, 9, 7, 9, 9]))
        == f"Incorrect. {words}"
    )


def test_a_wide_rule_is_none_for_what_is_said_of_a_wrong_answer():
    q = exercise([[0.0, 0.0, 0.75], [0.5556, 0.0, 0.75]], lambda answer, truth: np.abs(answer - truth).max() <= 0.01)
    assert "number of its own" not in judged(q, [[0, 0, 0.75], [0.6, 0, 0.8]])


def test_what_a_wrong_answer_shows_where_signs_or_rotations_are_free():
    truth = np.random.default_rng(0).normal(size=(6, 2))
    q = exercise(truth, same_up_to_sign)
    assert judged(q, 2 * truth * [1, -1]).startswith("Incorrect. Your values are all 2 times what they should be.")
    other = truth * [1, -1]
    other[0] = 9
    words = "The last 5 of 6 rows are right, and none before them. What changes there?"
    assert judged(q, other) == f"Incorrect. {words}"
    q = exercise(truth, same_up_to_rotation)
    sentence = "Your columns do not span what the right ones span: no rotation turns one into the other."
    assert judged(q, other) == f"Incorrect. {sentence}"


def test_the_shape_that_is_needed_is_said():
    assert judged(exercise(2.5), [1, 2]) == "Could not check. Your answer has the shape (2,), and one number is needed."
    words = "Could not check. Your answer has the shape (), and the shape (5,) is needed."
    assert judged(exercise(VECTOR), 1.0) == words
    words = "Could not check. Your answer has the shape (2,), and one number is needed."
    assert judged(exercise(2.5), [np.nan, 1.0]) == words  # the shape comes before the gaps


def test_text_and_what_lstsq_gives_are_named():
    assert judged(exercise(2.5), "2.5").endswith("this is the text '2.5'. A number stands without quotes.")
    assert (
        judged(exercise(VECTOR), list("abcde"))
        == "Could not check. Numbers are needed, and these are text, not numbers."
    )
    fit = np.linalg.lstsq(TABLE, TABLE[:, 0], rcond=None)
    words = "Could not check. lstsq gives four things, and the first are the coefficients: take [0]."
    assert judged(exercise(VECTOR[:3]), fit) == words and judged(exercise(2.5), fit) == words


def test_how_many_values_are_nan_is_said():
    words = "something was divided by zero, or a missing value was carried along."
    assert judged(exercise(2.5), np.nan) == f"Could not check. It is NaN: {words}"
    assert judged(exercise(VECTOR), [np.nan, None, 1, 2, 3]) == f"Could not check. 2 of its 5 values are NaN: {words}"
    masked = np.ma.masked_greater(VECTOR, 1)
    assert judged(exercise(VECTOR), masked) == f"Could not check. 2 of its 5 values are NaN: {words}"


def test_a_function_is_called_with_copies_and_what_it_raises_is_said():
    table = np.ones((4, 2))
    double = Exercise(
        reference=lambda table, scale: scale * table,
        mistakes={},
        hints=("a", "b"),
        calls=lambda: [(table, 2.0), (table, 3.0)],
    )

    def spoils(table, scale):
        table *= scale
        return table

    assert judged(double, spoils).startswith("Correct, but your function changed table.") and (table == 1).all()
    feedback = judged(double, lambda table: table)
    assert feedback.startswith("Could not check. Your function raised TypeError (")
    assert feedback.endswith("when it was called with table of shape (4, 2) and scale = 2.")
    assert judged(double, lambda table, scale: print(end="")) == (
        "Could not check. Your function returns None. Does its last line begin with return?"
    )


def test_an_answer_is_left_as_it_was():
    answer = VECTOR * 2
    answer.flags.writeable = False
    judged(exercise(VECTOR), answer)


def test_reading_an_answer_leaves_no_address_in_the_text():
    feedback = judged(exercise(VECTOR), Addressed())
    assert feedback.startswith("Could not check. Numbers are needed")
    feedback = judged(exercise(VECTOR), SimpleNamespace(__array__=None))
    words = "Numbers are needed, in one array without holes; this is of the type SimpleNamespace."
    assert feedback == f"Could not check. {words}"
    assert judged(double_of_object(), lambda x: x.missing) == (
        "Could not check. Your function raised AttributeError ('object' object has no attribute 'missing') "
        "when it was called with x = <object object>."
    )


def test_lists_of_unequal_length_are_called_so():
    assert judged(exercise(VECTOR), [range(3), range(4)]) == (
        "Could not check. Numbers are needed, in one array without holes; the parts of this list differ in length."
    )


def double_of_object():
    return Exercise(reference=lambda x: 1.0, mistakes={}, hints=("a", "b"), calls=lambda: [(object(),)])


def test_feedback_is_shown_in_lines_that_fit_and_code_as_it_is():
    long = Feedback("It teaches a lot. " * 20)
    shown = repr(long)
    assert max(map(len, shown.splitlines())) <= PAGE and shown.split() == long.split()
    assert repr(Feedback("cross-sectional " * 20)).split() == 20 * ["cross-sectional"]
    assert repr(Feedback(NOT_ATTEMPTED)) == NOT_ATTEMPTED
    code = Feedback("def f(x):\n    return " + "x + " * 40 + "x")
    assert repr(code) == str(code)


def test_the_solution_is_wrapped_code_and_insight():
    q = Exercise(reference=double_of_object, mistakes={}, hints=("a", "b"), insight="It teaches. " * 20)
    code, insight = q.solution().split("\n\n")
    assert code == inspect.getsource(double_of_object).rstrip()
    assert max(map(len, insight.splitlines())) <= PAGE and insight.split() == q.insight.split()
