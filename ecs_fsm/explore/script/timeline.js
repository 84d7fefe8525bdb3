// @ts-check
// The attributes over time: a column for each state entered and for each wait.

const COLUMN = 92;
const MOST_COLUMNS = 60;
const PRESENTED_COLUMNS = 8;
const TRACK = 28;
const TRACKS_LEFT = 84;
const TRACKS_TOP = 26;

/** @typedef {{ place: number, state: LifecycleState, event: string, failed: boolean, ahead?: boolean }} Column */

// What comes next, for the room to guess: a column of question marks until it is revealed.
/** @returns {Column[]} */
function nextColumn() {
  return ahead()
    .slice(0, 1)
    .map((state) => ({ place: Infinity, state, event: "", failed: false, ahead: true }));
}

function columns() {
  /** @type {Column[]} */
  const found = [];
  story.moments.forEach(({ event, nodes, node }, place) => {
    const entered = nodes.length || !event || !node ? nodes : [node];
    for (const [n, { state }] of entered.entries()) {
      const failed = event?.trigger?.kind === KIND.failure || Boolean(event?.hang);
      const text = n === 0 && event ? eventText(machine, event) : "";
      found.push({ place, state, event: text, failed });
    }
  });
  return found;
}

/** @param {Column} column */
function tracksOf({ state: { vmState, taskState, status }, ahead: isAhead }) {
  if (isAhead && !revealed()) return COLUMNS.map(() => ({ name: "?", tone: null }));
  return ONE_WORD ? [status] : [vmState, taskState ?? { name: NO_TASK }, status];
}

function brokenWord(word, most) {
  if (word.length <= most) return [word];
  const middle = [...word]
    .map((_, n) => n + 1)
    .filter((n) => "_-[,".includes(word[n - 1]) && n < word.length)
    .sort((one, other) => Math.abs(one - word.length / 2) - Math.abs(other - word.length / 2))[0];
  return middle ? [word.slice(0, middle), word.slice(middle)] : [word];
}

function lines(words, x, y, size, classes) {
  const first = y - ((words.length - 1) * size * 1.1) / 2;
  return words.map((text, n) =>
    drawn("text", { x, y: first + n * size * 1.1, class: classes }, text),
  );
}

function segment(word, track, [first, last], line) {
  const [x, y, width] = [
    TRACKS_LEFT + first * COLUMN,
    TRACKS_TOP + track * TRACK,
    (last - first) * COLUMN,
  ];
  const toned = word.tone ?? "faint";
  const box = {
    x: x + 1,
    y: y + 1,
    width: width - 2,
    height: TRACK - 4,
    rx: 4,
    class: `f-${toned}-fill s-${toned}-line${line}`,
  };
  const ink = word.tone ? `f-${toned}-ink bold` : "f-ink-main";
  return [
    drawn("rect", box),
    ...lines(
      brokenWord(word.name, Math.floor(width / 6.2)),
      x + width / 2,
      y + TRACK / 2 + 2,
      10,
      `${ink} t10 middle`,
    ),
  ];
}

// The names of the tracks, which stay in sight while the columns are scrolled.
function trackNames() {
  const height = COLUMNS.length * TRACK;
  const names = COLUMNS.flatMap((name, track) =>
    lines([name], 0, TRACKS_TOP + track * TRACK + TRACK / 2 + 2, 10, "f-ink-muted t10"),
  );
  const ground = { x: -1, y: TRACKS_TOP, width: TRACKS_LEFT, height, class: "names" };
  return drawn("g", { id: "track-names" }, drawn("rect", ground), ...names);
}

function trackParts(found, track) {
  const parts = [];
  for (let first = 0; first < found.length;) {
    const word = tracksOf(found[first])[track];
    let last = first + 1;
    while (last < found.length && !found[last].ahead && tracksOf(found[last])[track].name === word.name) last += 1;
    parts.push(...segment(word, track, [first, last], found[first].ahead ? " dashed" : ""));
    first = last;
  }
  return parts;
}

// A press on a column goes back to it.
function columnHits(found) {
  return found.filter(({ ahead: isAhead }) => !isAhead).map(({ place }, n) =>
    drawn("rect", {
      x: TRACKS_LEFT + n * COLUMN,
      y: 0,
      width: COLUMN,
      height: TRACKS_TOP + COLUMNS.length * TRACK,
      class: "hit",
      "data-place": place,
      onclick: () => move(place),
    }),
  );
}

function eventLabels(found) {
  return found.flatMap(({ place, event, failed }, n) => {
    const x = TRACKS_LEFT + n * COLUMN;
    const ink = failed ? "f-ink-failure" : "f-ink-request";
    if (event && story.moments[place].event?.trigger === machine.onward)
      return [drawn("path", { d: `M${x} ${TRACKS_TOP - 13}l6 4l-6 4z`, class: "f-ink-muted onward" })];
    return event
      ? [
          drawn("path", {
            d: `M${x} ${TRACKS_TOP - 6}V${TRACKS_TOP + COLUMNS.length * TRACK}`,
            class: "s-edge dashed",
          }),
          ...lines(brokenWord(event, 16), x + 3, TRACKS_TOP - 12, 10, `${ink} t10`),
        ]
      : [];
  });
}

// The x coordinate of a time, counted in events from the start of the run.
function acrossTime(found, time) {
  const [event, part] = [Math.floor(time), time - Math.floor(time)];
  const last = Math.max(
    found.findLastIndex(({ place }) => place <= event),
    0,
  );
  const passing = passingBy(story.moments[event + 1], part);
  return TRACKS_LEFT + (passing < 0 ? last + 0.1 + part * 0.8 : last + 1.5 + passing) * COLUMN;
}

function pollMarks(found) {
  return polls().map(({ time, verdict }) =>
    drawn("circle", {
      cx: acrossTime(found, time),
      cy: TRACKS_TOP + COLUMNS.length * TRACK + 8,
      r: 4,
      class: `s-ink-main f-${verdict === GO_ON ? "page" : verdict === SUCCEEDS ? "green-line" : "ink-failure"}`,
    }),
  );
}

function timeline(found) {
  const width = TRACKS_LEFT + Math.max(found.length, presenting() ? PRESENTED_COLUMNS + 1 : 1) * COLUMN + 8;
  const height = TRACKS_TOP + COLUMNS.length * TRACK + (view.poll.since === null ? 2 : 16);
  return drawn(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label":
        `${COLUMNS.join(", ").replace(/, ([^,]*)$/, " and $1")} over time; the history panel has the same as a table`,
    },
    ...eventLabels(found),
    ...COLUMNS.flatMap((_, track) => trackParts(found, track)),
    ...pollMarks(found),
    ...columnHits(found),
    trackNames(),
  );
}

byId("timeline").addEventListener("scroll", () => {
  byId("track-names").setAttribute("transform", `translate(${byId("timeline").scrollLeft})`);
});

function showTimeline() {
  const box = byId("timeline");
  const found = presenting() ? [...columns().slice(-PRESENTED_COLUMNS), ...nextColumn()] : columns();
  box.replaceChildren(timeline(found.slice(-MOST_COLUMNS)));
  requestAnimationFrame(() => {
    box.scrollLeft = box.scrollWidth;
  });
}

part((before) => {
  if (before.run !== view.run || before.poll !== view.poll) showTimeline();
});
