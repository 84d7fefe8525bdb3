// @ts-check
// The parts of the page, one shown at a time: the history here, the others in their own files.

const tabs = TABS.map((name) => byId(`tab-${name}`));

function openTab(name, focus = false) {
  change({ tab: name });
  const idle = !view.run.events.length && view.client === null && view.poll.since === null;
  if (name === POLL_TAB && idle && CONTENT.waiters.length && !view.poll.target) useClient(0);
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
  byId("rows").getElementsByTagName("button")[count - earlier].focus();
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
    element("td", {}, event ? event + bracketed(given) : "initial"),
    ...(ONE_WORD
      ? []
      : [element("td", {}, vmState.name), element("td", {}, taskState?.name ?? NO_TASK)]),
    element("td", {}, tonedWord(status)),
    machine.facts.size ? element("td", {}, bracketed(node.facts).slice(1, -1)) : null,
  );
}

if (machine.facts.size) byId("head").append(element("th", { scope: "col" }, "remembers"));

// A long history is shown from its end, but printed in full.
const MOST_ROWS = 40;
let earlier = 0;

/** @param {number} [first] */
function showRows(first) {
  const rows = story.history();
  earlier = Math.max(first ?? rows.length - MOST_ROWS, 0);
  byId("rows").replaceChildren(
    ...rows.slice(earlier).map((row, n) => historyRow(row, earlier + n)),
  );
  byId("no-history").hidden = rows.length > 0;
  byId("earlier").hidden = earlier === 0;
  byId("earlier").textContent = `Show ${earlier} earlier rows`;
}

byId("earlier").addEventListener("click", () => {
  showRows(0);
  byId("rows").getElementsByTagName("button")[0].focus();
});
addEventListener("beforeprint", () => showRows(0));

part((before) => {
  const opened = before.tab !== view.tab;
  if (view.tab === HISTORY_TAB && (opened || before.run !== view.run)) showRows();
});
