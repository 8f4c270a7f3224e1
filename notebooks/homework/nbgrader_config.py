"""What nbgrader is told about the homework.

`make homework` copies this file into the course folder once; the copy is yours.

All options: https://nbgrader.readthedocs.io/en/stable/configuration/config_options.html
"""

import warnings

c = get_config()  # noqa: F821, nbgrader brings it along

c.CourseDirectory.course_id = "factor-models"

# What stands in a student's notebook in the place of an answer. The dots are those of the lessons' exercises.
c.ClearSolutions.code_stub = {"python": "...  # your code"}
c.ClearSolutions.text_stub = "Write your answer here."

# Remarks of the database on itself.
warnings.filterwarnings("ignore", message="Object of type .* not in session")
