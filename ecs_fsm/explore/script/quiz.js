// @ts-check
// The quiz: a seed chooses questions from the bank, as `ecs-fsm quiz` does on paper.

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function chosenQuestions(bank, seed, count) {
  const draw = mulberry32(seed);
  const order = [...bank.keys()];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, count).map((place) => bank[place]);
}

const isRight = (question, answer) =>
  answer.length === question.answers.length &&
  question.answers.every((choice) => answer.includes(choice));

/** @param {QuizRun | null} quiz */
function putQuiz(quiz) {
  change({ quiz });
  byId("panel-quiz").focus();
}

function beginQuiz(seed, count) {
  putQuiz({ seed, count, place: 0, answers: [] });
}

function numberField(label, value, most) {
  const input = element("input", { type: "number", min: 0, max: most, value });
  return { input, field: element("label", { class: "field" }, element("span", {}, label), input) };
}

function quizStart() {
  if (!CONTENT.quiz.length) return [element("p", {}, "This page has no questions.")];
  const seed = numberField("Seed", 7, 4294967295);
  const count = numberField("Questions", Math.min(10, CONTENT.quiz.length), CONTENT.quiz.length);
  const begin = () => {
    const [first, second] = [seed, count].map(({ input }) => Math.floor(Number(input.value)));
    beginQuiz(
      Math.min(Math.max(first || 0, 0), 4294967295),
      Math.min(Math.max(second || 1, 1), CONTENT.quiz.length),
    );
  };
  return [
    element("p", {}, "A seed gives the same questions here and on paper."),
    element(
      "div",
      { class: "row" },
      seed.field,
      count.field,
      button("Begin", begin, { class: "main" }),
    ),
  ];
}

function answerQuestion(answer) {
  const { quiz } = view;
  if (!quiz) return;
  const answers = [...quiz.answers.slice(0, quiz.place), answer];
  change({ quiz: { ...quiz, answers } });
  const question = chosenQuestions(CONTENT.quiz, quiz.seed, quiz.count)[quiz.place];
  say(
    `${isRight(question, answer) ? "Right." : "Not right."} ${question.explanation}`,
    !isRight(question, answer),
  );
  byId("quiz-next").focus();
}

function choiceRow(question, choiceText, place, answer) {
  const several = question.answers.length !== 1;
  const given = answer !== undefined;
  const mark =
    given && question.answers.includes(place)
      ? " ✓ right"
      : given && answer.includes(place)
        ? " ✗ not right"
        : "";
  return element(
    "label",
    { class: "option" },
    element("input", {
      type: several ? "checkbox" : "radio",
      name: "choice",
      value: place,
      disabled: given,
      checked: given && answer.includes(place),
    }),
    element("span", {}, choiceText, element("b", {}, mark)),
  );
}

/** @param {QuizQuestion} question @param {QuizRun} quiz */
function questionView(question, quiz) {
  const { place, count, answers } = quiz;
  const answer = answers[place];
  const form = element(
    "form",
    { id: "question" },
    element(
      "fieldset",
      {},
      element("legend", {}, `${place + 1} of ${count}: ${question.text}`),
      ...question.choices.map((text, n) => choiceRow(question, text, n, answer)),
    ),
    answer === undefined ? element("button", { class: "main" }, "Answer") : null,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answerQuestion([...form.getElementsByTagName("input")].filter(({ checked }) => checked).map(({ value }) => Number(value)));
  });
  const after =
    answer === undefined
      ? []
      : [
          element(
            "p",
            { class: isRight(question, answer) ? "good" : "bad" },
            `${isRight(question, answer) ? "Right." : "Not right."} ${question.explanation}`,
          ),
          button(
            place + 1 < count ? "Next question" : "Show the score",
            () => putQuiz({ ...quiz, place: place + 1 }),
            { id: "quiz-next", class: "main" },
          ),
        ];
  return [form, ...after];
}

/** @param {QuizRun} quiz */
function quizView(quiz) {
  const questions = chosenQuestions(CONTENT.quiz, quiz.seed, quiz.count);
  const right = quiz.answers.filter((answer, place) => isRight(questions[place], answer)).length;
  const shown =
    quiz.place < quiz.count
      ? questionView(questions[quiz.place], quiz)
      : [
          element("p", { class: "score" }, `${right} of ${quiz.count} correct.`),
          button("Another quiz", () => beginQuiz((quiz.seed + 1) % 4294967296, quiz.count)),
        ];
  return [
    ...shown,
    element(
      "p",
      { class: "note" },
      `Seed ${quiz.seed}; ${right} correct so far. `,
      button("Leave the quiz", () => putQuiz(null)),
    ),
  ];
}

part((before) => {
  if (before.quiz === view.quiz) return;
  byId("panel-quiz").replaceChildren(...(view.quiz ? quizView(view.quiz) : quizStart()));
});
