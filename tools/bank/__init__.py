"""Questions for exams and quizzes, a module for each part of the course: `make questions`.

`question` says what a question is; each other module ends in its tuple QUESTIONS; `tools.questions` is the command.
"""
