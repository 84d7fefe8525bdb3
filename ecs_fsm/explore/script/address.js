// Everything that is on the screen, in the fragment of the address. What stands there comes from
// anybody: it is bounded, every name in it is looked up, and what does not read is refused.

const MOST_LETTERS = 32768;
const MOST_VALUES = 100;

class Unreadable extends Error {}

function writeEvents(machine, events) {
  const told = events.map((event) => tellEvent(machine, event));
  const parts = [];
  for (let first = 0; first < told.length;) {
    let next = first;
    while (told[next] === told[first]) next += 1;
    parts.push(next - first > 1 ? `${told[first]}*${next - first}` : told[first]);
    first = next;
  }
  return parts.join(",");
}

// What need not be escaped in a fragment is left as people write it.
function readable(escaped) {
  return escaped.replace(/%(2C|2F|3D|5B|5D|2B)/g, decodeURIComponent);
}

function writeAddress(machine, view) {
  const { run, poll, quiz } = view;
  const told = new Map();
  if (run.from) told.set("from", run.from.state.name + bracketed(run.from.facts));
  if (run.events.length) told.set("run", writeEvents(machine, run.events));
  if (run.at !== run.events.length) told.set("at", run.at);
  if (view.tab !== TABS[0]) told.set("tab", view.tab);
  if (view.lesson) told.set("lesson", view.lesson);
  if (view.speed !== SPEEDS[1]) told.set("speed", view.speed);
  if (view.whole !== null) told.set("whole", view.whole ? 1 : 0);
  if (view.refused !== null) told.set("refused", view.refused ? 1 : 0);
  if (view.theme) told.set("theme", view.theme);
  if (view.tab === POLL_TAB || poll.since !== null) {
    for (const name of WAITER_LISTS) if (poll[name]) told.set(name, poll[name]);
    told.set("attribute", poll.attribute);
    told.set("every", poll.every);
    if (poll.since !== null) told.set("since", poll.since);
  }
  if (quiz) {
    told.set("quiz", [quiz.seed, quiz.count, quiz.place].join("."));
    told.set("answers", quiz.answers.map((answer) => answer.join("+")).join("."));
  }
  return [...told]
    .map(([name, value]) => `${name}=${readable(encodeURIComponent(value))}`)
    .join("&");
}

function readNumber(text, least, most) {
  const number = /^\d{1,10}$/.test(text ?? "") ? Number(text) : NaN;
  if (!(number >= least && number <= most))
    throw new Unreadable(`${text} is no number from ${least} to ${most}`);
  return number;
}

function readFacts(machine, text) {
  if (!text) return {};
  const facts = text
    .slice(1, -1)
    .split(",")
    .map((part) => part.split("="));
  for (const [name, value] of facts) {
    if (!machine.facts.get(name)?.values.includes(value))
      throw new Unreadable(`there is no fact ${name}=${value}`);
  }
  return Object.fromEntries(facts);
}

function readEvents(machine, text) {
  const events = [];
  for (const part of text.split(/,(?![^[]*\])/)) {
    const found = /^([^[\]*]+)(\[[^\]]*\])?(?:\*(\d{1,4}))?$/.exec(part);
    if (!found) throw new Unreadable(`${part} is no event`);
    const [, name, facts, times] = found;
    const given = readFacts(machine, facts);
    const trigger = machine.triggerNamed.get(name);
    let event = { trigger, given };
    if (name === machine.data.hang) event = { hang: true };
    else if (name === machine.data.wait) event = { wait: true };
    else if (!trigger) throw new Unreadable(`there is no operation or event ${name}`);
    else if (!Object.keys(given).every((fact) => fact in trigger.given))
      throw new Unreadable(`${name} takes no such fact`);
    for (let n = 0; n < readNumber(times ?? "1", 1, MOST_EVENTS); n += 1) events.push(event);
    if (events.length > MOST_EVENTS)
      throw new Unreadable(`a run has at most ${MOST_EVENTS} events`);
  }
  return events;
}

