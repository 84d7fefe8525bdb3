// The panels below, of which one is seen: the history, and what the other files put into theirs.

const tabs = TABS.map((name) => byId(`tab-${name}`));

function openTab(name, focus = false) {
  change({ tab: name });
  if (focus) byId(`tab-${name}`).focus();
}

tabs.forEach((tab, place) => {
  tab.addEventListener("click", () => openTab(TABS[place]));
  tab.addEventListener("keydown", ({ key }) => {
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: TABS.length - 1 }[key];
    if (to !== undefined) openTab(TABS[(to + TABS.length) % TABS.length], true);
  });
});

part(() =>
  TABS.forEach((name, place) => {
    const chosen = view.tab === name;
    tabs[place].setAttribute("aria-selected", String(chosen));
    tabs[place].tabIndex = chosen ? 0 : -1;
    byId(`panel-${name}`).classList.toggle("closed", !chosen);
  }),
);

function goBack(place, count) {
  move(place);
  byId("rows").querySelectorAll("button")[count - earlier].focus();
}

function historyRow({ place, event, given, node }, count) {
  const { vmState, taskState, status } = node.state;
  return element(
    "tr",
    { class: place === view.run.at ? "last" : null },
    element(
      "td",
      {},
      button(String(count), () => goBack(place, count), { "aria-label": `Go back to ${count}` }),
    ),
    element("td", {}, event ? event + bracketed(given) : "found here"),
    element("td", {}, vmState.name),
    element("td", {}, taskState?.name ?? NO_TASK),
    element("td", {}, tonedWord(status)),
    machine.facts.size ? element("td", {}, bracketed(node.facts).slice(1, -1)) : null,
  );
}

if (machine.facts.size) byId("head").append(element("th", { scope: "col" }, "remembers"));

// A long history is shown from its end; on paper it is whole.
const MOST_ROWS = 40;
let earlier = 0;

function showRows(first) {
  const lived = story.history();
  earlier = Math.max(first ?? lived.length - MOST_ROWS, 0);
  byId("rows").replaceChildren(
    ...lived.slice(earlier).map((row, n) => historyRow(row, earlier + n)),
  );
  byId("no-history").hidden = lived.length > 0;
  byId("earlier").hidden = earlier === 0;
  byId("earlier").textContent = `Show the ${earlier} before`;
}

byId("earlier").addEventListener("click", () => {
  showRows(0);
  byId("rows").querySelector("button").focus();
});
addEventListener("beforeprint", () => showRows(0));

part((before) => {
  const opened = before.tab !== view.tab;
  if (view.tab === TABS[0] && (opened || before.run !== view.run)) showRows();
});
