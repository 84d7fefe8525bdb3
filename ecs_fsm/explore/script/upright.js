// @ts-check
// The running operation upright, for a narrow screen: its steps one below the other, with the status
// as a bracket at the left, and what may end them otherwise at the right.

// The states that follow by themselves, if nothing goes wrong.
function ahead() {
  /** @type {LifecycleState[]} */
  const found = [];
  let node = story.running ? story.node : null;
  while (node && !machine.stays(node) && found.length < 50) {
    const outcome = machine.outcome(machine.onward, node);
    if (!outcome.nodes || !outcome.end) break;
    found.push(...outcome.nodes.map(({ state }) => state));
    node = outcome.end;
  }
  return found;
}

// The last request, the state before it, and the states that were entered since.
function operationNow() {
  const place = story.moments.findLastIndex(({ event }) => event?.trigger?.kind === KIND.request);
  if (place < 0) return null;
  return {
    trigger: /** @type {Trigger} */ (story.moments[place].event?.trigger),
    before: story.moments[place - 1]?.node?.state ?? null,
    entered: story.moments.slice(place).flatMap(({ nodes }) => nodes.map(({ state }) => state)),
  };
}

function uprightStep(state, seen, now) {
  const amiss = [...new Set(waysOut(state).map(({ trigger, end }) => `${trigger.name} → ${end.status.name}`))];
  return element(
    "li",
    { class: now ? "now" : seen ? "seen" : "ahead", "aria-current": now ? "step" : null },
    element("span", { class: "name" }, state.taskState?.name ?? (isGone(state) || ONE_WORD ? state.name : `no ${DATA.task}`)),
    element("b", {}, now ? "now" : seen ? "✓" : ""),
    amiss.length && !(now && !story.running) ? element("small", {}, amiss.join(", ")) : null,
  );
}

function uprightView() {
  const operation = operationNow();
  if (!operation) return [element("p", { class: "note" }, "Nothing runs: send a request.")];
  const { trigger, before, entered } = operation;
  const way = [...entered, ...ahead()];
  const groups = [];
  way.forEach((state, place) => {
    const last = groups.at(-1);
    const step = uprightStep(state, place < entered.length, place === entered.length - 1);
    if (last && last.status === state.status) last.steps.push(step);
    else groups.push({ status: state.status, steps: [step] });
  });
  return [
    element("h3", {}, trigger.name, before ? ` from ${before.status.name}` : ""),
    element(
      "ol",
      { class: "bands" },
      ...groups.map(({ status, steps }) =>
        element(
          "li",
          { class: `tone-${status.tone}` },
          element("b", { class: "status-name" }, status.name),
          element("ol", {}, ...steps),
        ),
      ),
    ),
  ];
}

part((before) => {
  if (before.run !== view.run) byId("upright").replaceChildren(...uprightView());
});
