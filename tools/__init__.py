"""What maintainers run: `refresh` stores the notebooks anew, `homework` builds what students get."""
