// @ts-check
// The lanes of the picture. A high picture is folded to the lanes and rows in which a server was. The
// buttons of a server show what can go wrong, so the notes of the lanes are left out.

const FOLDED = 22;
const HEAD = 26;
const ROOM = 10;
const LOWEST_REST = 96;
const LARGE_BOARD = 1500;

const board = byId("board");
const bounds = (board.getAttribute("viewBox") ?? "").split(" ").map(Number);
const isLarge = bounds[3] > LARGE_BOARD;
const numbersOf = (node, names) => names.map((name) => Number(node.getAttribute(name)));
const moveDown = (node, down) => node.setAttribute("transform", `translate(0 ${down})`);
const isNotes = (part) => part.firstElementChild.matches("text.t8");
const isRest = (part) => part.matches(".box:not(.again)") && part.querySelector("rect.thick");

/** @type {Map<LiveState, BoardBox>} */
const boxes = new Map();

/** @returns {BoardBox} */
function boxOf(group, place) {
  const rect = group.querySelector("rect");
  const [x, y, width, height] = numbersOf(rect, ["x", "y", "width", "height"]);
  const state = STATES[group.dataset.state];
  const box = { ...place, state, group, rect, x, y, width, height };
  boxes.set(state, box);
  return box;
}

// The parts of a lane in rows: those beside one another.
function rowsOf(parts) {
  /** @type {any[]} */
  const rows = [];
  const spans = parts.map((part) => ({ part, box: part.getBBox() }));
  for (const { part, box } of spans.sort((a, b) => a.box.y - b.box.y)) {
    const last = rows.at(-1);
    const bottom = box.y + box.height;
    if (last && box.y < last.bottom - 1) {
      last.parts.push(part);
      last.bottom = Math.max(last.bottom, bottom);
    } else rows.push({ parts: [part], top: box.y, bottom, opened: false, down: 0 });
  }
  return rows;
}

function restOf(part, lane) {
  const box = boxOf(part, { lane, row: null });
  box.words = drawn("g", {}, [...part.querySelectorAll("text")]);
  part.append(box.words);
  return box;
}

/** @returns {Lane} */
function laneOf(group) {
  const [head, ...parts] = group.children;
  const ground = head.querySelector("rect");
  const [y, full] = numbersOf(ground, ["y", "height"]);
  /** @type {Lane} */
  const lane = {
    ...{ group, ground, y, full, height: full, down: 0, rest: null, rows: [], notes: 0 },
    opened: false,
  };
  const inside = parts.filter((part) => !part.querySelector("text.f-ink-main.bold"));
  if (inside.length && isNotes(inside[0])) inside.shift().remove();
  const rest = inside.find(isRest);
  if (rest) lane.rest = restOf(rest, lane);
  lane.rows = rowsOf(inside.filter((part) => part !== rest));
  for (const row of lane.rows) {
    row.group = drawn("g", { class: "beside" }, row.parts);
    group.append(row.group);
    const own = row.group.querySelectorAll(".box:not(.again)");
    row.boxes = [...own].map((part) => boxOf(part, { lane, row }));
  }
  const tops = [...lane.rows.map(({ top }) => top), ...(lane.rest ? [lane.rest.y] : [])];
  lane.notes = Math.max(0, Math.min(...tops) - y - HEAD);
  return lane;
}

const lanes = [...board.querySelectorAll("[data-lane]")].map(laneOf);
const bands = new Map();
for (const lane of lanes) bands.set(lane.y, [...(bands.get(lane.y) ?? []), lane]);

let whole = !isLarge;
byId("whole").hidden = !isLarge;
byId("whole").addEventListener("click", () => {
  whole = !whole;
  for (const lane of lanes) for (const part of [...lane.rows, lane]) part.opened = false;
  changed();
});

const isHere = ({ state }) => countAt(state).here > 0 || (state.over && present.gone > 0);
const isFirst = (box) => present.here === 0 && box.state === STATES[0];

function unfold(lane) {
  for (const row of lane.rows) row.opened ||= row.boxes.some((box) => isHere(box) || isFirst(box));
  lane.opened ||= lane.rows.some(({ opened }) => opened) || Boolean(lane.rest && isHere(lane.rest));
}

function showRest(rest, top, height) {
  rest.rect.setAttribute("y", top);
  rest.rect.setAttribute("height", height);
  moveDown(rest.words, top + height / 2 - (rest.y + rest.height / 2));
  Object.assign(rest, { top, high: height });
}

/** @param {Lane} lane */
function layOutWhole(lane) {
  for (const row of lane.rows) row.down = -lane.notes;
  if (lane.rest) showRest(lane.rest, lane.rest.y - lane.notes, lane.rest.height);
  lane.height = lane.full - lane.notes;
}

/** @param {Lane} lane */
function layOutOpened(lane) {
  const top = lane.y + HEAD;
  let next = top;
  for (const row of lane.rows) {
    if (!row.opened) continue;
    row.down = next - row.top;
    next += row.bottom - row.top + ROOM;
  }
  const height = Math.max(next - ROOM - top, lane.rest ? LOWEST_REST : 0);
  if (lane.rest) showRest(lane.rest, top, height);
  lane.height = HEAD + height + ROOM;
}

function layOut(lane, shown) {
  if (!shown) lane.height = FOLDED;
  else if (whole) layOutWhole(lane);
  else layOutOpened(lane);
  lane.group.classList.toggle("folded", !shown);
  for (const row of lane.rows) {
    row.group.classList.toggle("closed", !whole && !row.opened);
    moveDown(row.group, row.down);
  }
}

// Lays the lanes out below one another again; lanes that began at one height stay beside one another.
function foldLanes() {
  let saved = 0;
  for (const band of bands.values()) {
    band.forEach(unfold);
    const shown = whole || band.some(({ opened }) => opened);
    for (const lane of band) layOut(lane, shown);
    const height = Math.max(...band.map((lane) => lane.height));
    for (const lane of band) {
      lane.down = -saved;
      moveDown(lane.group, lane.down);
      lane.ground.setAttribute("height", height);
    }
    saved += Math.max(...band.map(({ full }) => full)) - height;
  }
  const [x, y, width, height] = bounds;
  board.setAttribute("viewBox", `${x} ${y} ${width} ${height - saved}`);
  byId("whole").setAttribute("aria-pressed", String(whole));
}

// The upper edge and the height of a box as it is laid out now.
/** @param {BoardBox} box */
function placeOf({ lane, row, y, height, top, high }) {
  return row ? [y + row.down + lane.down, height] : [top + lane.down, high];
}
