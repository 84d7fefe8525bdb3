// @ts-check
// The state of the server: in words for a reader, as JSON for a client of the API.

// Whether nothing exists any more in a state, so that the API answers 404.
/** @param {LifecycleState} state */
const isGone = (state) => state.name === machine.data.gone_state;

/** @param {LifecycleState} state @returns {Record<string, string | null>} */
function apiAnswer(state) {
  const [status, vmState, taskState] = machine.data.api;
  if (ONE_WORD) return { [status]: state.status.name };
  return {
    [status]: state.status.name,
    [vmState]: state.vmState.name,
    [taskState]: state.taskState?.name ?? null,
  };
}

// The state before the last event, to mark what changed.
function stateBefore() {
  return story.moments.at(-2)?.node?.state ?? null;
}

function answerLines() {
  if (!story.state || isGone(story.state)) return ["404 Not Found"];
  const now = Object.entries(apiAnswer(story.state));
  const earlier = stateBefore();
  const before = earlier && apiAnswer(earlier);
  const lines = now.flatMap(([name, value], place) => {
    const text = `  ${JSON.stringify(name)}: ${JSON.stringify(value)}${place < now.length - 1 ? "," : ""}`;
    return [before && before[name] !== value ? element("mark", {}, text) : text, "\n"];
  });
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
      ...known.map(([name, value]) =>
        element(
          "div",
          { class: "attribute" },
          element("dt", {}, name),
          element("dd", {}, element("code", {}, value), " ", machine.fact(name).meaning),
        ),
      ),
    ),
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
