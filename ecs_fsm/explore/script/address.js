// @ts-check
// The address fragment holds everything that is on the screen. It is untrusted input: its size is
// bounded, every name in it is looked up, and what cannot be read is refused.

const MOST_CHARACTERS = 32768;
const MOST_VALUES = 100;
const QUIZ_WORDS = ["topic", "kind", "level"];

class Unreadable extends Error {}

/** @param {Machine} machine @param {RunEvent[]} events */
function writeEvents(machine, events) {
  const texts = events.map((event) => eventText(machine, event));
  const parts = [];
  for (let first = 0; first < texts.length;) {
    let next = first;
    while (texts[next] === texts[first]) next += 1;
    parts.push(next - first > 1 ? `${texts[first]}*${next - first}` : texts[first]);
    first = next;
  }
  return parts.join(",");
}

// Leaves characters that need no escape in a fragment as people write them.
function readable(escaped) {
  return escaped.replace(/%(2C|2F|3D|5B|5D|2B)/g, decodeURIComponent);
}

/** @param {Machine} machine @param {View} view */
function writeAddress(machine, view) {
  const { run, poll, quiz } = view;
  const fields = new Map();
  if (run.from) fields.set("from", run.from.state.name + bracketed(run.from.facts));
  if (run.events.length) fields.set("run", writeEvents(machine, run.events));
  if (run.at !== run.events.length) fields.set("at", run.at);
  if (view.tab !== TABS[0]) fields.set("tab", view.tab);
  if (view.lesson) fields.set("lesson", view.lesson);
  if (view.speed !== SPEEDS[1]) fields.set("speed", view.speed);
  if (view.whole !== null) fields.set("whole", view.whole ? 1 : 0);
  if (view.refused !== null) fields.set("refused", view.refused ? 1 : 0);
  if (view.theme) fields.set("theme", view.theme);
  if (view.client !== null) fields.set("client", view.client);
  if (view.tab === POLL_TAB || poll.since !== null) {
    for (const name of WAITER_LISTS) if (poll[name]) fields.set(name, poll[name]);
    fields.set("attribute", poll.attribute);
    fields.set("every", poll.every);
    if (poll.since !== null) fields.set("since", poll.since);
  }
  if (quiz) {
    fields.set("quiz", [quiz.seed, quiz.count, quiz.place].join("."));
    for (const name of QUIZ_WORDS) if (quiz[name]) fields.set(name, quiz[name]);
    fields.set("answers", quiz.answers.map((answer) => answer.join("+")).join("."));
  }
  return [...fields]
    .map(([name, value]) => `${name}=${readable(encodeURIComponent(value))}`)
    .join("&");
}

function readNumber(text, least, most) {
  const number = /^\d{1,10}$/.test(text ?? "") ? Number(text) : NaN;
  if (!(number >= least && number <= most))
    throw new Unreadable(`invalid number ${text}: expected ${least} to ${most}`);
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
      throw new Unreadable(`unknown fact ${name}=${value}`);
  }
  return Object.fromEntries(facts);
}

/** @param {Machine} machine @param {string} text */
function readEvents(machine, text) {
  /** @type {RunEvent[]} */
  const events = [];
  for (const part of text.split(/,(?![^[]*\])/)) {
    const found = /^([^[\]*]+)(\[[^\]]*\])?(?:\*(\d{1,4}))?$/.exec(part);
    if (!found) throw new Unreadable(`invalid event ${part}`);
    const [, name, facts, times] = found;
    const given = readFacts(machine, facts);
    const trigger = machine.triggerNamed.get(name);
    /** @type {RunEvent} */
    let event = { trigger, given };
    if (name === machine.data.hang) event = { hang: true };
    else if (name === machine.data.wait) event = { wait: true };
    else if (!trigger) throw new Unreadable(`unknown operation or event ${name}`);
    else if (!Object.keys(given).every((fact) => fact in trigger.given))
      throw new Unreadable(`${name} does not take this fact`);
    for (let n = 0; n < readNumber(times ?? "1", 1, MOST_EVENTS); n += 1) events.push(event);
    if (events.length > MOST_EVENTS)
      throw new Unreadable(`a run has at most ${MOST_EVENTS} events`);
  }
  return events;
}

