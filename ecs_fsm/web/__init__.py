"""What the explorer page and the live page share: styles, scripts, the lifecycle as data."""
