// @ts-check
// The state of the server: in words for a reader, as JSON for a client of the API.

// Whether nothing exists any more in a state, so that the API answers 404.
/** @param {LifecycleState} state */
const isGone = (state) => state.name === machine.data.gone_state;

// What the API shows, nested where the name of an attribute has dots.
/** @param {LifecycleState} state */
function apiAnswer(state) {
  const words = [state.status.name, state.vmState.name, state.taskState?.name ?? null];
  const answer = {};
  for (const [place, called] of machine.data.api.entries()) {
    const keys = called.split(".");
    const last = keys.pop();
    let inside = answer;
    for (const key of keys) {
      inside[key] ??= {};
      inside = inside[key];
    }
    inside[last] = words[place];
  }
  return answer;
}

// The answer as lines of JSON, without the braces around it.
/** @param {LifecycleState} state @returns {string[]} */
const jsonLines = (state) => JSON.stringify(apiAnswer(state), null, 2).split("\n").slice(1, -1);

// The state before the last event, to mark what changed.
function stateBefore() {
  return story.moments.at(-2)?.node?.state ?? null;
}

function answerLines() {
  if (!story.state || isGone(story.state)) return ["404 Not Found"];
  const earlier = stateBefore();
  const before = earlier && jsonLines(earlier);
  const lines = jsonLines(story.state).flatMap((text, place) => [
    before && before[place] !== text ? element("mark", {}, text) : text,
    "\n",
  ]);
  return [`200 OK\n{"${THING}": {\n`, ...lines, "}}"];
}

function attributeRow(label, word, none = "") {
  return element(
    "div",
    { class: "attribute" },
    element("dt", {}, label),
    element(
      "dd",
      {},
      element("code", {}, word ? word.name : none),
      " ",
      word ? word.meaning : `No ${DATA.task} is running.`,
    ),
  );
}

function wordsNow() {
  if (!story.state) return [element("p", {}, `There is no ${THING} yet. Create one.`)];
  const { status, vmState, taskState } = story.state;
  const known = Object.entries(story.node?.facts ?? {});
  return [
    element("p", { class: "status" }, tonedWord(status), element("span", {}, status.meaning)),
    element(
      "dl",
      {},
      ...(ONE_WORD || isGone(story.state)
        ? []
        : [attributeRow(COLUMNS[0], vmState), attributeRow(COLUMNS[1], taskState, "null")]),
    ),
    ...(known.length
      ? [
          element(
            "p",
            { class: "facts" },
            ...known.flatMap(([name, value]) => [
              element("code", { title: machine.fact(name).meaning }, `${name}=${value}`),
              " ",
            ]),
          ),
        ]
      : []),
    ...(story.hung ? [element("p", { class: "warning" }, `At this state ${HANGING}.`)] : []),
  ];
}

function surprisesNow() {
  if (!story.state) return [];
  const last = story.last.event;
  const names = [last?.trigger?.name, story.state.name].filter(Boolean);
  const matching = machine.data.surprises.filter(([, about]) =>
    names.every((name) => about.includes(name)),
  );
  return matching.map(([text]) => element("p", { class: "surprise" }, text));
}

part((before) => {
  if (before.run === view.run) return;
  byId("answer").replaceChildren(...answerLines());
  byId("words").replaceChildren(...wordsNow(), ...surprisesNow());
});
