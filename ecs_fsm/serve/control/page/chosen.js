// The chosen server: where it is, what can be asked of it, what can happen to it.

let chosen = null;
let detail = null;
let dueTimer = null;

function choose(id) {
  if (id === chosen) return;
  const before = servers.get(chosen);
  chosen = id;
  detail = null;
  history.replaceState(null, "", id ? `#${id}` : "#");
  for (const server of [before, servers.get(id)]) if (server) changed(server);
  say("");
}

// What the cloud keeps of it is read when it changed, and when a step was due and nothing came: a
// hang is no change.
const readDetail = throttled(async () => {
  const id = chosen;
  if (!servers.has(id)) return;
  const told = await call("GET", `servers/${encodeURIComponent(id)}`);
  if (!told || id !== chosen) return;
  detail = told;
  const known = servers.get(id);
  const differs = known.hangs !== Boolean(told.hangs) || known.operation !== told.operation;
  if (differs && known.state === stateOf(told)) putWhole(told);
  clearTimeout(dueTimer);
  if (time.speed && told.due !== null) {
    const wait = ((told.due - nowTime()) / time.speed) * 1000 + DETAIL_PAUSE;
    if (wait > 0) dueTimer = setTimeout(readDetail, Math.min(wait, 2 ** 31 - 1));
  }
  changed();
}, DETAIL_PAUSE);

function tellNow({ state, operation, gone }) {
  const runs = operation ? `${operation} runs` : "nothing runs";
  const due = detail && detail.due !== null ? `, goes on at ${clockTime(detail.due)}` : "";
  return ` ${state.name}: ${gone ? "it is gone" : runs}${due}.`;
}

function factRow(name) {
  return element("div", { class: "attribute" }, element("dt", {}, name), element("dd"));
}

function showFacts() {
  const facts = detail?.remembers ?? {};
  const rows = hold(byId("facts"), Object.keys(facts), factRow);
  for (const [name, row] of rows) setText(row.lastChild, facts[name]);
}

// What may be said with an event, for all events that are possible now.

const UNSAID = "";

function withField(name) {
  const options = [UNSAID, ...WORDS.facts[name]].map((value) =>
    element("option", { value }, value === UNSAID ? "as usual" : value),
  );
  const select = element("select", { "data-fact": name }, ...options);
  return element("label", { class: "field" }, element("span", {}, name), select);
}

function given(trigger) {
  const said = [...byId("with").querySelectorAll("select")].map((select) => [
    select.dataset.fact,
    select.value,
  ]);
  return Object.fromEntries(
    said.filter(([name, value]) => value !== UNSAID && trigger.given.includes(name)),
  );
}

async function ask(operation) {
  const body = { operation, given: given(WORDS.triggers[operation]) };
  if (await post("requests", body)) say(`${operation} is accepted.`);
}

async function cause(event) {
  const body = { event, given: given(WORDS.triggers[event]) };
  if (await post("events", body)) say(`${event} happened.`);
}

async function post(what, body) {
  const answer = await call("POST", `servers/${encodeURIComponent(chosen)}/${what}`, body);
  readDetail();
  return answer;
}

function pressTrigger(name, press) {
  const { kind, meaning } = WORDS.triggers[name];
  return button(name, () => press(name), { class: kind, "data-name": name, title: meaning });
}

function showPossible() {
  const [requests, events] = [detail?.requests ?? [], detail?.events ?? []];
  const facts = new Set([...requests, ...events].flatMap((name) => WORDS.triggers[name].given));
  hold(byId("with"), Object.keys(WORDS.facts).filter((name) => facts.has(name)), withField);
  hold(byId("requests"), requests, (name) => pressTrigger(name, ask));
  hold(byId("events"), events, (name) => pressTrigger(name, cause));
}

part((now) => {
  const server = servers.get(chosen);
  if (server && now.has(server)) readDetail();
  byId("about").hidden = !server;
  byId("choose").hidden = Boolean(server);
  setText(byId("chosen-heading"), server ? nameOf(server) : "No server is chosen");
  if (!server) return;
  setText(byId("id"), server.id);
  const tag = byId("now").firstChild ?? byId("now").appendChild(element("span"));
  const text = tag.nextSibling ?? byId("now").appendChild(element("span"));
  tag.className = toneClass(server.state);
  setText(tag, server.state.status);
  setText(text, tellNow(server));
  byId("hung").hidden = !server.hangs;
  showFacts();
  showPossible();
  showPast();
});

const operations = Object.keys(WORDS.faults).filter((name) => name !== WORDS.creation);
byId("other-request").append(
  ...operations.map((name) => element("option", { value: name }, name)),
);
byId("other").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(byId("other-request").value);
});
