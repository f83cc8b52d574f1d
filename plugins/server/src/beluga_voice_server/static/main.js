// The page: what is pressed, and what is shown.

import { microphones, Sound } from "./audio.js";
import { Call, kept } from "./call.js";
import { Conversation } from "./conversation.js";
import { byId, element, warn } from "./element.js";
import { JournalView } from "./journal.js";
import { Lanes } from "./lanes.js";

const STATES = {
  listening: "Listening",
  processing: "Thinking",
  speaking: "Speaking",
  away: "Are you still there?",
  ended: "The call has ended",
};
const REFUSED = {
  key_missing: "This server asks for its key. Enter it below, then call.",
  key_wrong: "This is not the server's key.",
  not_public: "This server takes calls from its own machine alone.",
  full: "All lines are taken. Try again in a moment.",
  busy: "The server is busy. Try again in a moment.",
  session_ended: "That call has ended.",
};
const OVER = {
  taken_over: "The call goes on in another window",
  idle: "Nothing came from you for too long",
  lost: "The connection was lost",
};

const conversation = new Conversation(byId("conversation"), byId("empty"));
const lanes = new Lanes(byId("lanes"));
const about = fetch("page.json").then((response) => response.json());
const journal = new JournalView(about.then((told) => told.explain));
let sound = null;
let call = null;

// -- the call --

async function start(token) {
  warn(byId("problem"), "");
  sound ??= new Sound();
  const told = await about.catch(() => null);
  if (!told) return warn(byId("problem"), "The server does not answer.");
  call = new Call(sound, told.transports, show);
  const mine = call;
  look({ calling: true });
  byId("downloads").hidden = true;
  if (!token) conversation.restart();
  try {
    await openMicrophone();
    await sound.ready();
    await call.begin({ token, profile: byId("profile").value, key: byId("key").value });
  } catch (error) {
    if (call === mine && mine.live) {
      mine.live = false;
      kept.forget();
      byId("keys").hidden = !["key_missing", "key_wrong"].includes(error.code);
      if (!token) warn(byId("problem"), REFUSED[error.code] ?? error.message);
      over({});
    }
  }
  return undefined;
}

async function openMicrophone() {
  try {
    await sound.listen(byId("microphone").value);
    await listMicrophones();
  } catch (error) {
    const reasons = {
      NotAllowedError: "The microphone is not allowed. Allow it in the browser's address bar; you can write meanwhile.",
      NotFoundError: "There is no microphone. You can write.",
    };
    const insecure = "Browsers give the microphone to pages over HTTPS or of this machine alone. You can write.";
    warn(byId("problem"), navigator.mediaDevices ? (reasons[error.name] ?? `The microphone: ${error.message}`) : insecure);
  }
}

function show(message) {
  const handlers = {
    connecting: ({ again }) => state(again ? "connecting" : "connecting", again ? "Back in a moment" : "Connecting"),
    connected: ({ wire, ms, instead }) => {
      byId("wire").textContent = `${wire} · connected in ${ms} ms${instead ? ` · WebRTC: ${instead.message}` : ""}`;
      byId("wire").dataset.wire = wire;
      look({ talking: true });
    },
    welcome: ({ resumed, history, state: now }) => {
      if (resumed) conversation.restart(history);
      state(now, STATES[now]);
    },
    state: ({ state: now }) => call.live && state(now, STATES[now]),
    barge_in: () => (lanes.mark = true),
    error: ({ message: text }) => conversation.note(text),
    over,
    left: ({ session }) => session && !call.live && offerDownloads(session),
  };
  handlers[message.type]?.(message);
  conversation.show(message);
  document.dispatchEvent(new CustomEvent("beluga-voice", { detail: message }));
}

function over({ code }) {
  look({});
  state("idle", OVER[code] ?? (code ? STATES.ended : "Press to talk"));
  byId("wire").textContent = "";
  sound?.close();
  conversation.settle();
}

async function offerDownloads(session) {
  const told = await about;
  if (!told.keeps) return;
  const at = (name) => `calls/${encodeURIComponent(session)}/${name}`;
  byId("get-recording").href = at("recording.wav");
  byId("get-journal").href = at("journal.jsonl");
  const answered = await fetch(at("journal.jsonl"), { method: "HEAD" });
  byId("downloads").hidden = !answered.ok;
}

function state(name, label) {
  byId("orb").dataset.state = name;
  if (label) byId("state").textContent = label;
}

function look({ calling = false, talking = false }) {
  const on = calling || talking;
  byId("call").dataset.on = on;
  byId("call-label").textContent = on ? "Hang up" : "Call";
  byId("mute").disabled = !talking || !sound?.track;
  byId("text").disabled = byId("writing").lastElementChild.disabled = !talking;
  byId("profile").disabled = byId("key").disabled = on;
  if (!on) mute(false);
  if (on) animate();
}

