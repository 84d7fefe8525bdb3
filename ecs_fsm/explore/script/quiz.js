// @ts-check
// The quiz: a seed chooses questions from the bank, as `ecs-fsm quiz` does on paper.

// The end of a question that may have several right answers.
const TICK = "Tick all that are right.";
const HARD = "hard";
const LEVELS = ["easy", HARD];

// What the kinds of questions are called here; a kind without a name keeps its own.
const KIND_NAMES = {
  status: "what it says",
  shows: "where it can be",
  next: "the next state",
  failure: "a failed step",
  system: "what happens unasked",
  refused: "what is refused",
  why: "why it is refused",
  leads: "what leads there",
  seen: "what a poller sees",
  hangs: "a hanging step",
};

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(number, draw) {
  const order = [...Array(number).keys()];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** @param {QuizQuestion} question @param {number[]} order @returns {QuizQuestion} */
function inOrder(question, order) {
  const { choices, answers, mistakes } = question;
  return {
    ...question,
    choices: order.map((place) => choices[place]),
    answers: [...order.keys()].filter((place) => answers.includes(order[place])),
    mistakes: order.map((place) => mistakes[place] ?? ""),
  };
}

/** @param {QuizQuestion[]} bank */
function chosenQuestions(bank, seed, count) {
  const draw = mulberry32(seed);
  return shuffled(bank.length, draw)
    .slice(0, count)
    .map((place) => inOrder(bank[place], shuffled(bank[place].choices.length, draw)));
}

// The questions that fit: about a topic, of a kind, of a level; "" stands for all.
/** @returns {QuizQuestion[]} */
function fittingQuestions(bank, { topic, kind, level }) {
  return bank.filter(
    (question) =>
      (!topic || question.about.includes(topic)) &&
      (!kind || question.kind === kind) &&
      (!level || question.hard === (level === HARD)),
  );
}

const asked = (quiz) => chosenQuestions(fittingQuestions(questionBank(), quiz), quiz.seed, quiz.count);

const isRight = (question, answer) =>
  answer.length === question.answers.length &&
  question.answers.every((choice) => answer.includes(choice));

/** @param {QuizRun | null} quiz */
function putQuiz(quiz) {
  change({ quiz });
  byId("panel-quiz").focus();
}

function beginQuiz(quiz) {
  putQuiz({ ...quiz, place: 0, answers: [] });
}

function numberField(label, value, most) {
  const input = element("input", { type: "number", min: 0, max: most, value });
  return { input, field: element("label", { class: "field" }, element("span", {}, label), input) };
}

function wordField(label, words, names = words) {
  const field = choice(label, ["", ...words], ["any", ...names], "", () => showFitting());
  return { field, value: () => field.getElementsByTagName("select")[0].value };
}

const wordsOf = (words) => [...new Set(words)].sort();
let showFitting = () => {};

function quizStart() {
  if (!questionBank().length) return [element("p", {}, "This page has no questions.")];
  const seed = numberField("Seed", 7, 4294967295);
  const count = numberField("Questions", Math.min(10, questionBank().length), questionBank().length);
  const topic = wordField("About", wordsOf(questionBank().flatMap(({ about }) => about)));
  const kinds = wordsOf(questionBank().map((question) => question.kind));
  const kind = wordField("Kind", kinds, kinds.map((name) => KIND_NAMES[name] ?? name));
  const level = wordField("Level", LEVELS);
  const only = () => ({ topic: topic.value(), kind: kind.value(), level: level.value() });
  const fitting = element("span", { role: "status" });
  const begin = button("Begin the quiz", () => start(), { class: "main" });
  const start = () => {
    const most = fittingQuestions(questionBank(), only()).length;
    if (!most) return say("No question fits: choose fewer conditions.", true);
    const [first, second] = [seed, count].map(({ input }) => Math.floor(Number(input.value)));
    return beginQuiz({
      ...only(),
      seed: Math.min(Math.max(first || 0, 0), 4294967295),
      count: Math.min(Math.max(second || 1, 1), most),
    });
  };
  showFitting = () => {
    const number = fittingQuestions(questionBank(), only()).length;
    fitting.textContent = number === 1 ? "1 question fits." : `${number} questions fit.`;
    setPossible(begin, number > 0);
  };
  showFitting();
  return [
    element("p", {}, "A seed gives the same questions here, in the terminal and on paper."),
    element("div", { class: "row" }, seed.field, count.field, topic.field, kind.field, level.field),
    element("p", { class: "buttons" }, begin, fitting),
  ];
}

/** @param {QuizQuestion} question @param {number[]} answer */
function judged(question, answer) {
  const wrong = answer.map((place) => question.mistakes[place]).filter(Boolean);
  return [isRight(question, answer) ? "Right." : "Not right.", ...wrong, question.explanation].join(" ");
}

function answerQuestion(answer) {
  const { quiz } = view;
  if (!quiz) return;
  const answers = [...quiz.answers.slice(0, quiz.place), answer];
  change({ quiz: { ...quiz, answers } });
  const question = asked(quiz)[quiz.place];
  say(judged(question, answer), !isRight(question, answer));
  byId("quiz-next").focus();
}

function choiceRow(question, choiceText, place, answer) {
  const several = question.text.endsWith(TICK);
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
    element(
      "span",
      {},
      choiceText,
      element("b", {}, mark),
      given && question.mistakes[place]
        ? element("small", { class: "mistake" }, question.mistakes[place])
        : null,
    ),
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
            judged(question, answer),
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
  const questions = asked(quiz);
  const right = quiz.answers.filter((answer, place) => isRight(questions[place], answer)).length;
  const shown =
    quiz.place < quiz.count
      ? questionView(questions[quiz.place], quiz)
      : [
          element("p", { class: "score" }, `${right} of ${quiz.count} correct.`),
          button("Another quiz", () => beginQuiz({ ...quiz, seed: (quiz.seed + 1) % 4294967296 })),
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
  if (view.tab !== QUIZ_TAB || (before.tab === view.tab && before.quiz === view.quiz)) return;
  byId("panel-quiz").replaceChildren(...(view.quiz ? quizView(view.quiz) : quizStart()));
});
