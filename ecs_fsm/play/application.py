"""The application: possible events on the left, the lanes and the history on the right."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from ecs_fsm.core.errors import InvalidInput, Refused, UnknownFact
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.play import texts
from ecs_fsm.play.screens import ChoiceScreen, Quiz, QuizScreen, TextScreen
from ecs_fsm.play.session import Choice, Session
from ecs_fsm.teach.lesson import Lesson, find
from ecs_fsm.teach.question import Question

FREE = ""
"""The name of the option without a lesson."""


class Play(App[None]):
    """The terminal application in which keys trigger the events of one server."""

    CSS_PATH = "play.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,space", "next", "next"),
        Binding("u", "undo", "undo"),
        Binding("r", "redo", "redo"),
        Binding("x", "begin_anew", "begin anew"),
        Binding("h", "history", "history"),
        Binding("l", "lessons", "lessons"),
        Binding("z", "quiz", "quiz"),
        Binding("question_mark,f1", "help", "help"),
        Binding("q,ctrl+q", "quit", "quit"),
        *(Binding(str(n), f"possible({n})", show=False) for n in range(1, 10)),
    ]

    def __init__(
        self, lifecycle: Lifecycle, lessons: Sequence[Lesson], questions: Sequence[Question]
    ) -> None:
        super().__init__()
        self.session = Session(lifecycle)
        self._lessons = tuple(lessons)
        self._questions = questions
        self._choices: list[Choice] = []
        self._message = texts.welcome(lifecycle)
        self._one = Lock()

    def compose(self) -> ComposeResult:
        """Show the attributes at the top, the keys at the bottom."""
        yield Static(id="attributes", markup=False)
        with Horizontal(id="middle"):
            yield OptionList(id="choices", markup=False)
            with Vertical(id="sight"):
                yield Static(id="picture", markup=False)
                yield Static(id="way", markup=False)
                yield Static(id="history", markup=False)
        with VerticalScroll(id="said"):
            yield Static(id="message", markup=False)
        yield Static(texts.KEYS, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Show the empty start."""
        self.show()
        self.query_one("#choices").focus()

    def show(self) -> None:
        """Refresh the whole screen."""
        session = self.session
        self._choices = session.choices()
        self._put("attributes", self._toned(texts.attributes(session)))
        self._put("picture", self._toned(texts.lanes(session.lifecycle, session.state)))
        self._put("way", self._toned(texts.way(session)))
        self._put("history", self._toned(texts.last_changes(session)))
        self._put("message", Content(self._message))
        listed = self.query_one("#choices", OptionList)
        listed.clear_options()
        for choice, line in zip(self._choices, texts.listed(self._choices), strict=True):
            listed.add_option(Content.styled(line, "dim" if choice.why else ""))
        listed.highlighted = 0

    def _put(self, name: str, text: Content) -> None:
        self.query_one(f"#{name}", Static).update(text)

    def _toned(self, text: str) -> Content:
        """Return a text in which statuses have the colours that they have in pictures."""
        shown = Content(text)
        for start, end, colours in texts.tones(self.session.lifecycle, text):
            shown = shown.stylize(colours, start, end)
        return shown

    def say(self, text: str) -> None:
        """Show a message at the bottom, with the next step of the lesson."""
        self._message = texts.with_step(text, self.session)
        self.show()
        self.query_one("#said", VerticalScroll).scroll_home(animate=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Trigger the selected event."""
        self.happen(self._choices[event.option_index].name)

    def action_possible(self, number: int) -> None:
        """Trigger the possible event with that number."""
        possible = [choice.name for choice in self._choices if choice.why is None]
        if number <= len(possible):
            self.happen(possible[number - 1])

    def action_next(self) -> None:
        """Let the system finish one step; create a server if there is none."""
        lifecycle = self.session.lifecycle
        nothing = self.session.state is None
        self.happen(lifecycle.creation.trigger if nothing else lifecycle.advance)

    @work
    async def happen(self, trigger: str) -> None:
        """Trigger an event after asking for the facts that it depends on; one event at a time."""
        async with self._one:
            why = {choice.name: choice.why for choice in self._choices}[trigger]
            if why:
                self.say(texts.refused(self.session, trigger, why))
                return
            given: dict[str, str] = {}
            for fact, usual in self.session.questions(trigger).items():
                value = await self._ask(trigger, fact, usual)
                if value is None:
                    return
                if value:
                    given[fact] = value
            await self._do(trigger, given)

    async def _do(self, trigger: str, given: dict[str, str]) -> None:
        while True:
            before = len(self.session.point.changes)
            try:
                done = self.session.do(trigger, given)
            except UnknownFact as unknown:
                value = await self._ask(trigger, unknown.fact, unknown.values[0])
                if value is None:
                    return
                if not self.session.learn(unknown, value):
                    given[unknown.fact] = value
            except (Refused, InvalidInput) as error:
                self.say(str(error))
                return
            else:
                self.say(texts.happened(self.session, trigger, before, done=done))
                return

    async def _ask(self, trigger: str, fact: str, usual: str | None) -> str | None:
        memory = self.session.lifecycle.memory
        options = texts.values(memory.values(fact), fact, usual)
        title = f"{trigger} depends on {fact}. {memory.fact(fact).meaning}"
        return await self.push_screen_wait(ChoiceScreen(title, options))

    def action_undo(self) -> None:
        """Undo one event."""
        self.say("Undone." if self.session.undo() else "There is nothing to undo.")

    def action_redo(self) -> None:
        """Redo the event that was undone last."""
        self.say("Redone." if self.session.redo() else "There is nothing to redo.")

    def action_begin_anew(self) -> None:
        """Restart the lesson, or start without a server."""
        self._begin(self.session.lesson)

    def action_history(self) -> None:
        """Show the whole history."""
        self.push_screen(TextScreen("History", texts.history(self.session)))

    def action_help(self) -> None:
        """Show the help."""
        self.push_screen(TextScreen("Keys", texts.help_text(self.session.lifecycle)))

    def action_quiz(self) -> None:
        """Start the quiz, or ask the questions of the lesson that is complete."""
        lesson = self.session.lesson
        if lesson and lesson.questions and self.session.step is None:
            self.push_screen(QuizScreen(Quiz(lesson.questions)))
            return
        if not self._questions:
            self.say("The lifecycle is too small to ask questions about.")
            return
        self.push_screen(QuizScreen(Quiz(self._questions)))

    @work
    async def action_lessons(self) -> None:
        """Ask for a lesson and start it."""
        if not self._lessons:
            self.say("There are no lessons; --lessons DIR brings some.")
            return
        options = [(lesson.name, lesson.title) for lesson in self._lessons]
        screen = ChoiceScreen("Lessons", [*options, (FREE, "No lesson: play freely")])
        name = await self.push_screen_wait(screen)
        if name is not None:
            self._begin(find(self._lessons, name) if name else None)

    def _begin(self, lesson: Lesson | None) -> None:
        self.session.restart(lesson)
        self.say(lesson.introduction if lesson else texts.welcome(self.session.lifecycle))
