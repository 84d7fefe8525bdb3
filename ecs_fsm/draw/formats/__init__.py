"""What a picture can be made into: a module for each format, found by its name.

Each has `render(picture, theme, program)`, which gives text or bytes, the `ENDINGS` of its files,
and whether it is `TEXT` for a person.
"""
