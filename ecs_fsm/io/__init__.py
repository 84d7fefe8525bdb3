"""Reading TOML, writing files whole, and printing to a terminal."""
