"""The screens on top of the main one: a choice, a text to scroll through, and the quiz."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from ecs_fsm.teach.question import Question

LEAVE: list[BindingType] = [Binding("escape,q", "dismiss(None)", "back", show=False)]


class ChoiceScreen(ModalScreen[str | None]):
    """A choice of one option, each a name and its text; escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, title: str, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._options = options

    def compose(self) -> ComposeResult:
        """Show the question above the options."""
        yield Static(self._title, id="heading", markup=False)
        yield OptionList(*(text for _, text in self._options), markup=False)
        yield Static("↑↓ and enter choose, escape goes back", classes="keys", markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Dismiss the screen with the name of the selected option."""
        event.stop()
        self.dismiss(self._options[event.option_index][0])


class TextScreen(ModalScreen[None]):
    """A text to scroll through."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Show the title above the scrollable text."""
        yield Static(self._title, id="heading", markup=False)
        with VerticalScroll():
            yield Static(self._text, markup=False)
        yield Static("↑↓ scroll, escape goes back", classes="keys", markup=False)


class Quiz:
    """Questions that are answered one after the other, with the score."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = questions
        self.number = 0
        self.score = 0
        self.ticked: set[int] = set()
        self.answered = False

    @property
    def over(self) -> bool:
        """Whether all questions are answered."""
        return self.number == len(self.questions)

    @property
    def right(self) -> bool:
        """Whether exactly the correct choices are ticked."""
        return self.ticked == set(self.questions[self.number].answers)

    def tick(self, choice: int) -> None:
        """Toggle a choice; a question with one answer keeps only the last one."""
        question = self.questions[self.number]
        if self.answered or choice >= len(question.choices):
            return
        several = question.several
        self.ticked = self.ticked ^ {choice} if several else {choice}

    def go_on(self) -> None:
        """Answer with the ticked choices, or go on to the next question."""
        if self.answered:
            self.number, self.ticked, self.answered = self.number + 1, set(), False
        elif self.ticked:
            self.answered = True
            self.score += self.right

    def text(self) -> str:
        """Return the question, or after the last one the score."""
        if self.over:
            return f"{self.score} of {len(self.questions)} correct."
        question = self.questions[self.number]
        lines = [question.text, ""]
        for number, choice in enumerate(question.choices):
            box = "[x]" if number in self.ticked else "[ ]"
            right = "  ← correct" if self.answered and number in question.answers else ""
            lines.append(f"  {ascii_lowercase[number]} {box} {choice}{right}")
        if self.answered:
            ticked = [question.mistakes[n] for n in sorted(self.ticked) if question.mistakes]
            wrong = [text for text in ticked if text]
            said = ["Correct." if self.right else "Wrong.", *wrong, question.explanation]
            lines += ["", *said]
        return "\n".join(lines)

    def keys(self) -> str:
        """Return the keys that work now."""
        if self.over:
            return "escape goes back"
        if self.answered:
            return "enter goes on, escape goes back"
        return "a letter ticks, enter answers, escape goes back"


class QuizScreen(ModalScreen[None]):
    """The screen that asks the questions of a quiz."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, quiz: Quiz) -> None:
        super().__init__()
        self.quiz = quiz

    def compose(self) -> ComposeResult:
        """Show the score, the scrollable question and the keys."""
        yield Static(id="heading", markup=False)
        with VerticalScroll():
            yield Static(id="question", markup=False)
        yield Static(classes="keys", markup=False)

    def on_mount(self) -> None:
        """Show the first question."""
        self._show()

    def on_key(self, event: events.Key) -> None:
        """Tick with a letter, answer and go on with enter."""
        if self.quiz.over:
            return
        if event.key == "enter":
            self.quiz.go_on()
        elif event.character and event.character in ascii_lowercase[:5]:
            self.quiz.tick(ascii_lowercase.index(event.character))
        self._show()

    def _show(self) -> None:
        quiz = self.quiz
        at = min(quiz.number + 1, len(quiz.questions))
        title = f"Question {at} of {len(quiz.questions)}, {quiz.score} correct so far"
        self.query_one("#heading", Static).update(title)
        self.query_one("#question", Static).update(quiz.text())
        self.query_one(".keys", Static).update(quiz.keys())
