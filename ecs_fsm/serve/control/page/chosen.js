// @ts-check
// The chosen server: its state, the requests it accepts, the events that can happen to it.

/** @type {string | null} */
let chosen = null;
/** @type {ServerDetail | null} */
let detail = null;
/** @type {number | undefined} */
let dueTimer;

const chosenServer = () => servers.get(chosen ?? "");
const chosenPath = () => `servers/${encodeURIComponent(chosen ?? "")}`;

/** @param {string | null} id */
function choose(id) {
  if (id === chosen) return;
  const before = chosenServer();
  chosen = id;
  detail = null;
  history.replaceState(null, "", id ? `#${id}` : "#");
  for (const server of [before, chosenServer()]) if (server) changed(server);
  say("");
}

// Reads the chosen server after each of its changes, and also when its step was due: a hang sends no
// change.
const readDetail = throttled(async () => {
  const id = chosen;
  if (!chosenServer()) return;
  /** @type {ServerDetail | null} */
  const answer = await call("GET", chosenPath());
  const known = chosenServer();
  if (!answer || !known || id !== chosen) return;
  detail = answer;
  const differs = known.hangs !== Boolean(answer.hangs) || known.operation !== answer.operation;
  if (differs && known.state === stateOf(answer)) putWhole(answer);
  clearTimeout(dueTimer);
  if (time.speed && answer.due !== null) {
    const wait = ((answer.due - nowTime()) / time.speed) * 1000 + DETAIL_PAUSE;
    if (wait > 0) dueTimer = setTimeout(readDetail, Math.min(wait, 2 ** 31 - 1));
  }
  changed();
}, DETAIL_PAUSE);

/** @param {LiveServer} server */
function nowText({ state, operation, gone }) {
  const runs = operation ? `${operation} runs` : "at rest";
  const due = detail && detail.due !== null ? `, next step at ${clockTime(detail.due)}` : "";
  return ` ${state.name}: ${gone ? "gone" : runs}${due}.`;
}

function factRow(name) {
  return element("div", { class: "attribute" }, element("dt", {}, name), element("dd"));
}

function showFacts() {
  const facts = detail?.remembers ?? {};
  const rows = hold(byId("facts"), Object.keys(facts), factRow);
  for (const [name, row] of rows) setText(row.lastChild, facts[name]);
}

// The facts that can be given with the requests and events that are possible now.

const USUAL = "";

function withField(name) {
  const options = [USUAL, ...WORDS.facts[name]].map((value) =>
    element("option", { value }, value === USUAL ? "as usual" : value),
  );
  const select = element("select", { "data-fact": name }, ...options);
  return element("label", { class: "field" }, element("span", {}, name), select);
}

function givenWith(trigger) {
  const chosenValues = [...byId("with").getElementsByTagName("select")].map((select) => [
    select.dataset.fact,
    select.value,
  ]);
  return Object.fromEntries(
    chosenValues.filter(([name, value]) => value !== USUAL && trigger.given.includes(name)),
  );
}

async function sendRequest(operation) {
  const body = { operation, given: givenWith(WORDS.triggers[operation]) };
  if (await post("requests", body)) say(`${operation} is accepted.`);
}

async function sendEvent(event) {
  const body = { event, given: givenWith(WORDS.triggers[event]) };
  if (await post("events", body)) say(`${event} happened.`);
}

async function post(what, body) {
  const answer = await call("POST", `${chosenPath()}/${what}`, body);
  readDetail();
  return answer;
}

function triggerButton(name, press) {
  const { kind, meaning } = WORDS.triggers[name];
  return button(name, () => press(name), { class: kind, "data-name": name, title: meaning });
}

function showPossible() {
  const [requests, events] = [detail?.requests ?? [], detail?.events ?? []];
  const facts = new Set([...requests, ...events].flatMap((name) => WORDS.triggers[name].given));
  hold(byId("with"), Object.keys(WORDS.facts).filter((name) => facts.has(name)), withField);
  hold(byId("requests"), requests, (name) => triggerButton(name, sendRequest));
  hold(byId("events"), events, (name) => triggerButton(name, sendEvent));
}

part((now) => {
  const server = chosenServer();
  if (server && now.has(server)) readDetail();
  byId("about").hidden = !server;
  byId("choose").hidden = Boolean(server);
  setText(byId("chosen-heading"), server ? nameOf(server) : "No server chosen");
  if (!server) return;
  setText(byId("id"), server.id);
  if (!byId("now").firstChild) byId("now").append(element("span"), element("span"));
  const [tag, text] = byId("now").children;
  tag.className = toneClass(server.state);
  setText(tag, server.state.status);
  setText(text, nowText(server));
  byId("hung").hidden = !server.hangs;
  showFacts();
  showPossible();
  showPast();
});

const requestNames = Object.keys(WORDS.faults).filter((name) => name !== WORDS.creation);
byId("other-request").append(
  ...requestNames.map((name) => element("option", { value: name }, name)),
);
byId("other").addEventListener("submit", (event) => {
  event.preventDefault();
  sendRequest(inputById("other-request").value);
});
