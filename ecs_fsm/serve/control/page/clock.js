// @ts-check
// The simulated clock: it runs by itself, or advances when a button is pressed.

function speedText() {
  if (time.speed === null) return "";
  if (time.speed === 0) return "Stopped: press a button to advance it.";
  return time.speed === 1 ? "as fast as a real clock" : `${time.speed} times as fast as a real clock`;
}

function showTime() {
  if (time.speed !== null) setText(byId("time"), clockTime(nowTime()));
}

async function advance(body) {
  const answer = await call("POST", "advance", body);
  if (!answer) return;
  setTime(answer.now, time.speed);
  readDetail();
  say(`It is ${clockTime(answer.now)}: ${answer.events} ${answer.events === 1 ? "step" : "steps"} ended.`);
}

byId("one-step").addEventListener("click", () => advance({ steps: 1 }));
byId("half-minute").addEventListener("click", () => advance({ seconds: 30 }));

part(() => {
  showTime();
  setText(byId("speed"), speedText());
  byId("stands").hidden = time.speed !== 0;
});
setInterval(() => time.speed && showTime(), 200);
