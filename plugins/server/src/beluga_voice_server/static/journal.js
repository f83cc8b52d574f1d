// A journal, walked through decision by decision. It is read here; the sentences come from the server's own templates.

import { byId, element, warn } from "./element.js";

const LONGEST = 400;
const SHOWN = 2000; // decisions; more would make the list slow
const SVG = "http://www.w3.org/2000/svg";

export class JournalView {
  constructor(templates) {
    this.templates = templates;
    this.decisions = [];
    byId("file").addEventListener("change", async ({ target }) => {
      const [file] = target.files;
      if (file) await this.open(await file.text());
      target.value = "";
    });
    byId("details").addEventListener("change", () => this.journal && this.fill());
    byId("moment").addEventListener("input", ({ target }) => this.choose(Number(target.value)));
    byId("decisions").addEventListener("keydown", (event) => this.walk(event));
  }

  async open(text) {
    warn(byId("journal-problem"), "");
    try {
      this.journal = read(text);
      this.explain = await this.templates;
      this.fill();
      byId("walkthrough").hidden = false;
    } catch (error) {
      byId("walkthrough").hidden = true;
      warn(byId("journal-problem"), error.message);
    }
  }

  fill() {
    const { journal } = this;
    const all = tell(journal, this.explain).filter((each) => byId("details").checked || !each.detail);
    this.decisions = all.slice(0, SHOWN);
    byId("journal-about").textContent = [
      journal.header.session,
      `beluga-voice ${journal.header.version}`,
      `${journal.duration.toFixed(1)} s`,
      `${all.length} decisions${all.length > SHOWN ? `, of which ${SHOWN} are shown` : ""}`,
      ...(journal.end === "complete" ? [] : ["it has no end: the session was killed, or goes on"]),
    ].join(" · ");
    byId("decisions").replaceChildren(
      ...this.decisions.map((each, at) => {
        const button = element("button", { type: "button", tabindex: -1 },
          element("time", { text: `${each.at.toFixed(2)} s` }), element("span", { text: each.what }));
        button.addEventListener("click", () => this.choose(at));
        return element("li", { "data-kind": each.kind }, button);
      }),
    );
    byId("moment").max = Math.max(0, this.decisions.length - 1);
    draw(byId("timeline"), journal);
    this.choose(0);
  }

  walk(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -SHOWN, End: SHOWN }[event.key];
    if (!step) return;
    event.preventDefault();
    this.choose(Math.max(0, Math.min(this.decisions.length - 1, this.chosen + step)), true);
  }

  choose(at, focus = false) {
    const decision = this.decisions[at];
    if (!decision) return;
    this.chosen = at;
    byId("moment").value = at;
    byId("moment").setAttribute("aria-valuetext", decision.sentence);
    const items = byId("decisions").children;
    for (const [number, item] of [...items].entries()) {
      const button = item.firstElementChild;
      button.toggleAttribute("aria-current", number === at);
      if (number === at) button.setAttribute("aria-current", "step");
      button.tabIndex = number === at ? 0 : -1;
    }
    items[at].scrollIntoView({ block: "nearest" });
    if (focus) items[at].firstElementChild.focus({ preventScroll: true });
    byId("timeline").querySelector(".now")?.setAttribute("x", decision.at);
    this.describe(decision);
  }

  describe(decision) {
    const values = element("dl");
    const row = (name, text) => text && values.append(element("dt", { text: name }), element("dd", { text }));
    row("When", `${decision.at.toFixed(3)} s, line ${decision.line} of the journal`);
    row("Rule", decision.rule && `${decision.rule}: ${decision.because}`);
    row("It saw", decision.saw);
    row("After", decision.event);
    for (const [name, value] of standing(this.journal, decision.line)) row(name, value);
    const raw = element("details", {}, element("summary", { text: "As it stands in the journal" }),
      element("pre", { tabindex: 0, text: JSON.stringify(decision.command, null, 2) }));
    byId("decision").replaceChildren(element("h2", { text: capital(decision.what) }), values, raw);
  }
}

export function read(text) {
  const lines = text.split("\n");
  const torn = lines.pop() !== "";
  const entries = [];
  let header = null;
  let end = "";
  for (const [at, line] of lines.entries()) {
    let value;
    try {
      value = JSON.parse(line);
    } catch {
      throw new Error(`Line ${at + 1} is no JSON: this is no journal, or it is damaged.`);
    }
    if (at === 0) {
      if (value?.journal !== 1) throw new Error("This is no journal that this page reads: its first line has no journal 1.");
      header = value;
    } else if ("end" in value) end = value.end;
    else entries.push({ line: at + 1, ...value });
  }
  if (!header) throw new Error("The file is empty.");
  const events = entries.filter((entry) => entry.event);
  const start = events[0]?.event.at ?? 0;
  const duration = (events.at(-1)?.event.at ?? 0) - start;
  return { header, entries, events, start, duration, end, torn };
}

// -- sentences, as `beluga-voice journal explain` tells them --

