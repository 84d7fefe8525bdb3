"""How fast a browser is on this machine, so that limits in milliseconds mean the same everywhere."""

from __future__ import annotations

from playwright.sync_api import Page

WORK = """() => {
  const began = performance.now();
  const held = document.createElement("div");
  for (let n = 0; n < 3000; n++) {
    const row = document.createElement("p");
    row.textContent = `row ${n * n}`;
    held.append(row);
  }
  document.body.append(held);
  held.getBoundingClientRect();
  held.remove();
  return performance.now() - began; }"""
USUAL = 25.0
"""Milliseconds that the work takes where the limits of the tests were set."""


def slowness(page: Page) -> float:
    """How many times longer than there a page takes here, 1 at least."""
    quickest: float = min(page.evaluate(WORK) for _ in range(7))
    return max(1.0, quickest / USUAL)
