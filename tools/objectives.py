"""What practises what: for each objective of each lesson its exercises, tasks of the homework, and questions for exams.

The one table of this kind that is written by hand. `python -m tools.teaching` makes teaching/objectives.md of it, and
tests/test_teaching.py says what is missing: an objective, an exercise, a task, or a question.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Practice(NamedTuple):
    """What practises one objective.

    Parameters
    ----------
    begins : str
        How the objective begins, in the head of the lesson: enough words to tell it from the lesson's others.
    exercises : str
        Names of exercises of this lesson: "q1 q3". None: the objective is met by reading and running the lesson.
    homework : str
        Tasks: "1.2" is task 2 of homework 1.
    questions : tuple of str
        Titles of questions in tools/bank/, on this lesson.
    """

    begins: str
    exercises: str = ""
    homework: str = ""
    questions: tuple[str, ...] = ()


PRACTICE: Mapping[str, tuple[Practice, ...]] = {
    "start_here": (
        Practice("read the notation", "q1"),
        Practice("say what is given", "q1", questions=("How many unknowns?",)),
        Practice("ask of any model", "q2"),
        Practice("run four models", "q2 q3"),
    ),
    "time_series_regression": (
        Practice("write the regression", "q1 q5", "1.1"),
        Practice("say what α is", "q3", questions=("What does this line do wrong?",)),
        Practice("say how well β is known", "q2", "1.1 1.6", ("How well is a β known?", "An R² of nothing")),
        Practice("read the sensitivities", "q6"),
        Practice("see in a picture", "q6", "1.6"),
        Practice("use β", "q4"),
    ),
    "cross_sectional_regression": (
        Practice("write the regression", "q1 q3", "1.2"),
        Practice("read a factor return", "q4 q5 q7", questions=("A portfolio that nobody could hold",)),
        Practice("use sensitivities", "q6", questions=("Ranks from 0 to 1",)),
        Practice("check solved factors"),
        Practice("tell when a factor", "q2 q4"),
    ),
    "risk_premia": (
        Practice("say what a risk premium", "q5 q6"),
        Practice("say why its standard error", "q1", questions=("Which standard error?",)),
        Practice("tell whose premium", "q2"),
        Practice("see what the intercept", "q3", questions=("What the zero-beta rate shows",)),
        Practice("recognise premia", "q4 q5 q6", questions=("A premium through foggy glasses",)),
    ),
    "principal_components": (
        Practice("derive PCA", "q4"),
        Practice("write both factorisations", "q1 q2 q3", "1.3", ("From eigenvalues to R²",)),
        Practice("turn PCA's factors", "q5", "1.4", ("A premium of about zero",)),
        Practice("run PCA", "q6 q7"),
    ),
    "how_many_factors": (
        Practice("say why total R²", homework="1.5"),
        Practice("compute where the noise ends", "q1", questions=("Where noise ends",)),
        Practice("write three kinds of rule", "q2 q3"),
        Practice("tell a large factor", "q4"),
        Practice("say when RP-PCA", "q5"),
    ),
    "autoencoders": (
        Practice("name the encoder", "q4"),
        Practice("build and train", "q7", "2.5"),
        Practice("show in numbers", "q1 q2 q3", "2.6", ("The best autoencoder of all",)),
        Practice("say what a bottleneck", "q6"),
        Practice("say what non-linear layers", "q6 q7"),
        Practice("compute the local β", "q5", questions=("A β with a kink",)),
    ),
    "instrumented_pca": (
        Practice("compute", "q4", "2.1"),
        Practice("solve for Γ and F", "q1 q2", "2.2 2.3 2.4"),
        Practice("say how F of a date", homework="2.2", questions=("Better than the truth",)),
        Practice("say what is known of Γ", "q1 q3"),
        Practice("fit IPCA", "q4 q5", questions=("What a line makes of a curve",)),
    ),
    "fixed_weights": (
        Practice("say of any factor model", "q5", questions=("No like with like",)),
        Practice("show why weights", "q1", questions=("A list of names grows old",)),
        Practice("compute the weights", "q3"),
        Practice("say when instrumented PCA", "q2"),
        Practice("name the price", "q4 q5"),
    ),
    "conditional_autoencoder": (
        Practice("draw the two networks", "q1 q7", "3.1"),
        Practice("say why one Dense layer", "q2", questions=("What does a new ticker cost?",)),
        Practice("write `make_model`", "q6 q7"),
        Practice("tell a target", "q5"),
        Practice("find four mistakes", "q1 q3 q4 q6", "3.2", ("Three slips",)),
    ),
    "training_and_reading": (
        Practice("train the conditional autoencoder", "q1 q2"),
        Practice("say what the Factor network"),
        Practice("lay the learned sensitivities", "q2", questions=("A correlation of 0.05",)),
        Practice("put the regression", "q4 q5"),
        Practice("compare models", "q3 q5", "3.5"),
    ),
    "the_recipe": (
        Practice("write the objective", "q1", questions=("What the penalty sees",)),
        Practice("choose its strength", "q2 q5"),
        Practice("say what an ensemble", "q3 q4"),
        Practice("say what each ingredient", "q4", questions=("How many seeds?",)),
        Practice("say what the penalty has to count", "q6"),
    ),
    "the_laboratory": (
        Practice("run the paper's experiment", "q4"),
        Practice("compare two models", "q1 q3", questions=("Market by market",)),
        Practice("say why one market", "q2"),
        Practice("keep two questions apart", homework="3.5"),
        Practice("say when a network", "q4", "3.5"),
    ),
    "predicting_returns": (
        Practice("say of every quantity", "q3", "3.3", ("One index too far",)),
        Practice("turn any factor model", "q1 q2", "3.3"),
        Practice("walk forward", "q3", "3.4"),
        Practice("judge a forecast", "q4 q5", questions=("Right order, wrong size",)),
        Practice("predict real portfolios", "q6", "3.6"),
    ),
    "the_leakage_clinic": (
        Practice("build a market", "q8"),
        Practice(
            "recognise six leaks", "q1 q2 q3 q4 q5 q6", "3.4 3.6", ("Which of these look ahead?", "Rows at random")
        ),
        Practice("choose among many", "q7", "3.6", ("The luckiest of many",)),
    ),
    "money_and_significance": (
        Practice("say what a predictive R²", "q1 q2", questions=("How many bets?",)),
        Practice("form portfolios", "q3", questions=("The price of speed",)),
        Practice("count discoveries", "q4 q6"),
        Practice("say how far a network's", "q5"),
    ),
    "what_matters": (
        Practice("measure the importance", "q1 q2 q3", questions=("Two instruments for one thing",)),
        Practice("turn the weights", "q4"),
        Practice("say which parts", "q3 q4"),
        Practice("feed a network", "q5"),
    ),
    "risk_or_characteristics": (
        Practice("compute pricing errors", "q1 q3"),
        Practice("derive the test", "q2", questions=("One test for all alphas",)),
        Practice("add an anomaly term", "q5"),
        Practice("tell a conditional", "q4", questions=("An α that β has made",)),
    ),
    "covariance_and_hedging": (
        Practice("make a covariance matrix", "q1 q2", questions=("A promise of no risk",)),
        Practice("compare four estimates", "q4"),
        Practice("hedge AAPL", "q3", questions=("How much to sell",)),
        Practice("judge a hedge", "q3"),
    ),
    "your_own_files": (
        Practice("read a CSV", "q1 q5", questions=("One line to shift",)),
        Practice("rank characteristics", "q3"),
        Practice("say what it costs", "q3", questions=("Those who are left",)),
        Practice("make characteristics", "q2 q4"),
    ),
    "real_stocks": (
        Practice("say what a list"),
        Practice("judge all models", "q1 q2 q3", questions=("A stock in its own company",)),
        Practice("say what a result", "q2 q5", questions=("What may be said",)),
        Practice("forecast a month", "q4"),
    ),
    "let_others_judge": (
        Practice("say what a common task", "q5"),
        Practice("test a script", "q1 q2 q3"),
        Practice("turn a model", "q4"),
        Practice("say what may be said", "q5", questions=("A place on the board",)),
    ),
}
