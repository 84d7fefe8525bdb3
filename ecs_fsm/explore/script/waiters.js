// @ts-check
// The polling panel: the loop of a client, its lists as chips, what it lives through on a run, and the
// lists that do better, with what they cannot see either.

const LIST_HINTS = {
  pending: "goes on; empty: at all else",
  target: "stops: success",
  failure: "stops: failure",
};
const WELL = "all goes well";

/** @returns {WaitLoop | null} */
const client = () => (view.client === null ? null : (CONTENT.waiters[view.client] ?? null));

/** @param {WaitLoop["findings"][number]} finding @returns {Run} */
function exampleRun({ from, events }) {
  const start = from ? { state: machine.state(from[0]), facts: from[1] } : null;
  return newRun(
    start,
    events.map(([name, given]) => ({ trigger: machine.triggerNamed.get(name), given })),
  );
}

// A run of a client's operation in which nothing goes wrong, from where its findings begin.
/** @param {WaitLoop} loop @returns {Run | null} */
function goodRun(loop) {
  const trigger = machine.triggerNamed.get(loop.operation);
  const first = loop.findings[0]?.from;
  const found = machine.states.find((state) => machine.rests(state) && trigger?.sources.has(state));
  const [name, facts] = first ?? [found?.name, {}];
  const start = name === undefined ? null : { state: machine.state(name), facts };
  if (!trigger || (!start && !machine.creations.includes(trigger))) return null;
  let run = newRun(start, [{ trigger }]);
  try {
    for (let on = new Story(machine, run); on.running && run.at < 50; on = new Story(machine, run))
      run = withEvent(run, { trigger: machine.onward });
  } catch (wrong) {
    if (wrong instanceof RangeError) return null;
    throw wrong;
  }
  return run;
}

const runKey = ({ from, events }) => `${from?.state.name} ${writeEvents(machine, events)}`;

// Every run that shows something of a client, each once: its findings', the better lists', a good one.
/** @param {WaitLoop} loop @returns {{ name: string, run: Run, message: string }[]} */
function knownRuns(loop) {
  const known = new Map();
  for (const finding of [...loop.findings, ...(loop.better?.findings ?? [])]) {
    const run = exampleRun(finding);
    if (run.events.length && !known.has(runKey(run)))
      known.set(runKey(run), { name: finding.finding, run, message: finding.message });
  }
  const good = goodRun(loop);
  const fresh = good && !known.has(runKey(good));
  return [...known.values(), ...(fresh ? [{ name: WELL, run: good, message: "" }] : [])];
}

function useClient(place) {
  pause();
  if (place === null) return change({ client: null });
  const [first] = knownRuns(CONTENT.waiters[place]);
  const poll = pollOf(CONTENT.waiters[place]);
  return playRun(first ?? { name: "", run: view.run }, { client: place, poll });
}

// Plays a run with a rhythm of polls at which it goes wrong; the rhythm stays if there is none.
/** @param {{ name: string, run: Run }} known @param {{ client: View["client"], poll: Poll }} [using] */
function playRun({ name, run }, { client: place, poll: lists } = view) {
  pause();
  const poll = { ...lists, since: Math.min(1, run.events.length) };
  const every = rhythmThatShows(poll, new Story(machine, run), name) ?? poll.every;
  change({ run, client: place, poll: { ...poll, every } });
  say(`Played: ${verdict()[0]}`);
}

// The lists as chips.

function toneOf(value) {
  const word = machine.statuses.find(({ name }) => name === value.split("/")[0]);
  return word ? `tag tone-${word.tone}` : "tag plain";
}

const chip = (list, value, remove) =>
  button(`${value} ×`, remove, {
    class: toneOf(value), "data-value": value, "aria-label": `Take ${value} out of ${list}`,
  });

/** @param {string} name */
function listField(name) {
  const own = listed(view.poll[name]);
  const set = (values) => {
    setPoll({ [name]: values.join(", ") });
    /** @type {HTMLElement} */ (byId("lists").querySelector(`[data-list="${name}"]`)).focus();
  };
  const free = valuesOf(view.poll.attribute).filter((value) => !WAITER_LISTS.some((each) => listed(view.poll[each]).includes(value)));
  const more = element(
    "select",
    { "aria-label": `Add a value to ${name}`, "data-list": name, onchange: () => set([...own, more.value]) },
    element("option", { value: "" }, "+ value"),
    ...free.map((value) => element("option", { value }, value)),
  );
  return element(
    "div",
    { class: "list", role: "group", "aria-label": name },
    element("p", {}, element("b", {}, name), ` ${LIST_HINTS[name]}`),
    element(
      "div",
      { class: "buttons" },
      ...own.map((value) => chip(name, value, () => set(own.filter((each) => each !== value)))),
      more,
    ),
  );
}

byId("waiter").append(
  choice(
    "Its loop",
    ["", ...CONTENT.waiters.map((_, place) => String(place))],
    ["your own", ...CONTENT.waiters.map(({ name }) => name)],
    "",
    (place) => useClient(place === "" ? null : Number(place)),
  ),
  choice("attribute", ATTRIBUTES, ATTRIBUTES, view.poll.attribute, (attribute) => setPoll({ attribute })),
  choice("Polls", RHYTHMS, RHYTHM_NAMES, view.poll.every, (every) => setPoll({ every })),
  button("Poll from now on", () => {
    setPoll({ since: view.poll.since === null ? view.run.at : null }, false);
    say(view.poll.since === null ? "The loop stopped polling." : "The loop polls from now on: let the server go on.");
  }, { id: "poll" }),
);

