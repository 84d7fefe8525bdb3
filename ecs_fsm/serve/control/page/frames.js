// What changed is shown once a frame, however much changed; elements that stay keep their focus.

const parts = [];
const moved = new Set();
let waiting = false;

// A part of the page is shown by a function that is told which servers changed.
function part(show) {
  parts.push(show);
}

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

// A function that calls another one at once, but not again before a pause is over.
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

// Let a list hold an element for each key, in this order. Where the one with the focus goes, the
// focus goes to what names the list.
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
    byId(list.getAttribute("aria-labelledby")).focus();
  return after;
}
