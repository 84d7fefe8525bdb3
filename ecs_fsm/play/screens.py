"""The screens beside the main one: a choice of several things, and a text to scroll through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

LEAVE: list[BindingType] = [Binding("escape,q", "dismiss(None)", "back", show=False)]


class ChoiceScreen(ModalScreen[str | None]):
    """Asks for one of several things; escape gives None. An option is its name and its text."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, title: str, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._options = options

    def compose(self) -> ComposeResult:
        """A line that says what is asked, and the options."""
        yield Static(self._title, id="asked", markup=False)
        yield OptionList(*(text for _, text in self._options), markup=False)
        yield Static("↑↓ and enter choose, escape goes back", classes="keys", markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give back the name of what was chosen."""
        event.stop()
        self.dismiss(self._options[event.option_index][0])


class TextScreen(ModalScreen[None]):
    """A text to read, with what to press to leave it."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """A title, and the text in a part that scrolls."""
        yield Static(self._title, id="asked", markup=False)
        with VerticalScroll():
            yield Static(self._text, markup=False)
        yield Static("↑↓ scroll, escape goes back", classes="keys", markup=False)
