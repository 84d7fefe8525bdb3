// @ts-check
// Requests to the cloud, and the stream of its changes, which reconnects by itself.

// The answer to a request; null after an error, which is shown.
/** @returns {Promise<any>} */
async function call(method, path, body) {
  try {
    const response = await fetch(`_ecs/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const text = await response.text();
    if (response.ok) return text ? JSON.parse(text) : {};
    say(`${response.status} ${response.statusText}: ${reasonOf(text)}`, true);
  } catch {
    if (method !== "GET") say("The cloud does not answer.", true);
  }
  return null;
}

function reasonOf(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : (error?.message ?? text);
  } catch {
    return text;
  }
}

// Everything is read once, then the stream of changes; after a loss everything is read again.

/** @type {(() => void)[]} */
const wholeRead = [];
let tries = 0;

function connection(text, lost) {
  setText(byId("connection"), text);
  byId("connection").classList.toggle("lost", lost);
}

async function connect() {
  const whole = await call("GET", "servers");
  if (!whole) return lost();
  if (whole.lifecycle !== WORDS.lifecycle) return location.reload();
  takeOver(whole);
  for (const then of wholeRead) then();
  const source = new EventSource(`_ecs/events?since=${whole.changes}`);
  source.addEventListener("open", () => {
    tries = 0;
    connection("● Live", false);
  });
  source.addEventListener("message", ({ data }) => takeChange(JSON.parse(data)));
  source.addEventListener("error", () => {
    source.close();
    lost();
  });
}

function lost() {
  const wait = Math.min(FIRST_WAIT * 2 ** tries, LONGEST_WAIT);
  tries += 1;
  connection("○ Connection lost: the page may be out of date. Connecting again …", true);
  setTimeout(connect, wait);
}
