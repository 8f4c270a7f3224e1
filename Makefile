# The commands of the course. GNU make 3.81 (macOS) and any POSIX shell are enough; Windows uses `uv run` instead (docs/students.md).
PYTHON = .venv/bin/python

help:
	@echo 'make lab      opens the course in JupyterLab; hand arguments on with make lab ARGS="--no-browser --port 9999"'
	@echo 'make test     runs the tests, notebooks included; one of them with make test ARGS="tests/test_environment.py"'
	@echo 'make update   brings in the newest edition, and keeps what you wrote'
	@echo 'make fresh    puts a clean copy of a lesson beside yours: make fresh LESSON=05'
# not for students: begin
	@echo 'make extras   runs the tests that need a browser, a sandbox for what students wrote, or a hub'
	@echo 'make refresh  executes all notebooks again and stores what they print and draw'
	@echo 'make homework builds, for instructors, the homework that students get, in the folder homework/ or ARGS=another'
	@echo 'make questions writes, for instructors, exam questions and their answers: make questions SEED=2027'
	@echo 'make grade    grades, for instructors, what students handed in: make grade FOLDER=../downloads'
	@echo 'make editions builds all editions below, in build/; make editions ARGS=--check says which are stale'
	@echo 'make slides   builds, for lecturers, a deck of slides with notes for each lesson, in build/slides or ARGS=another'
	@echo 'make site     builds the course as web pages, and one PDF, in build/site or ARGS=another/folder'
	@echo 'make badges   puts links to Binder and Colab into README and lessons: make badges REPOSITORY=owner/name'
	@echo 'make student  builds what students get, without answers: make student FOLDER=../course-2027 SEED=2027'
	@echo 'make instructor builds all of it as a git repository of its own: make instructor FOLDER=../my-course'
# not for students: end
	@echo 'make clean    removes .venv, caches and build/ with the editions in it, but not homework/ nor yours/'

# The first lesson, in a JupyterLab that shows notebooks/ and asks a student nothing about its own news and updates.
# .jupyter/ keeps the buttons and panels of nbgrader, an instructor's tool, out of it.
# It refuses root unless told (containers). Without a display it would start a text browser, which takes over the terminal.
# The browser gets the address itself, not a page on disk that redirects: Ubuntu's Firefox may not read that page.
lab: environment
	@options=; \
	[ "$$(id -u)" -ne 0 ] || options=--allow-root; \
	[ "$$(uname)" = Darwin ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY$$BROWSER" ] || options="$$options --no-browser"; \
	export JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}"; \
	exec $(PYTHON) -m jupyterlab --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/00_start_here.ipynb \
	    --ServerApp.use_redirect_file=False --LabApp.news_url=None \
	    --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $$options $(ARGS)

test: everything
	@$(PYTHON) -m pytest $(ARGS)

# What a student has written stays; LESSON is a number, such as 05.
update: environment
	@$(PYTHON) -m tools.update update

fresh: environment
	@$(PYTHON) -m tools.update fresh "$(LESSON)"

# not for students: begin
extras: everything
	@$(PYTHON) -m pytest -m extra tests/test_browser.py tests/test_accessibility.py tests/test_playground.py \
	    tests/test_grading.py tests/test_hub.py tests/test_student.py tests/test_slides_shown.py tests/test_site_built.py \
	    $(ARGS)

refresh: everything
	@$(PYTHON) -m tools.refresh $(ARGS)

homework: everything
	@$(PYTHON) tools/homework.py $(if $(SEED),--seed "$(SEED)") $(ARGS)

questions: everything
	@$(PYTHON) tools/questions.py $(if $(SEED),--seed "$(SEED)") $(ARGS)

# FOLDER is what came in, a folder or a zip, without it what is collected; DUE, when it was to be there.
grade: everything
	@$(PYTHON) tools/grade.py $(if $(FOLDER),"$(FOLDER)") $(if $(DUE),--due "$(DUE)") $(ARGS)

editions: everything
	@$(PYTHON) -m tools.editions $(ARGS)

slides: everything
	@$(PYTHON) -m tools.editions.slides $(ARGS)

site: everything
	@$(PYTHON) -m tools.editions.site $(ARGS)

badges: everything
	@$(PYTHON) -m tools.badges "$(REPOSITORY)"

# A git repository in FOLDER, without it in build/; each build is one commit on top of the one before.
student: everything
	@$(PYTHON) -m tools.editions.student $(if $(SEED),--seed "$(SEED)") $(if $(FOLDER),"$(FOLDER)") $(ARGS)

instructor: everything
	@$(PYTHON) -m tools.editions.instructor $(if $(FOLDER),"$(FOLDER)") $(ARGS)

# not for students: end
environment:
	@sh environment.sh course

everything:
	@sh environment.sh everything

clean:
	@rm -rf .venv/.made .venv .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage build dist *.egg-info
	@find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

.PHONY: help lab test update fresh environment everything clean
# not for students: begin
.PHONY: extras refresh homework questions grade editions slides site badges student instructor
# not for students: end
