"""Homework, graded where a submission can neither read nor change anything: `make grade`.

`sandbox` starts a process that sees no answers; `worker` runs a student's cells in it; `submission` is that process as
the grader sees it; `wire` is what the two say to each other; `judge` runs the tests in the grader's own process;
`report` writes what came of it; `tools.grade` is the command.
"""
