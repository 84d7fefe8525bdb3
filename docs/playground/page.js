// The page: it asks the worker one question after the other, and shows what comes back.
const MOST_BYTES = 20_000_000;
const EXAMPLES = [
  ["command", "simulate create stop resize:fail@resize_finish rebuild delete"],
  ["command", "check --operation rebuild --target ACTIVE --from stopped/-"],
  ["command", "infer resize --as python"],
  ["command", "explain active/powering-off"],
  ["command", "path ACTIVE VERIFY_RESIZE"],
  ["command", "prove status-tells-task"],
  ["command", "draw operation resize -o resize.svg"],
  ["command", "replay example.csv"],
  ["python", "from ecs_fsm import Server\nserver = Server.create()\nserver.run()\nserver.stop()\nserver"],
];
const RECORDING = "time,server,vm_state,task_state\n" +
  "2026-03-01T10:00:00Z,vm-1,active,\n2026-03-01T10:00:30Z,vm-1,active,powering-off\n" +
  "2026-03-01T10:00:50Z,vm-1,stopped,\n2026-03-01T10:02:00Z,vm-1,active,\n";

const at = id => document.getElementById(id);
const fields = { command: at("line"), python: at("text") };
let worker;
let waiting = [];

/** A worker made of a text of this page keeps to the content policy of this page. */
function start() {
  const script = JSON.stringify(new URL("worker.js", import.meta.url).href);
  const source = `const early = []; onmessage = event => early.push(event);
    import(${script}).then(({ begin }) => begin(early), e => postMessage({ broken: e }));`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  at("state").textContent = "Python starts …";
  worker = new Worker(address, { type: "module" });
  worker.onmessage = ({ data }) => {
    if (data.answer) {
      show(waiting.shift(), data.answer);
      busy();
    } else {
      at("state").textContent = data.ready ?? `Python does not start: ${data.broken}`;
      for (const article of data.broken ? waiting.splice(0) : []) {
        article.querySelector("pre").textContent = "not answered";
      }
    }
  };
  worker.postMessage({ file: "example.csv", bytes: new TextEncoder().encode(RECORDING) });
}

function busy() {
  at("stop").disabled = waiting.length === 0;
  at("answers").setAttribute("aria-busy", String(waiting.length > 0));
}

function run(prompt, text) {
  if (!text.trim()) {
    return;
  }
  const article = document.createElement("article");
  const title = document.createElement("h2");
  const words = document.createElement("span");
  words.textContent = prompt === "command" ? `$ ecs-fsm ${bare(text)}` : `>>> ${text}`;
  const link = document.createElement("a");
  link.href = `#${prompt}=${encodeURIComponent(text)}`;
  link.textContent = "link to this";
  title.append(words, link);
  const printed = document.createElement("pre");
  printed.textContent = "…";
  article.append(title, printed);
  at("answers").prepend(article);
  waiting.push(article);
  worker.postMessage({ prompt, text });
  busy();
}

const bare = text => text.trim().replace(/^(\$ *)?(ecs-fsm +)?/, "");

function show(article, { text, code, pictures }) {
  const printed = article.querySelector("pre");
  printed.textContent = text + (code ? `(exit code ${code})` : "");
  printed.hidden = !printed.textContent;
  for (const [name, svg] of pictures) {
    const image = document.createElement("img");
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    image.alt = name || "the picture";
    article.append(image);
  }
}

function stop() {
  worker.terminate();
  for (const article of waiting) {
    article.querySelector("pre").textContent = "stopped; Python starts anew and forgets its names";
  }
  waiting = [];
  start();
  busy();
}

async function replay(file) {
  if (!file) {
    return;
  }
  if (file.size > MOST_BYTES) {
    at("state").textContent = `${file.name}: expected at most ${MOST_BYTES / 1e6} MB`;
    return;
  }
  const name = file.name.replace(/[^\w.-]/g, "_").replace(/^[.-]+/, "") || "recording";
  worker.postMessage({ file: name, bytes: new Uint8Array(await file.arrayBuffer()) });
  fields.command.value = `replay ${name}`;
  run("command", fields.command.value);
}

/** A link fills in a prompt; it runs when the reader says so. */
function follow() {
  const [, prompt, text] = location.hash.match(/^#(command|python)=(.*)$/) ?? [];
  if (prompt) {
    try {
      fields[prompt].value = decodeURIComponent(text);
      fields[prompt].focus();
    } catch {
      at("state").textContent = "the link is damaged";
    }
  }
}

for (const prompt of Object.keys(fields)) {
  at(prompt).addEventListener("submit", event => {
    event.preventDefault();
    run(prompt, fields[prompt].value);
  });
}
fields.python.addEventListener("keydown", event => {
  if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    run("python", fields.python.value);
  }
});
for (const [prompt, text] of EXAMPLES) {
  const button = document.createElement("button");
  button.textContent = prompt === "command" ? text : "a server in Python";
  button.addEventListener("click", () => {
    fields[prompt].value = text;
    run(prompt, text);
  });
  at("examples").append(button);
}
at("stop").addEventListener("click", stop);
at("clear").addEventListener("click", () => {
  for (const article of [...at("answers").children].filter(each => !waiting.includes(each))) {
    article.remove();
  }
});
at("file").addEventListener("change", () => replay(at("file").files[0]));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, event => {
    event.preventDefault();
    document.body.classList.toggle("dropping", name === "dragover");
  });
}
document.addEventListener("drop", event => replay(event.dataTransfer.files[0]));
addEventListener("hashchange", follow);
if (location.protocol === "file:") {
  at("state").textContent = "A browser runs no Python from a file. Serve the documentation: " +
    "python -m http.server --directory docs/_build/html";
  for (const button of document.querySelectorAll("button")) {
    button.disabled = true;
  }
} else {
  start();
  follow();
}
