"""What the site is made of besides the lessons: its configuration, generated pages, style and reading list."""
