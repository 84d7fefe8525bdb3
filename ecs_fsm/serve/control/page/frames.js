// @ts-check
// Changes are shown once a frame, however many there are; elements that stay keep their focus.

/** @type {((now: Set<LiveServer>) => void)[]} */
const parts = [];
/** @type {Set<LiveServer>} */
const moved = new Set();
let waiting = false;

// Registers a function that shows a part of the page; it gets the servers that changed.
/** @param {(now: Set<LiveServer>) => void} show */
function part(show) {
  parts.push(show);
}

/** @param {LiveServer} [server] */
function changed(server) {
  if (server) moved.add(server);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const now = new Set(moved);
    moved.clear();
    for (const show of parts) show(now);
  });
}

// Returns a function that calls `call` at once, but not again before the pause is over.
function throttled(call, pause) {
  let resting = false;
  let again = false;
  return function run() {
    again = true;
    if (resting) return;
    resting = true;
    again = false;
    Promise.resolve(call()).finally(() =>
      setTimeout(() => {
        resting = false;
        if (again) run();
      }, pause),
    );
  };
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const held = new WeakMap();

// Makes a list hold one element for each key, in this order. If the focused element is removed, the
// heading of the list gets the focus.
/** @param {string[]} keys @returns {Map<string, any>} */
function hold(list, keys, make) {
  const before = held.get(list) ?? new Map();
  const after = new Map(keys.map((key) => [key, before.get(key) ?? make(key)]));
  const focused = list.contains(document.activeElement);
  for (const [key, node] of before) if (!after.has(key)) node.remove();
  let next = list.firstChild;
  for (const node of after.values()) {
    if (node === next) next = next.nextSibling;
    else list.insertBefore(node, next);
  }
  held.set(list, after);
  if (focused && !list.contains(document.activeElement))
    byId(list.getAttribute("aria-labelledby") ?? "").focus();
  return after;
}
