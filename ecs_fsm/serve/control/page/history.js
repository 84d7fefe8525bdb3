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
    element("td", {}, element("span", { class: toneClass(state) }, state.status), ` ${state.name}`),
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

const earlierButton = button("", () => {
  wholePast = true;
  byId("history-heading").focus();
  changed();
});

function showPast() {
  if (!detail) wholePast = false;
  const left = [
    showRows("history", detail?.history ?? [], historyRow),
    showRows("received", detail?.asked ?? [], requestRow),
  ];
  const most = Math.max(...left);
  if (!most) return earlierButton.remove();
  setText(earlierButton, `Show ${most} earlier rows`);
  byId("about").append(earlierButton);
}
