// @ts-check
// What the client lives through: a column for each state, and what each poll in it was and decided.

const placeAt = (found, time) => {
  const passing = passingBy(story.moments[Math.floor(time) + 1], time % 1);
  const last = found.findLastIndex(({ place }) => place <= Math.floor(time));
  return passing < 0 ? Math.max(last, 0) : last + 1 + passing;
};

/** @param {Polled[]} made */
function clientCells(found, made) {
  const ended = made.at(-1)?.verdict === GO_ON ? Infinity : made.length ? placeAt(found, made[made.length - 1].time) : -1;
  return found.map((_, n) => {
    const last = made.filter(({ time }) => placeAt(found, time) === n).at(-1);
    if (last) return { text: `${last.value}: ${last.verdict}`, kind: last.verdict === GO_ON ? "polled" : last.verdict === SUCCEEDS ? "good" : "bad" };
    return { text: n > ended ? "not seen" : "", kind: "unseen" };
  });
}

function livedTable(poll, caption) {
  const found = columns();
  const [, wrong] = verdict(poll);
  const word = (name, classes) => element("td", { class: classes }, inParts(name));
  return element(
    "table",
    { class: "lived" },
    element("caption", {}, caption),
    element(
      "tbody",
      {},
      ...(ONE_WORD ? [] : [element("tr", {}, element("th", { scope: "row" }, COLUMNS[1]), ...found.map(({ state }) => word(state.taskState?.name ?? NO_TASK, "")))]),
      element("tr", {}, element("th", { scope: "row" }, COLUMNS.at(-1)), ...found.map(({ state }) => word(state.status.name, `tone-${state.status.tone} toned`))),
      element("tr", {}, element("th", { scope: "row" }, "the client"), ...clientCells(found, polls(poll)).map(({ text, kind }) => word(text, kind === "good" && wrong ? "bad" : kind))),
    ),
  );
}
