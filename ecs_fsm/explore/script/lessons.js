// @ts-check
// Lessons: each step is done with the ordinary buttons, and checked.

/** @param {Lesson} lesson */
function lessonStart(lesson) {
  return lesson.start === null
    ? null
    : { state: machine.state(lesson.start), facts: lesson.remember };
}

// How many steps of a lesson are done; the event of each follows that of the step before it.
/** @param {Lesson} lesson */
function stepsDone(lesson) {
  const { from } = view.run;
  if ((from?.state.name ?? null) !== lesson.start) return 0;
  let done = 0;
  for (const { event, node } of story.moments.slice(1)) {
    const step = lesson.steps[done];
    if (!step) break;
    if (!event || !node) continue;
    const same = event.trigger?.name === step.do.trigger;
    const given = Object.entries(step.do.given ?? {}).every(
      ([name, value]) =>
        event.given?.[name] === value || (event.trigger?.given[name] ?? null) === value,
    );
    if (same && given && node.state.name === step.state) done += 1;
  }
  return done;
}

/** @param {Lesson} lesson */
function beginLesson(lesson) {
  pause();
  change({ lesson: lesson.name, run: newRun(lessonStart(lesson)), tab: TABS[0] });
  say(`Lesson: ${lesson.title}. ${lesson.introduction}`);
  byId("task").focus();
}

function leaveLesson() {
  change({ lesson: null, tab: LESSONS_TAB });
  byId("panel-lessons").focus();
}

function stepItem(step, place, done) {
  const state = place < done ? "done" : place === done ? "now" : "later";
  return element(
    "li",
    { class: `step-${state}`, "aria-current": state === "now" ? "step" : null },
    element("p", {}, step.text),
    state === "done" ? element("p", { class: "learned" }, `Done. ${step.then}`) : null,
  );
}

/** @param {Lesson} lesson */
function lessonView(lesson) {
  const done = stepsDone(lesson);
  return [
    element("h3", {}, lesson.title),
    element("p", {}, lesson.introduction),
    element(
      "ol",
      { class: "steps" },
      ...lesson.steps.map((step, place) => stepItem(step, place, done)),
    ),
    done === lesson.steps.length
      ? element("p", { class: "good", id: "lesson-done" }, "Lesson completed.")
      : null,
    done === lesson.steps.length && lesson.questions?.length
      ? element("ol", { id: "lesson-questions" }, ...lesson.questions.map(lessonQuestion))
      : null,
    element(
      "p",
      { class: "buttons" },
      button("Restart this lesson", () => beginLesson(lesson)),
      button("All lessons", leaveLesson),
    ),
  ].filter((shownPart) => shownPart !== null);
}

function lessonList() {
  if (!CONTENT.lessons.length) return [element("p", {}, "This page has no lessons.")];
  return [
    element(
      "ol",
      { class: "lessons" },
      ...CONTENT.lessons.map((lesson) =>
        element(
          "li",
          {},
          button(lesson.title, () => beginLesson(lesson)),
          " ",
          lesson.introduction,
        ),
      ),
    ),
  ];
}

// Why the last event was not the next step, with a hint; "" if there is nothing to say.
/** @param {Lesson} lesson */
function amissText(lesson, done) {
  const step = lesson.steps[done];
  const trigger = step && machine.triggerNamed.get(step.do.trigger);
  if (!step || !trigger) return "";
  const refused = story.obstacle(trigger) !== null;
  const why = refused
    ? refusedStep(trigger)
    : `The ${THING} must get to ${step.state} by another event.`;
  return `This is not the step of the lesson. ${why} Hint: ${step.hint || trigger.meaning} Undo takes it back.`;
}

/** @param {Trigger} trigger */
function refusedStep(trigger) {
  const outcome = machine.outcome(trigger, story.node);
  return outcome.refused
    ? `The next step is refused from here, because ${outcome.refused.reason}.`
    : "The next step is impossible while this one hangs.";
}

function lessonAnswer(question, place, verdict) {
  const right = question.answers.includes(place);
  const choice = question.choices[place];
  verdict.textContent = right
    ? `Right: ${choice}. ${question.explanation}`
    : `Not right: ${choice}. Try again.`;
  verdict.className = right ? "good" : "bad";
}

/** @param {QuizQuestion} question */
function lessonQuestion(question) {
  const verdict = element("p", { role: "status" });
  return element(
    "li",
    {},
    element("p", {}, question.text),
    element(
      "p",
      { class: "buttons" },
      ...question.choices.map((text, place) =>
        button(text, () => lessonAnswer(question, place, verdict)),
      ),
    ),
    verdict,
  );
}

// What a lesson offers beside its step: to leave it, and its questions at the end.
/** @param {Lesson} lesson */
function leaveButton(lesson, done) {
  const over = done === lesson.steps.length && lesson.questions?.length;
  return over
    ? button("Answer its questions", () => openTab(LESSONS_TAB, true), { class: "main" })
    : button("Leave the lesson", leaveLesson);
}

let shownLesson = "?";
// Whether the panel shows this lesson; it is filled when it is opened.
let filled = false;

let before = { lesson: "", done: 0, events: 0 };

part(() => {
  const lesson = CONTENT.lessons.find(({ name }) => name === view.lesson);
  const done = lesson ? stepsDone(lesson) : 0;
  const events = view.run.at;
  const wrong = lesson && before.lesson === lesson.name && done <= before.done && events > before.events;
  byId("amiss").textContent = wrong ? amissText(lesson, done) : "";
  byId("amiss").hidden = !wrong;
  before = { lesson: lesson?.name ?? "", done, events };
  const now = lesson ? `${lesson.name} ${done}` : "";
  const opened = view.tab === LESSONS_TAB;
  if (now === shownLesson && (filled || !opened)) return;
  shownLesson = now;
  filled = opened;
  if (opened) byId("panel-lessons").replaceChildren(...(lesson ? lessonView(lesson) : lessonList()));
  const task =
    lesson && (done < lesson.steps.length ? lesson.steps[done].text : "Lesson completed.");
  byId("task").hidden = !lesson;
  byId("task").replaceChildren(...(lesson ? [`${lesson.title}: ${task} `, leaveButton(lesson, done)] : []));
  byId("learned").textContent = lesson && done ? lesson.steps[done - 1].then : "";
});
