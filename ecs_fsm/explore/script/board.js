// @ts-check
// The picture of the lanes: where the server is, where it was, and which steps lead on from there.

const board = byId("board");
/** @returns {HTMLElement[]} */
const inBoard = (selector) => [...board.querySelectorAll(selector)];
const boxes = inBoard("[data-state]");
const arrows = inBoard("[data-transitions]").map((part) => ({
  part,
  transitions: numberedBy(part, "transitions").map((n) => machine.transitions[n]),
}));
const chips = inBoard("[data-trigger]");
const lanes = new Map(inBoard("[data-lane]").map((lane) => [Number(lane.dataset.lane), lane]));
const legends = [...byId("legends").children].map((list) => /** @type {HTMLElement} */ (list));
const wholeBoard = board.getAttribute("viewBox") ?? "";
const ownBox = new Map(
  boxes
    .filter((box) => !box.classList.contains("again"))
    .map((box) => [stateOf(box), box]),
);
const LARGE_BOARD = 1500;
// A legend of one lane is long: it stands below the lane.
for (const list of legends) if ("lane" in list.dataset) byId("lanes").append(list);
// One of all lanes says only what the marks mean that are seen.
const shared = legends.filter((list) => !("lane" in list.dataset)).flatMap(itemsOf);

/** @param {HTMLElement} list @returns {HTMLElement[]} */
function itemsOf(list) {
  return [...list.children].map((item) => /** @type {HTMLElement} */ (item));
}

/** @param {Element} part @returns {string[]} */
function marksIn(part) {
  return [...part.querySelectorAll('[class^="mark-"] text')].flatMap((text) => (text.textContent ?? "").split(" "));
}

// The numbers in a data attribute of the picture, by which it names states and transitions.
function numberedBy(part, attribute) {
  return part.dataset[attribute].split(",").map(Number);
}

/** @returns {LifecycleState} */
function stateOf(box) {
  return machine.states[numberedBy(box, "state")[0]];
}

/** @returns {Trigger} */
function triggerOf(chip) {
  return machine.triggers[numberedBy(chip, "trigger")[0]];
}

// Whether the server can take this transition now.
function leadsOn(transition) {
  if (transition.source !== story.state || story.obstacle(transition.trigger) !== null)
    return false;
  return !story.node || machine.possible(transition.trigger, story.node).includes(transition);
}

// The row of the last request, in which its operation runs or ran.
function lastRow() {
  const asked = [...story.moments]
    .reverse()
    .find(({ event }) => event?.trigger?.kind === KIND.request)?.event?.trigger;
  const from = [...story.moments].reverse().find(({ event }) => event?.trigger === asked);
  const before = from && story.moments[story.moments.indexOf(from) - 1]?.node?.state;
  const lane = lanes.get(before ? before.lane : (machine.creations[0] === asked ? firstLane() : -1));
  if (!asked || !lane) return null;
  return [...lane.querySelectorAll(`[data-trigger="${asked.index}"]`)].map((chip) =>
    chip.closest(".row"),
  )[0] ?? null;
}

const rowNow = () => (story.running ? lastRow() : null);

// A band was seen if one of the boxes behind it was.
function showBands(row) {
  let behind = false;
  for (const part of [...row.querySelectorAll(".band, .box")].reverse()) {
    if (part.matches(".band")) {
      part.classList.toggle("been", behind);
      behind = false;
    } else behind ||= part.matches(".been, .here");
  }
}

function firstLane() {
  const [created] = machine.find(machine.creations[0], null);
  return created.path[0].lane;
}

part((before) => {
  const been = new Set(story.moments.flatMap(({ nodes }) => nodes.map(({ state }) => state)));
  const [row, last] = [rowNow(), lastRow()];
  const inRow = last ? [...last.querySelectorAll(".box")].map((box) => /** @type {HTMLElement} */ (box)) : [];
  const entered = new Set(operationNow()?.entered);
  const here = inRow.find((box) => row && stateOf(box) === story.state) ?? ownBox.get(/** @type {any} */ (story.state));
  for (const box of boxes) {
    const same = stateOf(box) === story.state;
    const own = ownBox.get(stateOf(box)) === box;
    const passed = inRow.includes(box) && entered.has(stateOf(box));
    box.classList.toggle("been", passed || (own && been.has(stateOf(box))));
    box.classList.toggle("here", box === here);
    box.classList.toggle("alike", same && box !== here && own);
    box.classList.toggle("hung", box === here && story.hung);
  }
  for (const each of inBoard(".row")) {
    each.classList.toggle("running", each === row);
    showBands(each);
  }
  for (const { part: each, transitions } of arrows) {
    each.classList.toggle("open", transitions.some(leadsOn));
  }
  for (const chip of chips) {
    const lane = Number(/** @type {any} */ (chip.closest("[data-lane]")).dataset.lane);
    const source = story.state ? story.state.lane : firstLane();
    chip.classList.toggle("open", lane === source && story.obstacle(triggerOf(chip)) === null);
  }
  if (before.run !== view.run || before.whole !== view.whole) frame();
});

