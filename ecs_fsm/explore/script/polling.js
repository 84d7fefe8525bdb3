// @ts-check
// "Test a waiter": a loop that polls one attribute, and how it ends.
//
// Time counts events: the server is in a state from one event to the next, and an event that enters
// several states does so shortly before its end. The polls follow from run and waiter alone.

const [GO_ON, SUCCEEDS, FAILS] = ["go on", "success", "failure"];

const listed = (text) => [
  ...new Set(
    text
      .split(",")
      .map((value) => value.trim())
      .filter(Boolean),
  ),
];

/** @param {string} attribute @param {LifecycleState | null} state @returns {string} */
function polledOf(attribute, state) {
  if (!state || isGone(state)) return machine.data.gone;
  if (ONE_WORD) return state.status.name;
  const [status, task, vmState] = [
    state.status.name,
    state.taskState?.name ?? NO_TASK,
    state.vmState.name,
  ];
  return [status, task, vmState][ATTRIBUTES.indexOf(attribute)] ?? `${status}/${task}`;
}

// What the waiter does at a value; a status without a task matches every task.
/** @param {Poll} poll @param {string} value */
function verdictOf(poll, value) {
  const meant = (text) =>
    listed(text).some(
      (own) =>
        own === value || (!ONE_WORD && poll.attribute === ATTRIBUTES.at(-1) && value.startsWith(`${own}/`)),
    );
  if (meant(poll.pending)) return GO_ON;
  if (meant(poll.failure)) return FAILS;
  if (meant(poll.target)) return SUCCEEDS;
  return listed(poll.pending).length ? FAILS : GO_ON;
}

// The place of the state that an event is passing through at this part of its time; -1 for none.
/** @param {Moment | undefined} moment @param {number} part */
function passingBy(moment, part) {
  const several = moment ? moment.nodes.length - 1 : 0;
  return several > 0 && part >= 0.5 ? Math.floor((part - 0.5) * 2 * several) : -1;
}

// The state that a poller sees at a time; null for a server that is gone.
/** @param {number} time @returns {LifecycleState | null} */
function seenAt(time) {
  const event = Math.floor(time);
  const part = time - event;
  const { node } = story.moments[event];
  if (!node) return null;
  const following = story.moments[event + 1];
  const passing = passingBy(following, part);
  if (passing >= 0) return following.nodes[passing].state;
  const gone =
    machine.isFinal(node.state) && event > 0 && story.moments[event - 1].node?.state === node.state;
  return gone ? null : node.state;
}

function polls() {
  const { since, every } = view.poll;
  /** @type {{ time: number, value: string, verdict: string }[]} */
  const found = [];
  if (since === null || since > view.run.at || !story.node) return found;
  for (let time = since; time <= view.run.at; time += every) {
    if (!story.moments[Math.floor(time)].node) continue;
    const value = polledOf(view.poll.attribute, seenAt(time));
    const verdict = verdictOf(view.poll, value);
    found.push({ time, value, verdict });
    if (verdict !== GO_ON) break;
  }
  return found;
}

function pollEnded() {
  return polls().some(({ verdict }) => verdict !== GO_ON);
}

