// The conversation as it goes on: words that may still change, what was heard, what was cut, how long it took.

import { element } from "./element.js";
import { waterfall } from "./waterfall.js";

export class Conversation {
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
    this.restart();
  }

  restart(history = []) {
    this.list.replaceChildren();
    this.utterances = new Map();
    this.live = null;
    this.finals = [];
    for (const each of history) {
      const said = element("span", { class: "heard", text: each.text });
      this.add(each.role === "agent" ? "agent" : "caller", said, each.interrupted ? "cut" : "");
    }
    this.empty.hidden = this.list.childElementCount > 0;
  }

  add(who, content, state = "") {
    const name = who === "agent" ? "Agent" : "You";
    const bubble = element("div", { class: "bubble" }, element("span", { class: "hidden", text: `${name}: ` }), content);
    const item = element("li", { class: `${who} ${state}` }, bubble);
    const near = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 120;
    this.list.append(item);
    this.empty.hidden = true;
    if (near) this.list.scrollTop = this.list.scrollHeight;
    return item;
  }

  note(text) {
    const item = element("li", { class: "note", text });
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
    return item;
  }

  show(message) {
    this[message.type]?.(message);
  }

  // -- the caller --

  transcript({ text, final }) {
    if (final) this.finals.push(text);
    this.hear(this.finals.join(" "), final ? "" : text);
  }

  hear(settled, interim) {
    if (!this.live) {
      this.said = element("span", { class: "heard" });
      this.interim = element("span", { class: "interim", "aria-hidden": "true" });
      this.live = this.add("caller", element("span", {}, this.said, " ", this.interim), "live");
    }
    this.said.textContent = settled;
    this.interim.textContent = interim;
    this.list.scrollTop = this.list.scrollHeight;
  }

  turn_closed({ text }) {
    if (text) this.hear(text, "");
    this.settle();
  }

  turn_dropped({ reason }) {
    if (this.live && !this.said.textContent) this.live.remove();
    this.settle();
    this.empty.hidden = this.list.childElementCount > 0;
    if (reason) this.reason = reason;
  }

  settle() {
    this.live?.classList.remove("live");
    if (this.interim) this.interim.textContent = "";
    this.live = null;
    this.finals = [];
  }

  backchannel({ text }) {
    this.live?.remove();
    this.settle();
    this.note(`“${text}”: you listen, the agent goes on`);
  }

  dtmf({ keys }) {
    this.note(`keys ${keys}`);
  }

  // -- the agent --

  utterance(number) {
    let known = this.utterances.get(number);
    if (!known) {
      known = { heard: element("span", { class: "heard" }), unheard: element("span", { class: "coming" }), text: "" };
      known.item = this.add("agent", element("span", {}, known.heard, known.unheard), "live");
      this.utterances.set(number, known);
    }
    return known;
  }

  text({ utterance, text }) {
    const known = this.utterance(utterance);
    known.text += text;
    known.unheard.textContent = known.text;
    this.list.scrollTop = this.list.scrollHeight;
  }

  tool_started({ utterance, tool, name }) {
    const item = this.note(`uses ${name} …`);
    item.dataset.tool = tool;
    item.dataset.utterance = utterance;
  }

  tool_finished({ tool, name, outcome }) {
    const item = this.list.querySelector(`[data-tool="${Number(tool)}"]`);
    if (item) item.textContent = outcome === "done" ? `used ${name}` : `${name}: ${outcome}`;
  }

  paused({ utterance }) {
    this.utterances.get(utterance)?.item.classList.add("paused");
  }

  resumed({ utterance }) {
    this.utterances.get(utterance)?.item.classList.remove("paused");
  }

  measured({ utterance, segments }) {
    const { item } = this.utterance(utterance);
    item.append(waterfall(segments));
    this.list.scrollTop = this.list.scrollHeight;
  }

  utterance_ended({ utterance, outcome, heard, unheard, reason }) {
    const known = this.utterances.get(utterance);
    if (!known) return;
    this.utterances.delete(utterance);
    known.item.classList.remove("live", "paused");
    known.item.classList.add(outcome);
    known.heard.textContent = heard;
    known.unheard.className = "unheard";
    known.unheard.replaceChildren();
    if (unheard) {
      const missed = element("s", { text: unheard });
      known.unheard.append(" ", element("span", { class: "hidden", text: "not heard: " }), missed);
    }
    if (outcome !== "played") {
      const why = reason ? `${outcome}: ${reason.replaceAll("_", " ")}` : outcome;
      known.item.append(element("p", { class: "why", text: unheard ? `${why}; struck words were not heard` : why }));
    }
    if (!heard && !unheard) known.item.remove();
  }

  failed({ kind, fatal }) {
    this.note(`${kind} failed${fatal ? "" : "; the call goes on"}`);
  }
}