function readFrom(machine, text) {
  const found = /^([^[\]]+)(\[[^\]]*\])?$/.exec(text);
  const state = found && machine.stateNamed.get(found[1]);
  if (!state) throw new Unreadable(`there is no state ${text}`);
  const facts = readFacts(machine, found[2]);
  const wrong = machine.contradiction(state, facts);
  if (wrong) throw new Unreadable(wrong);
  return { state, facts };
}

function readRun(machine, told) {
  const from = told.has("from") ? readFrom(machine, told.get("from")) : null;
  const run = newRun(from, told.has("run") ? readEvents(machine, told.get("run")) : []);
  try {
    new Story(machine, run);
  } catch (wrong) {
    throw wrong instanceof RangeError ? new Unreadable(wrong.message) : wrong;
  }
  if (told.has("at")) run.at = readNumber(told.get("at"), 0, run.events.length);
  return run;
}

function oneOf(value, known, what) {
  if (!known.includes(value)) throw new Unreadable(`there is no ${what} ${value}`);
  return value;
}

function readSwitch(told, name) {
  return told.has(name) ? oneOf(told.get(name), ["0", "1"], name) === "1" : null;
}

function readPoll(told, run) {
  const poll = { ...NO_POLL };
  if (told.has("attribute")) poll.attribute = oneOf(told.get("attribute"), ATTRIBUTES, "attribute");
  for (const name of WAITER_LISTS) {
    const text = told.get(name) ?? "";
    if (text.length > 2000 || text.split(",").length > MOST_VALUES)
      throw new Unreadable(`${name} is too long`);
    poll[name] = text;
  }
  if (told.has("every"))
    poll.every = Number(oneOf(told.get("every"), RHYTHMS.map(String), "rhythm"));
  if (told.has("since")) poll.since = readNumber(told.get("since"), 0, run.events.length);
  return poll;
}

function readQuiz(told, bank) {
  if (!told.has("quiz")) return null;
  const [seed, count, place] = told.get("quiz").split(".");
  const quiz = {
    seed: readNumber(seed, 0, 2 ** 32 - 1),
    count: readNumber(count, 1, Math.max(1, bank.length)),
    place: readNumber(place, 0, bank.length),
    answers: [],
  };
  const answers = told.get("answers") ?? "";
  if (answers) {
    quiz.answers = answers
      .split(".")
      .map((answer) =>
        answer ? answer.split("+").map((choice) => readNumber(choice, 0, 50)) : [],
      );
  }
  if (quiz.answers.length > quiz.count || quiz.place > quiz.count)
    throw new Unreadable("the answers do not fit the quiz");
  return quiz;
}

function readAddress(machine, content, fragment) {
  if (fragment.length > MOST_LETTERS)
    throw new Unreadable(`it is longer than ${MOST_LETTERS} letters`);
  const told = new Map();
  for (const part of fragment.split("&").filter(Boolean)) {
    const [name, ...value] = part.split("=");
    try {
      told.set(name, decodeURIComponent(value.join("=")));
    } catch {
      throw new Unreadable("it is cut off or damaged");
    }
  }
  const run = readRun(machine, told);
  const lessons = content.lessons.map(({ name }) => name);
  return {
    ...emptyView(),
    run,
    tab: oneOf(told.get("tab") ?? TABS[0], TABS, "panel"),
    lesson: told.has("lesson") ? oneOf(told.get("lesson"), lessons, "lesson") : null,
    speed: told.has("speed")
      ? Number(oneOf(told.get("speed"), SPEEDS.map(String), "speed"))
      : SPEEDS[1],
    whole: readSwitch(told, "whole"),
    refused: readSwitch(told, "refused"),
    theme: told.has("theme") ? oneOf(told.get("theme"), THEMES, "theme") : null,
    poll: readPoll(told, run),
    quiz: readQuiz(told, content.quiz),
  };
}
