"""The quiz on a screen: a letter ticks a choice, enter answers, and then it is explained."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ecs_fsm.play.screens import LEAVE
from ecs_fsm.teach.question import Question


class Quiz:
    """Questions that are answered one after the other, and the score."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = questions
        self.number = 0
        self.score = 0
        self.ticked: set[int] = set()
        self.answered = False

    @property
    def over(self) -> bool:
        """Whether there is no question left."""
        return self.number == len(self.questions)

    @property
    def right(self) -> bool:
        """Whether exactly the right choices are ticked."""
        return self.ticked == set(self.questions[self.number].answers)

    def tick(self, choice: int) -> None:
        """Tick a choice or untick it; of a question with one answer only the last stays."""
        question = self.questions[self.number]
        if self.answered or choice >= len(question.choices):
            return
        several = question.several
        self.ticked = self.ticked ^ {choice} if several else {choice}

    def go_on(self) -> None:
        """Answer with what is ticked, or go on to the next question."""
        if self.answered:
            self.number, self.ticked, self.answered = self.number + 1, set(), False
        elif self.ticked:
            self.answered = True
            self.score += self.right

    def text(self) -> str:
        """What is to be read now."""
        if self.over:
            return f"{self.score} of {len(self.questions)} right."
        question = self.questions[self.number]
        lines = [question.text, ""]
        for number, choice in enumerate(question.choices):
            box = "[x]" if number in self.ticked else "[ ]"
            right = "  ← right" if self.answered and number in question.answers else ""
            lines.append(f"  {ascii_lowercase[number]} {box} {choice}{right}")
        if self.answered:
            lines += ["", "Right." if self.right else "Not right.", question.explanation]
        return "\n".join(lines)

    def keys(self) -> str:
        """What can be pressed now."""
        if self.over:
            return "escape goes back"
        if self.answered:
            return "enter goes on, escape goes back"
        return "a letter ticks, enter answers, escape goes back"


class QuizScreen(ModalScreen[None]):
    """Asks the questions of a quiz."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, quiz: Quiz) -> None:
        super().__init__()
        self.quiz = quiz

    def compose(self) -> ComposeResult:
        """The score, the question in a part that scrolls, the keys."""
        yield Static(id="asked", markup=False)
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
        title = f"Question {at} of {len(quiz.questions)}, {quiz.score} right so far"
        self.query_one("#asked", Static).update(title)
        self.query_one("#question", Static).update(quiz.text())
        self.query_one(".keys", Static).update(quiz.keys())