// How the waiter ended, and whether it was caught in a mistake.
/** @returns {[string, boolean]} */
function verdict() {
  const last = polls().at(-1);
  if (!last) return ["It has not polled yet.", false];
  const at = story.moments[Math.floor(last.time)];
  const between = story.moments.slice((view.poll.since ?? 0) + 1, Math.floor(last.time) + 1);
  const failed = between.find(({ event }) => event?.trigger?.kind === KIND.failure);
  const seen = seenAt(last.time);
  const passing = passingBy(story.moments[Math.floor(last.time) + 1], last.time % 1) >= 0;
  const busy = seen && (passing || !at.node || !machine.stays(at.node));
  if (last.verdict === SUCCEEDS && busy)
    return [
      `Caught: it reports success at ${last.value}, while the ${THING} goes on from ${seen.name}.`,
      true,
    ];
  if (last.verdict === SUCCEEDS && failed)
    return [
      `Caught: it reports success at ${last.value}, although ${failed.event?.trigger?.name} happened.`,
      true,
    ];
  if (last.verdict === SUCCEEDS)
    return [`Correct: it reports success at ${last.value}.`, false];
  if (last.verdict === FAILS && !failed)
    return [`Caught: it reports failure at ${last.value}, although nothing went wrong.`, true];
  if (last.verdict === FAILS) return [`Correct: it reports failure at ${last.value}.`, false];
  if (at.hung)
    return [
      `Caught: the step hangs, and it waits forever at ${last.value}; only a time limit helps.`,
      true,
    ];
  if (
    story.state &&
    story.node &&
    machine.stays(story.node) &&
    last.value === polledOf(view.poll.attribute, seenAt(view.run.at))
  ) {
    return [
      `Caught: the ${THING} rests at ${story.state.name}, and it waits forever at ${last.value}.`,
      true,
    ];
  }
  return [`It keeps polling at ${last.value}.`, false];
}

function twice() {
  const own = WAITER_LISTS.flatMap((name) => listed(view.poll[name]));
  const value = own.find((each, place) => own.indexOf(each) !== place);
  return value ? `${value} is in two lists; a value can be in one list only.` : "";
}

const setPoll = (changes, quiet = true) => change({ poll: { ...view.poll, ...changes } }, quiet);

function waiterField(name, hint) {
  const input = element("input", {
    id: `waiter-${name}`,
    type: "text",
    maxlength: 2000,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": `hint-${name}`,
    oninput: () => setPoll({ [name]: input.value }),
  });
  return element(
    "div",
    { class: "field" },
    element("label", { for: input.id }, name),
    input,
    element("small", { id: `hint-${name}` }, hint),
  );
}

byId("waiter").append(
  choice("attribute", ATTRIBUTES, ATTRIBUTES, view.poll.attribute, (attribute) =>
    setPoll({ attribute }),
  ),
  waiterField(
    "pending",
    "Values at which it keeps polling; any other value is then a failure. Empty: it keeps polling at any other value.",
  ),
  waiterField("target", "Values at which it stops with success, separated by commas."),
  waiterField("failure", "Values at which it stops with failure."),
  choice("Polls", RHYTHMS, RHYTHM_NAMES, view.poll.every, (every) => setPoll({ every })),
);

byId("poll").addEventListener("click", () => {
  if (view.poll.since === null) setPoll({ since: view.run.at }, false);
  else setPoll({ since: null }, false);
  say(view.poll.since === null ? "The waiter stopped polling." : "The waiter polls from now on.");
});

part(() => {
  if (view.tab !== POLL_TAB) return;
  for (const name of WAITER_LISTS) {
    const input = inputById(`waiter-${name}`);
    if (input.value !== view.poll[name]) input.value = view.poll[name];
  }
  const [attribute, every] = byId("waiter").getElementsByTagName("select");
  attribute.selectedIndex = ATTRIBUTES.indexOf(view.poll.attribute);
  every.selectedIndex = RHYTHMS.indexOf(view.poll.every);
  byId("poll").textContent = view.poll.since === null ? "Poll from now on" : "Stop polling";
  const on = view.poll.since !== null;
  const [text, wrong] = on ? verdict() : ["It does not poll.", false];
  byId("caught").textContent = twice() || text;
  byId("caught").classList.toggle("refused", wrong || Boolean(twice()));
  byId("polls").replaceChildren(
    ...polls().map(({ time, value, verdict }) =>
      element(
        "li",
        { class: verdict === GO_ON ? null : verdict === SUCCEEDS ? "good" : "bad" },
        `at ${time}: `,
        element("code", {}, value),
        ` ${verdict}`,
      ),
    ),
  );
});