function showsWhole() {
  return view.whole ?? Number(wholeBoard.split(" ")[3]) < LARGE_BOARD;
}

// Show the whole, or the lane in which the server is.
function frame() {
  const whole = showsWhole();
  const running = rowNow()?.closest("[data-lane]");
  const own = story.state ? story.state.lane : firstLane();
  const number = running ? Number(/** @type {HTMLElement} */ (running).dataset.lane) : own;
  const lane = lanes.get(number);
  const ground = lane?.querySelector(".lane rect");
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) =>
    Number(ground?.getAttribute(name)),
  );
  const seen = whole ? wholeBoard : `${x - 4} ${y - 4} ${width + 8} ${height + 8}`;
  if (board.getAttribute("viewBox") !== seen) board.setAttribute("viewBox", seen);
  for (const each of lanes.values()) each.classList.toggle("closed", !whole && each !== lane);
  for (const list of legends) list.hidden = "lane" in list.dataset && Number(list.dataset.lane) !== number;
  const marks = marksIn(whole || !lane ? board : lane);
  for (const item of shared) item.hidden = !marks.includes(item.firstElementChild?.textContent ?? "");
  byId("picture").classList.toggle("lanes-too", view.whole === true);
  byId("whole").setAttribute("aria-pressed", String(upright.matches ? view.whole === true : whole));
  requestAnimationFrame(follow);
}

// Where the picture is larger than its place, move it to the server.
function follow() {
  const here = board.querySelector(".here");
  const scroller = byId("lanes");
  if (!here) return;
  const [box, seen] = [here.getBoundingClientRect(), scroller.getBoundingClientRect()];
  if (scroller.scrollWidth > scroller.clientWidth)
    scroller.scrollLeft += box.left + box.width / 2 - seen.left - seen.width / 2;
  if (scroller.scrollHeight > scroller.clientHeight && (box.top < seen.top || box.bottom > seen.bottom))
    scroller.scrollTop += box.top + Math.min(box.height, 60) / 2 - seen.top - seen.height / 2;
}

function describe(state) {
  const { name, status, vmState, taskState } = state;
  const shown = name === status.name ? "" : ` ${COLUMNS.at(-1)} ${status.name}.`;
  const amiss = [...new Set(waysOut(state).map(({ trigger, end }) => `${trigger.name} → ${end.status.name}`))];
  const ends = amiss.length ? ` It may also end by ${amiss.join(", ")}.` : "";
  return `${name}:${shown} ${vmState.meaning} ${taskState ? taskState.meaning : ""}${ends}`;
}

// What can end a step otherwise than it should, each with the state at the end of its path.
/** @param {LifecycleState} state @returns {{ trigger: Trigger, end: LifecycleState }[]} */
function waysOut(state) {
  return machine.triggers
    .filter(({ kind }) => kind === KIND.failure)
    .flatMap((trigger) =>
      machine
        .find(trigger, state)
        .flatMap(({ path }) => (path.length ? [{ trigger, end: path[path.length - 1] }] : [])),
    );
}

function pressBoard(target) {
  const chip = closest(target, "[data-trigger]");
  if (chip) return fire(triggerOf(chip));
  const pressed = closest(target, "[data-transitions]");
  const open = arrows.find(({ part: each }) => each === pressed)?.transitions.filter(leadsOn) ?? [];
  if (open.length) {
    const triggers = [...new Set(open.map(({ trigger }) => trigger))];
    return triggers.length > 1 ? chooseTrigger(triggers) : fire(triggers[0]);
  }
  const box = closest(target, "[data-state]");
  if (box) say(describe(stateOf(box)));
  return undefined;
}

board.addEventListener("click", (event) => pressBoard(event.target));
// On a narrow screen the running operation stands upright in place of the lanes, until they are shown.
const upright = matchMedia("(max-width: 700px)");
byId("whole").addEventListener("click", () => change({ whole: !(upright.matches ? view.whole : showsWhole()) }));
