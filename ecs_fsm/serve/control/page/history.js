// @ts-check
// The states that the chosen server entered, and the requests it received; the last comes first.

let wholePast = false;

function historyRow({ at, event, ...pair }) {
  const state = stateOf(/** @type {any} */ (pair));
  return element(
    "tr",
    {},
    element("td", {}, clockTime(at)),
    element("td", {}, event ?? "initial"),
    element("td", {}, element("span", { class: toneClass(state) }, state.status), " ", inParts(state.name)),
  );
}

function requestRow({ at, action, operation, refused }) {
  const named = action && action !== operation ? ` (${action})` : "";
  return element(
    "tr",
    {},
    element("td", {}, clockTime(at)),
    element("td", {}, `${operation}${named}`),
    element(
      "td",
      refused === null ? {} : { class: "bad" },
      refused === null ? "accepted" : `refused: ${refused}`,
    ),
  );
}

function showRows(name, rows, make) {
  const first = wholePast ? 0 : Math.max(rows.length - MOST_ROWS, 0);
  const places = rows.map((_, place) => place).slice(first).reverse();
  const keys = places.map((place) => `${chosen} ${place}`);
  hold(byId(name), keys, (key) => make(rows[Number(key.split(" ")[1])]));
  return first;
}

// The statuses over time: as wide as they lasted, and each wide enough to be seen.
const [PAST_LEAST, PAST_MOST, PAST_TIME] = [9, 30, 56];

function pastParts(rows, now, wide) {
  /** @type {{ state: LiveState, from: number, to: number }[]} */
  const stays = [];
  for (const [place, row] of rows.entries()) {
    const state = stateOf(row);
    const to = rows[place + 1]?.at ?? Math.max(now, row.at);
    const last = stays.at(-1);
    if (last && last.state.status === state.status) last.to = to;
    else stays.push({ state, from: row.at, to });
  }
  const shown = stays.slice(-PAST_MOST);
  const whole = shown.reduce((sum, { from, to }) => sum + to - from, 0) || 1;
  const room = wide - PAST_LEAST * shown.length;
  let [x, free] = [0, 0];
  return shown.flatMap(({ state, from, to }) => {
    const width = PAST_LEAST + ((to - from) / whole) * room;
    const [left, middle] = [x, x + width / 2];
    x += width;
    const fits = width > state.status.length * 7;
    const at = Math.max(left, PAST_TIME / 2);
    const when = left >= free && at + PAST_TIME / 2 <= wide ? drawn("text", { x: at, y: 33, class: "when" }, clockTime(from)) : "";
    if (when) free = at + PAST_TIME;
    return [
      drawn(
        "g",
        { class: `tone-${state.tone}` },
        drawn("title", {}, `${state.status} from ${clockTime(from)} to ${clockTime(to)}`),
        drawn("rect", { x: left + 0.5, y: 1, width: width - 1, height: 20, rx: 3 }),
        fits ? drawn("text", { x: middle, y: 15, class: "word" }, state.status) : "",
      ),
      when,
    ];
  });
}

function showPastStrip() {
  const rows = detail?.history ?? [];
  const wide = Math.max(byId("past").clientWidth, PAST_LEAST * PAST_MOST);
  byId("past").setAttribute("viewBox", `0 0 ${wide} 36`);
  byId("past").replaceChildren(...pastParts(rows, nowTime(), wide).filter((each) => each !== ""));
}

const earlierButton = button("", () => {
  wholePast = true;
  byId("history-heading").focus();
  changed();
});

function showPast() {
  if (!detail) wholePast = false;
  showPastStrip();
  const left = [
    showRows("history", detail?.history ?? [], historyRow),
    showRows("received", detail?.asked ?? [], requestRow),
  ];
  const most = Math.max(...left);
  if (!most) return earlierButton.remove();
  setText(earlierButton, `Show ${most} earlier rows`);
  byId("about").append(earlierButton);
}