// The better lists, and what they cannot see.

function livedBetter(better) {
  const { every, since } = view.poll;
  const table = livedTable({ ...pollOf(better), every, since }, "The same run with the better lists");
  return element("div", { class: "scroller", role: "group", tabindex: 0, "aria-label": "The same run with the better lists" }, table);
}

function comparedView(loop) {
  const { better } = loop;
  const lists = (poll, name) => element("td", {}, ...listed(poll[name]).flatMap((value) => [element("span", { class: toneOf(value) }, value), " "]));
  const left = better ?? loop;
  const rows = better
    ? WAITER_LISTS.map((name) => element("tr", {}, element("th", { scope: "row" }, name), lists(view.poll, name), element("td", {}, "→"), lists(pollOf(better), name)))
    : [];
  const says = left.findings.map(({ finding, message }) => element("li", {}, element("b", {}, finding), `: ${message}`));
  return [
    better ? element("table", { class: "lists" }, element("caption", {}, "Your lists now, and those of ecs-fsm infer"), element("tbody", {}, ...rows)) : null,
    element(
      "div",
      {},
      element("p", { class: "score" }, better ? `${loop.findings.length} → ${left.findings.length} findings` : `${left.findings.length} findings, and no lists do better`),
      says.length ? element("p", {}, "What they still cannot see:") : null,
      element("ul", {}, ...says),
      ...left.notes.map((note) => element("p", { class: "note" }, note)),
    ),
    better && view.poll.since !== null ? livedBetter(better) : null,
  ].flatMap((shownPart) => (shownPart ? [shownPart] : []));
}

// Whether the lists as they are now go wrong on a run, at any rhythm.
const goesWrong = ({ run }) => rhythmThatShows({ ...view.poll, since: 1 }, new Story(machine, run)) !== null;

function wrongOn(loop) {
  const runs = knownRuns(loop);
  return `Your lists go wrong on ${runs.filter(goesWrong).length} of ${runs.length} runs.`;
}

function runButtons(loop) {
  return knownRuns(loop).map((known) => {
    const { name, run, message } = known;
    const wrong = goesWrong(known);
    return button(`${wrong ? "✗" : "✓"} ${name}`, () => playRun(known), {
      "aria-pressed": String(runKey(run) === runKey(view.run)),
      "aria-label": `Play the run: ${name}. ${message} Your lists ${wrong ? "go wrong" : "do well"} on it.`,
      class: wrong ? "failure" : null,
    });
  });
}

// Whether the lists are the better ones already.
/** @param {WaitLoop} better */
function usesBetter(better) {
  const now = JSON.stringify(WAITER_LISTS.map((name) => listed(view.poll[name]).sort()));
  const then = pollOf(better);
  return now === JSON.stringify(WAITER_LISTS.map((name) => listed(then[name]).sort()));
}

byId("better").addEventListener("click", () => {
  const loop = client();
  if (!loop?.better || usesBetter(loop.better)) return;
  setPoll({ ...pollOf(loop.better), every: view.poll.every, since: view.poll.since }, false);
  say(`These lists are used now: ${verdict()[0]}`);
});

byId("copy-lists").addEventListener("click", () => {
  const quoted = (text) => JSON.stringify(listed(text));
  const lines = WAITER_LISTS.filter((name) => view.poll[name]).map((name) => `${name} = ${quoted(view.poll[name])}`);
  const operation = client()?.operation ?? operationNow()?.trigger.name ?? "";
  const keys = { name: operation, operation, attribute: view.poll.attribute };
  const head = ["[[waiter]]", ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)];
  copyText([...head, ...lines, ""].join("\n"), "The waiter");
});

part(() => {
  if (view.tab !== POLL_TAB) return;
  const loop = client();
  const [own, attribute, every] = byId("waiter").getElementsByTagName("select");
  own.selectedIndex = view.client === null ? 0 : view.client + 1;
  attribute.selectedIndex = ATTRIBUTES.indexOf(view.poll.attribute);
  every.selectedIndex = RHYTHMS.indexOf(view.poll.every);
  byId("poll").textContent = view.poll.since === null ? "Poll from now on" : "Stop polling";
  byId("lists").replaceChildren(...WAITER_LISTS.map(listField));
  const on = view.poll.since !== null;
  const [text, wrong] = on ? verdict() : ["It does not poll.", false];
  byId("caught").textContent = twice() || [text, ...(loop ? [wrongOn(loop)] : [])].join(" ");
  byId("caught").classList.toggle("refused", wrong || Boolean(twice()));
  byId("lived").replaceChildren(livedTable(view.poll, "A column is a state; the client's row says what it read there last, and what it did"));
  byId("found").replaceChildren(...(loop ? runButtons(loop) : []));
  byId("compared").replaceChildren(...(loop ? comparedView(loop) : [element("p", { class: "note" }, "Choose the loop of a client to compare its lists with better ones.")]));
  const better = loop?.better;
  byId("better").hidden = !better;
  if (!better) return;
  const used = usesBetter(better);
  const misses = better.findings.length ? `still miss ${better.findings.length}` : "miss nothing";
  byId("better").textContent = used ? `The better lists are used; they ${misses}` : `Use the better lists, which ${misses}`;
  setPossible(byId("better"), !used);
});
