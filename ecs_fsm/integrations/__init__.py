"""The package inside other tools: what a notebook shows."""