export function tell(journal, templates) {
  const told = [];
  for (const { line, event, commands } of journal.events) {
    const resumed = commands?.find((each) => each.type === "Resume")?.saw;
    for (const command of commands ?? []) {
      const subject = command.type === "Announce" ? command.event : command;
      const template = (command.type === "Announce" ? templates.announcements : templates.commands)[subject.type];
      if (!template) continue;
      let saw = command.saw ?? {};
      if (subject.type === "UtteranceResumed" && !Object.keys(saw).length) saw = resumed ?? {};
      const one = {
        line, command, event: event.type, kind: subject.type, rule: command.rule,
        at: event.at - journal.start,
        what: fill(template, subject, journal.start),
        because: templates.rules[command.rule] ?? "",
        saw: Object.entries(saw).map(([name, value]) => seen(name, value, templates.seen)).join(", "),
        detail: templates.details.includes(subject.type),
      };
      const why = one.rule ? ` (rule ${one.rule}: ${one.because || "of another version"})` : "";
      one.sentence = `${one.at.toFixed(3)} s: ${one.what}${why}${one.saw ? `: ${one.saw}` : ""}.`;
      told.push(one);
    }
  }
  return told;
}

function fill(template, values, start) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (name === "who") return who(values.utterance ?? 0);
    if (name === "because") return values.reason ? `: ${short(values.reason)}` : "";
    if (name === "text") return quoted(values.text);
    if (name === "due") return `${(values.due - start).toFixed(3)} s`;
    return String(values[name]);
  });
}

const who = (number) => (number > 0 ? `reply ${number}` : `say ${-number}`);
const short = (text) => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}... (${text.length} characters)`);
const quoted = (text) => `"${short(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function seen(name, value, templates) {
  if (name === "text") return `the words ${quoted(value)}`;
  if (name in templates && typeof value === "number") {
    return templates[name].replace(/\{(?::\.(\d)f)?\}/, (_, digits) => (digits ? value.toFixed(digits) : value));
  }
  return `${name} ${value === true ? "True" : value === false ? "False" : value}`;
}

// -- how things stood --

function* standing(journal, line) {
  let state = journal.header.state;
  let turn = null;
  let words = "";
  const speaking = new Set();
  for (const { line: number, event, commands } of journal.events) {
    if (number > line) break;
    if (event.type === "TranscriptReceived" && turn && event.text) words = event.text;
    if (event.type === "PlayoutStarted") speaking.add(event.utterance);
    for (const { type, event: announced, ...command } of commands ?? []) {
      if (announced?.type === "StateChanged") state = announced.new;
      if (announced?.type === "TurnOpened") [turn, words] = [announced.turn, ""];
      if (["TurnClosed", "TurnDropped"].includes(announced?.type)) turn = null;
      if (type === "EndUtterance") speaking.delete(command.utterance);
    }
  }
  yield ["The session was then", state];
  if (turn) yield ["The caller", `had turn ${turn}${words ? `, with the words ${quoted(words)}` : ""}`];
  if (speaking.size) yield ["On the air", [...speaking].map(who).join(", ")];
}

function draw(svg, journal) {
  // A unit of x is a second; both lanes are 20 high.
  const width = Math.max(1, journal.duration * 1.02);
  svg.setAttribute("viewBox", `0 0 ${width} 44`);
  svg.replaceChildren();
  const shape = (kind, attributes) => {
    const made = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    svg.append(made);
  };
  for (const { vad } of journal.entries.filter((entry) => entry.vad)) {
    const points = vad.scores.map((score, at) => {
      const x = (vad.start + at * vad.window) / vad.rate;
      return `${x.toFixed(3)},${(21 - (18 * Math.max(0, score)) / 1000).toFixed(2)}`;
    });
    const end = (vad.start + vad.scores.length * vad.window) / vad.rate;
    points.push(`${end},${points.at(-1).split(",")[1]}`);
    shape("polygon", { class: "scores", points: `${vad.start / vad.rate},21 ${points.join(" ")} ${end},21` });
  }
  for (const [kind, from, to] of spans(journal)) {
    shape("rect", { class: kind, x: from, width: Math.max(0.02, to - from), y: kind === "caller" ? 17 : 24, height: kind === "caller" ? 4 : 16, rx: 0.05 });
  }
  for (const { event, commands } of journal.events) {
    for (const each of commands ?? []) {
      if (each.event?.type === "BargeIn") shape("rect", { class: "barge-in", x: event.at - journal.start, width: width / 400, y: 0, height: 44 });
    }
  }
  shape("rect", { class: "now", x: 0, width: width / 300, y: 0, height: 44 });
}

function* spans(journal) {
  let speech = null;
  let sound = null;
  const at = (event) => event.at - journal.start;
  const silent = ["PlayoutStarved", "PlayoutFinished", "UtterancePaused"];
  for (const { event, commands } of journal.events) {
    if (event.type === "SpeechStarted") speech = event.start - journal.start;
    if (event.type === "SpeechStopped" && speech !== null) {
      yield ["caller", speech, event.end - journal.start];
      speech = null;
    }
    const kinds = [event.type, ...(commands ?? []).map((each) => each.event?.type ?? each.type)];
    if (sound !== null && (kinds.some((kind) => silent.includes(kind)) || kinds.includes("EndUtterance"))) {
      yield ["agent", sound, at(event)];
      sound = null;
    }
    if (kinds.some((kind) => ["PlayoutStarted", "PlayoutContinued", "UtteranceResumed"].includes(kind))) sound ??= at(event);
  }
  if (speech !== null) yield ["caller", speech, journal.duration];
  if (sound !== null) yield ["agent", sound, journal.duration];
}
