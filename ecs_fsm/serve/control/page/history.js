// What the chosen server went through, and what was asked of it; the last comes first.

let wholePast = false;

function historyRow({ at, event, ...pair }) {
  const state = stateOf(pair);
  return element(
    "tr",
    {},
    element("td", {}, clockTime(at)),
    element("td", {}, event ?? "found here"),
    element("td", {}, element("span", { class: toneClass(state) }, state.status), ` ${state.name}`),
  );
}

function askedRow({ at, action, operation, refused }) {
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

function showRows(name, told, make) {
  const first = wholePast ? 0 : Math.max(told.length - MOST_ROWS, 0);
  const places = told.map((_, place) => place).slice(first).reverse();
  const keys = places.map((place) => `${chosen} ${place}`);
  hold(byId(name), keys, (key) => make(told[Number(key.split(" ")[1])]));
  return first;
}

const earlierButton = button("", () => {
  wholePast = true;
  byId("history-heading").focus();
  changed();
});

function showPast() {
  if (!detail) wholePast = false;
  const left = [
    showRows("history", detail?.history ?? [], historyRow),
    showRows("asked", detail?.asked ?? [], askedRow),
  ];
  const most = Math.max(...left);
  if (!most) return earlierButton.remove();
  setText(earlierButton, `Show the ${most} rows before these`);
  byId("about").append(earlierButton);
}