function mute(on) {
  byId("mute").setAttribute("aria-pressed", on);
  byId("mute").textContent = on ? "Muted" : "Mute";
  if (sound?.track) sound.track.enabled = !on;
}

// -- how loud --

let animated = 0;
let lastPush = 0;
let lastTold = 0;

function animate() {
  cancelAnimationFrame(animated);
  const loop = (now) => {
    const caller = sound.level("caller");
    const agent = sound.level("agent");
    byId("orb").style.setProperty("--level", Math.max(agent, caller * 0.8).toFixed(3));
    for (const [id, level] of [["meter-caller", caller], ["meter-agent", agent]]) {
      byId(id).firstElementChild.style.width = `${100 * level}%`;
      if (now - lastTold > 1000) byId(id).setAttribute("aria-valuenow", Math.round(100 * level));
    }
    if (now - lastTold > 1000) lastTold = now;
    if (now - lastPush >= 50) {
      lastPush = now;
      lanes.push(caller, agent);
    }
    if (call?.live) animated = requestAnimationFrame(loop);
    else still();
  };
  animated = requestAnimationFrame(loop);
}

function still() {
  byId("orb").style.setProperty("--level", 0);
  for (const id of ["meter-caller", "meter-agent"]) {
    byId(id).firstElementChild.style.width = 0;
    byId(id).setAttribute("aria-valuenow", 0);
  }
}

// -- what is chosen --

async function listMicrophones() {
  const menu = byId("microphone");
  const chosen = sound?.track?.getSettings().deviceId ?? menu.value;
  const found = await microphones();
  menu.replaceChildren(element("option", { value: "", text: "Default" }));
  for (const each of found) {
    if (each.deviceId !== "default") menu.append(element("option", { value: each.deviceId, text: each.label }));
  }
  if ([...menu.options].some((option) => option.value === chosen)) menu.value = chosen;
}

byId("microphone").addEventListener("change", async () => {
  if (!call?.live) return;
  await openMicrophone();
  call.wire?.changed();
});
navigator.mediaDevices?.addEventListener("devicechange", listMicrophones);
byId("call").addEventListener("click", () => (call?.live ? call.hangUp() : start()));
byId("mute").addEventListener("click", () => mute(byId("mute").getAttribute("aria-pressed") !== "true"));
byId("writing").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  if (text) call?.send({ type: "text", text });
  byId("text").value = "";
});
byId("keys").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!call?.live) start();
});
byId("walk").addEventListener("click", async () => {
  const response = await fetch(byId("get-journal").href);
  journal.open(await response.text());
  choose("journal");
});

// -- views and colours --

function choose(view) {
  for (const name of ["talk", "journal"]) {
    const tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", name === view);
    tab.tabIndex = name === view ? 0 : -1;
    byId(name).hidden = name !== view;
  }
}

for (const name of ["talk", "journal"]) {
  byId(`tab-${name}`).addEventListener("click", () => choose(name));
  byId(`tab-${name}`).addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = name === "talk" ? "journal" : "talk";
    choose(other);
    byId(`tab-${other}`).focus();
  });
}

function dress(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  lanes.draw();
}
byId("theme").addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  localStorage.setItem("beluga-voice.theme", next);
  dress(next);
});
dress(localStorage.getItem("beluga-voice.theme"));
addEventListener("resize", () => lanes.draw());

// -- what the server says of itself --

about.then((told) => {
  byId("about").textContent = `beluga-voice ${told.version} · ${told.transports.join(", ")}`;
  if (!told.open && told.key) byId("keys").hidden = false;
  for (const name of told.profiles) byId("profile").append(element("option", { value: name, text: name }));
  byId("profiles").hidden = !told.profiles.length;
  tellWhatToSay(told.hearing);
});

function tellWhatToSay({ provider, sentences, grammar, others }) {
  for (const each of sentences) {
    const chip = element("button", { type: "button", text: each });
    chip.addEventListener("click", () => call?.live && call.send({ type: "text", text: each }));
    byId("sentences").append(element("li", {}, chip));
  }
  if (!grammar && provider !== "pocketsphinx") return;
  const advice = grammar
    ? [`The recognizer ${provider} follows a grammar, and takes all else for one of its sentences. `]
    : [`The offline recognizer ${provider} gets a fifth to a third of free speech wrong. With a grammar it errs far less: `,
        element("code", { text: "beluga-voice serve --set stt.grammar=FILE" }), " "];
  advice.push("For a recognizer that hears everything, install its plugin and name it: ");
  advice.push(element("code", { text: `beluga-voice serve --set stt=${others[0] ?? "NAME"}` }));
  byId("hints").hidden = false;
  if (!grammar) byId("hints-title").textContent = "Who listens";
  byId("sentences").hidden = !sentences.length;
  byId("advice").replaceChildren(...advice);
}

listMicrophones();
if (kept.get()) start(kept.get());
