// @ts-check
// Faults: those in force, and the forms that order new ones, for all servers or for the next request
// of the chosen one, with suggestions.

function faultRow(text) {
  return element("li", {}, element("code", {}, text), element("span", { class: "note" }));
}

const readFaults = throttled(async () => {
  const answer = await call("GET", "faults");
  if (!answer) return;
  const inForce = [
    ...[...answer.faults, ...answer.wire].map(({ fault, met, struck }) => [
      fault,
      ` matched ${met}, applied ${struck}`,
    ]),
    ...answer.scenarios.map((words) => [words.join(" "), " for the next server"]),
  ];
  const rows = hold(byId("faults"), inForce.map(([text], place) => `${place} ${text}`), (key) =>
    faultRow(key.slice(key.indexOf(" ") + 1)),
  );
  for (const [place, row] of [...rows.values()].entries()) setText(row.lastChild, inForce[place][1]);
  byId("no-faults").hidden = inForce.length > 0;
  byId("clear").hidden = inForce.length === 0;
}, FAULT_PAUSE);

async function order(input, body) {
  const answer = await call("POST", "faults", body);
  if (!answer) return input.focus();
  say(`In force: ${answer.fault}`);
  input.value = "";
  readFaults();
}

// A word, and its marks such as `#3*2%10` as fields of a fault.
function marksOf(text) {
  const [word, ...marks] = text.split(/(?=[#*%])/);
  const names = { "#": "first", "*": "times", "%": "percent" };
  const fields = marks.map((mark) => [names[mark[0]], Number(mark.slice(1))]);
  return [word.trim(), Object.fromEntries(fields)];
}

// A fault of one server applies once by default.
function ownFault(text) {
  const [fault, marks] = marksOf(text);
  return { fault, servers: literally(chosenServer()?.name ?? ""), times: 1, ...marks };
}

// A pattern that only this name matches.
const literally = (name) => name.replace(/[*?[]/g, "[$&]");

function orderWith(form, input, body) {
  byId(form).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = inputById(input).value.trim();
    if (text) order(inputById(input), body(text));
    else byId(input).focus();
  });
}

orderWith("any-fault", "any-text", (fault) => ({ fault }));
orderWith("own-fault", "own-text", ownFault);

byId("clear").addEventListener("click", async () => {
  if (!(await call("DELETE", "faults"))) return;
  say("No fault is in force.");
  byId("force-heading").focus();
  readFaults();
});

for (const id of ["any-text", "own-text"]) {
  byId(id).addEventListener("focus", () => suggest(id === "own-text" ? (detail?.requests ?? []) : [WORDS.creation]));
}

// Suggests faults: those of the given requests first.
/** @param {string[]} first */
function suggest(first) {
  const names = new Set([...first, ...requestNames]);
  const texts = [...names].flatMap((name) => WORDS.faults[name].map((outcome) => `${name}:${outcome}`));
  byId("texts").replaceChildren(...texts.map((value) => element("option", { value })));
}

part((now) => {
  const server = chosenServer();
  const same = server ? [...servers.values()].filter(({ name }) => name === server.name).length : 1;
  byId("namesakes").hidden = same < 2;
  setText(byId("namesakes"), `Faults match servers by name, and ${same} servers have this name.`);
  if (now.size) readFaults();
});
