// @ts-check
// Trouble around the servers: hosts that go down, responses that fail, and ways back: snapshots.

const WIRE = {
  "503 before": "wire:503*1",
  "500 after the work": "wire:500_after*1",
  "connection closed": "wire:close_before*1",
  "closed after the work": "wire:close_after*1",
  "body cut off": "wire:truncated*1",
  "401, old token": "wire:old_token*1",
};

/** @param {string} text @param {() => void} then */
function action(text, then) {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", then);
  return made;
}

async function change(path, body, said) {
  const answer = await call("POST", path, body);
  if (!answer) return;
  say(said(answer));
  readAround();
}

const readAround = throttled(async () => {
  const [hosts, copies] = await Promise.all([call("GET", "hosts"), call("GET", "snapshots")]);
  if (!hosts || !copies) return;
  const buttons = hosts.hosts.map(({ name, state, servers: count }) => {
    const other = state === "up" ? "down" : "up";
    const label = `${name} is ${state}, servers: ${count}. Let it ${other === "up" ? "come up" : "go down"}`;
    return action(label, () => change(`hosts/${name}`, { state: other }, () => `${name} is ${other}.`));
  });
  replace("hosts", buttons);
  replace("copies", copies.snapshots.map((name) => action(`Return to ${name}`, () => restore(name))));
}, FAULT_PAUSE);

// Puts other buttons in place of those of a group; the focus stays at its place.
function replace(id, buttons) {
  const group = byId(id);
  const at = [...group.children].indexOf(/** @type {Element} */ (document.activeElement));
  group.replaceChildren(...buttons);
  if (at >= 0) buttons[Math.min(at, buttons.length - 1)]?.focus();
}

async function restore(name) {
  const answer = await call("POST", "reset", name === BEGINNING ? {} : { snapshot: name });
  if (answer) location.reload();
}

const BEGINNING = "beginning";
for (const [text, fault] of Object.entries(WIRE)) {
  byId("wire").append(
    action(text, async () => {
      if (await call("POST", "faults", { fault })) readFaults();
    }),
  );
}
byId("keep-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = inputById("copy-name").value.trim();
  if (!name) return byId("copy-name").focus();
  inputById("copy-name").value = "";
  change(`snapshots/${name}`, undefined, () => `${name} is kept.`);
});
part((now) => {
  if (now.size) readAround();
});
