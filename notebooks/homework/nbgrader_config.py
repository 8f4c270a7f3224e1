"""What nbgrader is told about the homework.

`make homework` copies this file into the course folder once; the copy is yours.

All options: https://nbgrader.readthedocs.io/en/stable/configuration/config_options.html
"""

import os
import warnings

c = get_config()  # noqa: F821, nbgrader brings it along

c.CourseDirectory.course_id = "factor-models"

# What stands in a student's notebook in the place of an answer. The dots are those of the lessons' exercises.
c.ClearSolutions.code_stub = {"python": "...  # your code"}
c.ClearSolutions.text_stub = "Write your answer here."

# Seconds that one cell may take. The slowest one, which loads TensorFlow, takes 10 to 20 where the machine is busy. An
# endless loop is stopped after this time, once in each cell that runs into it.
c.Execute.timeout = 120

# A test that a student has deleted is put back.
c.OverwriteCells.add_missing_cells = True

# A test that writes to stderr gets no points, so a mere warning must not be written. (Students see it when they work.)
os.environ["PYTHONWARNINGS"] = "ignore"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

# Remarks of the database and of the kernels on themselves.
warnings.filterwarnings("ignore", message="Object of type .* not in session")
c.Execute.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
