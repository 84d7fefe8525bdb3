// What is on the screen, as one value: every change of it is shown, and written into the address.
// A part that shows it is told what was shown before, at first nothing.

const machine = new Machine(DATA);
let view = emptyView();
let story = new Story(machine, view.run);
let shown = {};
const parts = [];

// A part of the page is shown by a function that is told what changed.
function part(show) {
  parts.push(show);
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

// `quiet` changes replace the place in the browser's history, others can be gone back to.
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
    say(story.node ? tellNow() : "There is no server yet: begin with a request.");
  } catch (wrong) {
    if (!(wrong instanceof Unreadable)) throw wrong;
    put(emptyView());
    say(
      `The address of this page could not be read: ${wrong.message}. Nothing of it is shown.`,
      true,
    );
  }
}

function tellNow() {
  const { name, status } = story.state;
  return `${name}, status ${status.name}`;
}

function tellMoment({ event, nodes }) {
  const told = tellEvent(machine, event);
  if (event.hang) return `The step hangs at ${story.state.name}.`;
  if (!nodes.length)
    return `${told}: ${event.wait ? "time passes" : "accepted"}, still ${tellNow()}.`;
  const way = nodes.map(({ state }) => state.name).join(", then ");
  const rest = story.running
    ? ""
    : machine.isFinal(story.state)
      ? " Nothing can follow."
      : " It rests.";
  return `${told}: ${way}. Status ${story.state.status.name}.${rest}`;
}

function add(event, quiet = false) {
  change({ run: happened(view.run, event) }, quiet);
  say(tellMoment(story.moments.at(-1)));
}

// Let a trigger happen, say why it cannot, or ask for what must be said with it.
function ask(trigger, given = {}, quiet = false) {
  const why = story.obstacle(trigger);
  if (why !== null) {
    say(
      trigger.kind === KIND.request && story.node && !story.over
        ? `409 Conflict: ${tellRefusal(machine.refusal(trigger, story.node))}`
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
    say(tellRefusal(outcome.refused), true);
    pause();
    chooseFacts(trigger);
  } else {
    add({ trigger, given }, quiet);
  }
}

// Time and play.

let ticking = null;

function next(quiet = false) {
  if (story.running) ask(machine.onward, {}, quiet);
  else if (waiting() && !story.over) add({ wait: true }, quiet);
  else ask(machine.onward, {}, quiet);
}

// Whether somebody polls, so that time matters though nothing happens.
function waiting() {
  return Boolean(story.node) && view.poll.since !== null && !pollEnded();
}

function canGoOn() {
  return (story.running || waiting()) && !story.over;
}

function pause() {
  clearInterval(ticking);
  ticking = null;
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
