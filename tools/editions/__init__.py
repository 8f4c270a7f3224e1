"""The editions of the course, each built from the repository itself: student, instructor, slides, site."""
