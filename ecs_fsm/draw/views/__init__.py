"""What can be drawn: a module for each view, found by its name.

Each has `picture(asked)`, whose docstring is what the command line says of it.
"""
