// @ts-check
// What is on the screen, as one value: every change of it is shown and written into the address.

const machine = new Machine(DATA);
let view = emptyView();
let story = new Story(machine, view.run);
/** @type {Partial<View>} */
let shown = {};
/** @type {((before: Partial<View>) => void)[]} */
const parts = [];

// Registers a function that shows a part of the page; it gets the view that was shown before.
/** @param {(before: Partial<View>) => void} showPart */
function part(showPart) {
  parts.push(showPart);
}

function show() {
  const before = shown;
  shown = view;
  for (const showPart of parts) showPart(before);
}

function put(next) {
  if (next.run !== view.run) story = new Story(machine, next.run, story);
  view = next;
  show();
}

// `quiet` changes replace the entry in the browser's history; others add one.
/** @param {Partial<View>} changes @param {boolean} [quiet] */
function change(changes, quiet = false) {
  put({ ...view, ...changes });
  const address = `#${writeAddress(machine, view)}`;
  if (address === location.hash || (address === "#" && !location.hash)) return;
  if (quiet) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

function readLocation() {
  pause();
  try {
    put(readAddress(machine, CONTENT, location.hash.slice(1)));
    say(story.node ? nowText() : `There is no ${THING} yet: start with a request.`);
  } catch (wrong) {
    if (!(wrong instanceof Unreadable)) throw wrong;
    put(emptyView());
    say(
      `The address of this page could not be read: ${wrong.message}. It is ignored.`,
      true,
    );
  }
}

function nowText() {
  if (!story.state) return NOT_YET;
  const { name, status } = story.state;
  return name === status.name || isGone(story.state) ? name : `${name}, ${COLUMNS.at(-1)} ${status.name}`;
}

/** @param {Moment} moment */
function momentText({ event, nodes }) {
  if (!event || !story.state) return NOT_YET;
  const text = eventText(machine, event);
  if (event.hang) return `The step hangs at ${story.state.name}.`;
  if (!nodes.length)
    return `${text}: ${event.wait ? "time passes" : "accepted"}, still ${nowText()}.`;
  const path = nodes.map(({ state }) => state.name).join(", then ");
  const rest = story.running
    ? ""
    : machine.isFinal(story.state)
      ? ` The ${THING} is gone.`
      : ` The ${THING} is at rest.`;
  const status = ONE_WORD ? "" : `, ${COLUMNS.at(-1)} ${story.state.status.name}`;
  return `${text}: ${path}${status}.${rest}`;
}

function add(event, quiet = false) {
  change({ run: withEvent(view.run, event) }, quiet);
  say(momentText(story.last));
}

// Fires a trigger, says why it cannot happen, or opens the dialog for a missing fact.
/** @param {Trigger} trigger @param {Facts} [given] @param {boolean} [quiet] */
function fire(trigger, given = {}, quiet = false) {
  const why = story.obstacle(trigger);
  if (why !== null) {
    say(
      trigger.kind === KIND.request && story.node && !story.over
        ? `409 Conflict: ${refusalText(machine.refusal(trigger, story.node))}`
        : `${trigger.name}: ${why}`,
      true,
    );
    pause();
    return;
  }
  const outcome = machine.outcome(trigger, story.node, given);
  if (outcome.unknown) {
    pause();
    chooseUnknown(trigger, outcome.unknown, given);
  } else if (outcome.refused) {
    say(refusalText(outcome.refused), true);
    pause();
    chooseFacts(trigger);
  } else {
    add({ trigger, given }, quiet);
  }
}

/** @type {number | undefined} */
let ticking;

function next(quiet = false) {
  if (story.running) fire(machine.onward, {}, quiet);
  else if (waiting() && !story.over) add({ wait: true }, quiet);
  else fire(machine.onward, {}, quiet);
}

// Whether a waiter polls, so that time matters although nothing happens.
function waiting() {
  return Boolean(story.node) && view.poll.since !== null && !pollEnded();
}

function canGoOn() {
  return (story.running || waiting()) && !story.over;
}

function pause() {
  clearInterval(ticking);
  ticking = undefined;
}

function play() {
  pause();
  if (!canGoOn()) return next();
  ticking = setInterval(() => {
    next(true);
    if (!canGoOn()) {
      pause();
      show();
    }
  }, view.speed);
  show();
}
