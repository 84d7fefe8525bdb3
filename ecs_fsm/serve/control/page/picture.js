// @ts-check
// The picture: how many servers are in each state; a few servers are shown as dots too.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const LEAVING = 1500;
const HIGH = 60;
const [SEAT_HEIGHT, LONGEST_NAME, LETTER] = [12, 11, 4.9];
const layer = drawn("g", { id: "tokens" });
board.append(layer);

/** @returns {BoardBox} */
const boxAt = (state) => /** @type {BoardBox} */ (boxes.get(state));

function makeMark({ place }) {
  const mark = drawn("g", { class: "mark", "data-at": place }, drawn("rect"), drawn("text"));
  layer.after(mark);
  return mark;
}

const markWidth = (text) => Math.max(text.length * 5.6 + 8, 15);

function writeMark(mark, text, right, middle) {
  const width = markWidth(text);
  mark.classList.toggle("none", !text);
  const [ground, words] = mark.children;
  for (const [name, value] of Object.entries({ x: -width, y: -6.5, width, height: 13, rx: 6.5 }))
    ground.setAttribute(name, value);
  words.setAttribute("x", -width / 2);
  words.setAttribute("y", 3.4);
  words.textContent = text;
  mark.setAttribute("transform", `translate(${right} ${middle})`);
}

function countText({ here, hang }) {
  const hanging = hang === 1 ? "1 hangs" : `${hang} hang`;
  if (!hang) return here ? String(here) : "";
  return here === hang ? hanging : `${here}, ${hanging}`;
}

/** @param {LiveState} state @param {BoardBox} box */
function showCount(state, box) {
  const count = countAt(state);
  const text = countText(count);
  if (!text && !box.mark) {
    box.text = text;
    return;
  }
  const [upper, height] = placeOf(box);
  const right = Math.max(box.width - 4, markWidth(text));
  const place = height > HIGH ? upper + 11 : upper + height + 5;
  if (text === box.text && place === box.place) return;
  if (box.text !== undefined && text && text !== box.text && !still.matches)
    box.rect.animate([{ strokeWidth: "7px" }, {}], { duration: 500, easing: "ease-out" });
  Object.assign(box, { text, place });
  box.mark ??= makeMark(state);
  box.mark.classList.toggle("hung", count.hang > 0);
  box.group.classList.toggle("hung", count.hang > 0);
  writeMark(box.mark, text, box.x + right, place);
}

// The dots.

/** @type {Map<string, any>} */
const tokens = new Map();

function makeToken(server) {
  const token = drawn(
    "g",
    { class: "token", "data-server": server.id },
    drawn("title"),
    drawn("rect", { height: 10, rx: 5, y: -5 }),
    drawn("circle", { cx: 5, r: 3 }),
    drawn("text", { class: "t8", x: 10.5, y: 2.8 }),
  );
  layer.append(token);
  return token;
}

function shortName(name) {
  const letters = [...name];
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME - 1).join("")}…` : name;
}

// Writes the label of a dot and returns its width.
function writeToken(token, { name, hangs, id }, named) {
  const [title, ground, , label] = token.children;
  const text = named ? (hangs ? "! " : "") + shortName(name) : hangs ? "!" : "";
  setText(title, hangs ? `${name} hangs` : name);
  setText(label, text);
  const width = text ? 14 + [...text].length * LETTER : 10;
  ground.setAttribute("width", width);
  token.classList.toggle("hangs", hangs);
  token.classList.toggle("chosen", id === chosen);
  return width;
}

// Places the servers of a state along the lower edge of its box, in a high box in rows at its top.
/** @param {BoardBox} box @param {LiveServer[]} sitting @param {boolean} named */
function seat(box, sitting, named) {
  const [upper, height] = placeOf(box);
  const high = height > HIGH;
  const [left, right] = [box.x + 4, box.x + box.width - markWidth(box.text ?? "") - 4];
  const top = upper + (high ? 11 : height + 5);
  const most = high ? Math.max(1, Math.floor((height / 2 - 22) / SEAT_HEIGHT)) : 1;
  let [x, row] = [left, 0];
  for (const server of sitting) {
    const token = tokens.get(server.id);
    let width = writeToken(token, server, named);
    if (left + width > right) width = writeToken(token, server, false);
    if (x > left && x + width > right) [x, row] = [left, row + 1];
    token.classList.toggle("packed", row >= most);
    token.dataset.state = box.state.place;
    token.style.transform = `translate(${x}px, ${top + Math.min(row, most - 1) * SEAT_HEIGHT}px)`;
    x += width + 2;
  }
}

function leave(id, token) {
  token.classList.add("leaving");
  tokens.delete(id);
  setTimeout(() => token.remove(), LEAVING);
}

function showTokens(now) {
  if (present.here > MOST_DOTS) {
    for (const token of tokens.values()) token.remove();
    tokens.clear();
    return;
  }
  /** @type {Map<LiveState, LiveServer[]>} */
  const sitting = new Map();
  for (const server of servers.values()) {
    const passing = server.gone && tokens.has(server.id);
    if (server.gone && !passing) continue;
    if (!tokens.has(server.id)) tokens.set(server.id, makeToken(server));
    sitting.set(server.state, [...(sitting.get(server.state) ?? []), server]);
  }
  for (const [state, here] of sitting) seat(boxAt(state), here, present.here <= MOST_NAMED);
  for (const { id, gone, forgotten } of now) {
    if ((gone || forgotten) && tokens.has(id)) leave(id, tokens.get(id));
  }
}

// Scrolls a picture that is larger than its frame to the chosen server.
function follow() {
  const server = chosenServer();
  const scroller = board.parentElement;
  if (!server || !scroller) return;
  const seen = scroller.getBoundingClientRect();
  const box = boxAt(server.state).rect.getBoundingClientRect();
  const away = (near, far, from, to) => (near < from || far > to ? near - from - 40 : 0);
  scroller.scrollBy({
    left: away(box.left, box.right, seen.left, seen.right),
    top: away(box.top, Math.min(box.bottom, box.top + 60), seen.top, seen.bottom),
    behavior: still.matches ? "auto" : "smooth",
  });
}

part((now) => {
  foldLanes();
  for (const [state, box] of boxes) showCount(state, box);
  showTokens(now);
  if ([...now].some(({ id }) => id === chosen)) follow();
});

board.addEventListener("click", ({ target }) => {
  const token = closest(target, "[data-server]");
  const box = closest(target, "[data-state]");
  if (token) choose(token.dataset.server ?? null);
  else if (box) filterState(STATES[Number(box.dataset.state)]);
});
