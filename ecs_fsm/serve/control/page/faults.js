// Faults: those in force, new ones for servers of any name or for the next request of the chosen
// one, and what can be written, to complete it.

const WIRE = "wire:";

function faultRow(text) {
  return element("li", {}, element("code", {}, text), element("span", { class: "note" }));
}

const readFaults = throttled(async () => {
  const told = await call("GET", "faults");
  if (!told) return;
  const inForce = [
    ...[...told.faults, ...told.wire].map(({ fault, met, struck }) => [
      fault,
      ` met ${met}, struck ${struck}`,
    ]),
    ...told.scenarios.map((words) => [words.join(" "), " for the next server"]),
  ];
  const rows = hold(byId("faults"), inForce.map(([text], place) => `${place} ${text}`), (key) =>
    faultRow(key.slice(key.indexOf(" ") + 1)),
  );
  [...rows.values()].forEach((row, place) => setText(row.lastChild, inForce[place][1]));
  byId("no-faults").hidden = inForce.length > 0;
  byId("clear").hidden = inForce.length === 0;
}, FAULT_PAUSE);

async function lay(input, body) {
  const answer = await call("POST", "faults", body);
  if (!answer) return input.focus();
  say(`In force: ${answer.fault}`);
  input.value = "";
  readFaults();
}

// A word, and its marks `#3*2%10` as the parts of a fault.
function marksOf(text) {
  const [word, ...marks] = text.split(/(?=[#*%])/);
  const names = { "#": "first", "*": "times", "%": "percent" };
  const said = marks.map((mark) => [names[mark[0]], Number(mark.slice(1))]);
  return [word.trim(), Object.fromEntries(said)];
}

function anyFault(text) {
  if (!text.startsWith(WIRE)) return { fault: text };
  const [word, marks] = marksOf(text.slice(WIRE.length));
  const [wire, request] = word.split("@");
  return { wire, request, ...marks };
}

// A fault of one server strikes once where nothing else is said.
function ownFault(text) {
  const [fault, marks] = marksOf(text);
  return { fault, servers: literally(servers.get(chosen).name), times: 1, ...marks };
}

// A pattern that only this name matches.
const literally = (name) => name.replace(/[*?[]/g, "[$&]");

function layWith(form, input, body) {
  byId(form).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId(input).value.trim();
    if (text) lay(byId(input), body(text));
    else byId(input).focus();
  });
}

layWith("any-fault", "any-text", anyFault);
layWith("own-fault", "own-text", ownFault);

byId("clear").addEventListener("click", async () => {
  if (!(await call("DELETE", "faults"))) return;
  say("No fault is in force any more.");
  byId("force-heading").focus();
  readFaults();
});

for (const id of ["any-text", "own-text"]) {
  byId(id).addEventListener("focus", () => offer(id === "own-text" ? detail?.requests : [WORDS.creation]));
}

// What can be written: first for what can be asked now.
function offer(first) {
  const names = new Set([...(first ?? []), ...operations]);
  const texts = [...names].flatMap((name) => WORDS.faults[name].map((outcome) => `${name}:${outcome}`));
  byId("texts").replaceChildren(...texts.map((value) => element("option", { value })));
}

part((now) => {
  const server = servers.get(chosen);
  const same = server ? [...servers.values()].filter(({ name }) => name === server.name).length : 1;
  byId("namesakes").hidden = same < 2;
  setText(byId("namesakes"), `A fault strikes by name, and ${same} servers have this one.`);
  if (now.size) readFaults();
});