/** @param {Machine} machine @param {string} text @returns {StateNode} */
function readFrom(machine, text) {
  const found = /^([^[\]]+)(\[[^\]]*\])?$/.exec(text);
  const state = found && machine.stateNamed.get(found[1]);
  if (!state) throw new Unreadable(`unknown state ${text}`);
  const facts = readFacts(machine, found[2]);
  const wrong = machine.contradiction(state, facts);
  if (wrong) throw new Unreadable(wrong);
  return { state, facts };
}

/** @param {Machine} machine @param {Map<string, string>} fields */
function readRun(machine, fields) {
  const from = fields.has("from") ? readFrom(machine, fields.get("from") ?? "") : null;
  const run = newRun(from, fields.has("run") ? readEvents(machine, fields.get("run") ?? "") : []);
  try {
    new Story(machine, run);
  } catch (wrong) {
    throw wrong instanceof RangeError ? new Unreadable(wrong.message) : wrong;
  }
  if (fields.has("at")) run.at = readNumber(fields.get("at"), 0, run.events.length);
  return run;
}

function oneOf(value, known, what) {
  if (!known.includes(value)) throw new Unreadable(`unknown ${what} ${value}`);
  return value;
}

function readSwitch(fields, name) {
  return fields.has(name) ? oneOf(fields.get(name), ["0", "1"], name) === "1" : null;
}

/** @param {Map<string, string>} fields @param {Run} run */
function readPoll(fields, run) {
  /** @type {Poll} */
  const poll = { ...NO_POLL };
  if (fields.has("attribute")) poll.attribute = oneOf(fields.get("attribute"), ATTRIBUTES, "attribute");
  for (const name of WAITER_LISTS) {
    const text = fields.get(name) ?? "";
    if (text.length > 2000 || text.split(",").length > MOST_VALUES)
      throw new Unreadable(`${name} is too long`);
    poll[name] = text;
  }
  if (fields.has("every"))
    poll.every = Number(oneOf(fields.get("every"), RHYTHMS.map(String), "rhythm"));
  if (fields.has("since")) poll.since = readNumber(fields.get("since"), 0, run.events.length);
  return poll;
}

/** @param {Map<string, string>} fields @returns {QuizRun | null} */
function readQuiz(fields) {
  if (!fields.has("quiz")) return null;
  const bank = questionBank();
  const [seed, count, place] = (fields.get("quiz") ?? "").split(".");
  const [topic, kind, level] = QUIZ_WORDS.map((name) => fields.get(name) ?? "");
  const most = fittingQuestions(bank, { topic, kind, level: level && oneOf(level, LEVELS, "level") }).length;
  if (!most && bank.length) throw new Unreadable("no question of the quiz fits");
  /** @type {QuizRun} */
  const quiz = {
    topic,
    kind,
    level,
    seed: readNumber(seed, 0, 2 ** 32 - 1),
    count: readNumber(count, 1, Math.max(1, most)),
    place: readNumber(place, 0, most),
    answers: [],
  };
  const answers = fields.get("answers") ?? "";
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

/** @param {Machine} machine @param {string} fragment @returns {View} */
function readAddress(machine, content, fragment) {
  if (fragment.length > MOST_CHARACTERS)
    throw new Unreadable(`it has more than ${MOST_CHARACTERS} characters`);
  const fields = new Map();
  for (const part of fragment.split("&").filter(Boolean)) {
    const [name, ...value] = part.split("=");
    try {
      fields.set(name, decodeURIComponent(value.join("=")));
    } catch {
      throw new Unreadable("it is cut off or damaged");
    }
  }
  const run = readRun(machine, fields);
  const lessons = content.lessons.map(({ name }) => name);
  return {
    ...emptyView(),
    run,
    tab: oneOf(fields.get("tab") ?? TABS[0], TABS, "panel"),
    lesson: fields.has("lesson") ? oneOf(fields.get("lesson"), lessons, "lesson") : null,
    speed: fields.has("speed")
      ? Number(oneOf(fields.get("speed"), SPEEDS.map(String), "speed"))
      : SPEEDS[1],
    whole: readSwitch(fields, "whole"),
    refused: readSwitch(fields, "refused"),
    theme: fields.has("theme") ? oneOf(fields.get("theme"), THEMES, "theme") : null,
    poll: readPoll(fields, run),
    client: fields.has("client") ? readNumber(fields.get("client"), 0, content.waiters.length - 1) : null,
    quiz: readQuiz(fields),
  };
}
