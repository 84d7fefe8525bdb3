// @ts-check
// A loop that polls one attribute, and how it ends.
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

// The state that a poller sees at a time of a story; null for a server that is gone.
/** @param {number} time @param {Story} on @returns {LifecycleState | null} */
function seenAt(time, on) {
  const event = Math.floor(time);
  const part = time - event;
  const { node } = on.moments[event];
  if (!node) return null;
  const following = on.moments[event + 1];
  const passing = passingBy(following, part);
  if (passing >= 0) return following.nodes[passing].state;
  const gone =
    machine.isFinal(node.state) && event > 0 && on.moments[event - 1].node?.state === node.state;
  return gone ? null : node.state;
}

/** @param {Poll} [poll] @param {Story} [on] */
function polls(poll = view.poll, on = story) {
  const { since, every } = poll;
  /** @type {Polled[]} */
  const found = [];
  const last = on.moments.length - 1;
  if (since === null || since > last || !on.node) return found;
  for (let time = since; time <= last; time += every) {
    if (!on.moments[Math.floor(time)].node) continue;
    const value = polledOf(poll.attribute, seenAt(time, on));
    const verdict = verdictOf(poll, value);
    found.push({ time, value, verdict });
    if (verdict !== GO_ON) break;
  }
  return found;
}

function pollEnded() {
  return polls().some(({ verdict }) => verdict !== GO_ON);
}

// How the waiter ended, whether it was caught in a mistake, and in which: a finding of the checker.
/** @param {Poll} [poll] @param {Story} [on] @returns {[string, boolean, string?]} */
function verdict(poll = view.poll, on = story) {
  const last = polls(poll, on).at(-1);
  if (!last) return ["It has not polled yet.", false];
  const at = on.moments[Math.floor(last.time)];
  const between = on.moments.slice((poll.since ?? 0) + 1, Math.floor(last.time) + 1);
  const failed = between.find(({ event }) => event?.trigger?.kind === KIND.failure);
  const seen = seenAt(last.time, on);
  const passing = passingBy(on.moments[Math.floor(last.time) + 1], last.time % 1) >= 0;
  const busy = seen && (passing || !at.node || !machine.stays(at.node));
  if (last.verdict === SUCCEEDS && busy)
    return [
      `Caught: it reports success at ${last.value}, while the ${THING} goes on from ${seen.name}.`,
      true,
      "leaves-early",
    ];
  if (last.verdict === SUCCEEDS && failed)
    return [
      `Caught: it reports success at ${last.value}, although ${failed.event?.trigger?.name} happened.`,
      true,
      "false-success",
    ];
  if (last.verdict === SUCCEEDS)
    return [`Correct: it reports success at ${last.value}.`, false];
  if (last.verdict === FAILS && !failed)
    return [`Caught: it reports failure at ${last.value}, although nothing went wrong.`, true, "spurious-failure"];
  if (last.verdict === FAILS) return [`Correct: it reports failure at ${last.value}.`, false];
  if (at.hung)
    return [
      `Caught: the step hangs, and it waits forever at ${last.value}; only a time limit helps.`,
      true,
    ];
  if (
    on.state &&
    on.node &&
    machine.stays(on.node) &&
    last.value === polledOf(poll.attribute, seenAt(on.moments.length - 1, on))
  ) {
    return [
      `Caught: the ${THING} rests at ${on.state.name}, and it waits forever at ${last.value}.`,
      true,
      failed ? "hangs" : "misses",
    ];
  }
  return [`It keeps polling at ${last.value}.`, false];
}

function twice() {
  const own = WAITER_LISTS.flatMap((name) => listed(view.poll[name]));
  const value = own.find((each, place) => own.indexOf(each) !== place);
  return value ? `${value} is in two lists; a value can be in one list only.` : "";
}

// The first rhythm at which lists make a mistake on a run: that of a finding, if one does.
/** @param {Poll} poll @param {Story} on @param {string} [finding] @returns {number | null} */
function rhythmThatShows(poll, on, finding) {
  const wrong = RHYTHMS.map((every) => verdict({ ...poll, every }, on)).map(([, caught, kind]) => (caught ? (kind ?? "") : null));
  const place = wrong.indexOf(finding ?? "");
  const first = place < 0 ? wrong.findIndex((kind) => kind !== null) : place;
  return first < 0 ? null : RHYTHMS[first];
}

const setPoll = (changes, quiet = true) => change({ poll: { ...view.poll, ...changes } }, quiet);

// A loop as it polls from the request on.
/** @param {WaitLoop} loop @returns {Poll} */
const pollOf = ({ attribute, pending, target, failure }) => ({
  attribute,
  pending: (pending ?? []).join(", "),
  target: target.join(", "),
  failure: failure.join(", "),
  every: RHYTHMS[0],
  since: 1,
});

// Every value that an attribute can have.
const valuesOf = (attribute) => [
  ...new Set([...machine.states.map((state) => polledOf(attribute, state)), machine.data.gone]),
];
