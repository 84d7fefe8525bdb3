// What the server is now: for a reader in words, for a client of the API as JSON.

function apiAnswer(state) {
  const [status, vmState, taskState] = machine.data.api;
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
  if (!story.state) return ["404 Not Found"];
  const now = Object.entries(apiAnswer(story.state));
  const before = stateBefore() && apiAnswer(stateBefore());
  const lines = now.flatMap(([name, value], place) => {
    const text = `  ${JSON.stringify(name)}: ${JSON.stringify(value)}${place < now.length - 1 ? "," : ""}`;
    return [before && before[name] !== value ? element("mark", {}, text) : text, "\n"];
  });
  return ['200 OK\n{"server": {\n', ...lines, "}}"];
}

function attributeRow(label, word, none) {
  return element(
    "div",
    { class: "attribute" },
    element("dt", {}, label),
    element(
      "dd",
      {},
      element("code", {}, word ? word.name : none),
      " ",
      word ? word.meaning : "No task is running.",
    ),
  );
}

function wordsNow() {
  if (!story.state) return [element("p", {}, "There is no server yet. Ask for one.")];
  const { status, vmState, taskState } = story.state;
  const known = Object.entries(story.node.facts);
  return [
    element("p", { class: "status" }, tonedWord(status), element("span", {}, status.meaning)),
    element(
      "dl",
      {},
      attributeRow("vm_state", vmState),
      attributeRow("task_state", taskState, "null"),
      ...known.map(([name, value]) =>
        element(
          "div",
          { class: "attribute" },
          element("dt", {}, name),
          element("dd", {}, element("code", {}, value), " ", machine.facts.get(name).meaning),
        ),
      ),
    ),
    story.hung ? element("p", { class: "warning" }, `Here ${HANGING}.`) : null,
  ];
}

function surprisesNow() {
  if (!story.state) return [];
  const last = story.moments.at(-1).event;
  const names = [last?.trigger?.name, story.state.name].filter(Boolean);
  const told = machine.data.surprises.filter(([, about]) =>
    names.every((name) => about.includes(name)),
  );
  return told.map(([text]) => element("p", { class: "surprise" }, text));
}

part((before) => {
  if (before.run === view.run) return;
  byId("answer").replaceChildren(...answerLines());
  byId("words").replaceChildren(...wordsNow().filter(Boolean), ...surprisesNow());
});
