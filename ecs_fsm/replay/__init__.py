"""From observations to the events that explain them."""
