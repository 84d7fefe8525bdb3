// @ts-check
// The lanes of the picture. A high picture is folded to the lanes and rows in which a server was.

const FOLDED = 20;
const HEAD = 18;
const ROOM = 6;
const LOWEST_REST = 76;
const LARGE_BOARD = 1500;

const board = byId("board");
const bounds = (board.getAttribute("viewBox") ?? "").split(" ").map(Number);
const isLarge = bounds[3] > LARGE_BOARD;
const numbersOf = (node, names) => names.map((name) => Number(node.getAttribute(name)));
const moveDown = (node, down) => node.setAttribute("transform", `translate(0 ${down})`);

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

/** @returns {LaneRow} */
function rowOf(group, lane) {
  const [top, bottom] = group.dataset.row.split(" ").map(Number);
  /** @type {LaneRow} */
  const row = { group, top, bottom, opened: false, down: 0, boxes: [] };
  row.boxes = [...group.querySelectorAll(".box:not(.again)")].map((part) => boxOf(part, { lane, row }));
  return row;
}

function restOf(part, lane) {
  const box = boxOf(part, { lane, row: null });
  box.words = drawn("g", {}, [...part.querySelectorAll("text")]);
  part.append(box.words);
  return box;
}

/** @returns {Lane} */
function laneOf(group) {
  const ground = group.querySelector(".lane rect");
  const [y, full] = numbersOf(ground, ["y", "height"]);
  /** @type {Lane} */
  const lane = { group, ground, y, full, height: full, down: 0, rest: null, rows: [], opened: false };
  const rest = group.querySelector(".rest");
  if (rest) lane.rest = restOf(rest, lane);
  lane.rows = [...group.querySelectorAll(".row")].map((row) => rowOf(row, lane));
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
  for (const row of lane.rows) row.down = 0;
  if (lane.rest) showRest(lane.rest, lane.rest.y, lane.rest.height);
  lane.height = lane.full;
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
  lane.group.classList.toggle("whole", whole);
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
