// Where the silence before an answer went: segments that follow each other without gap and sum to it.

import { element } from "./element.js";

const MEANING = {
  detection: "until your silence was noticed",
  endpoint: "waiting whether you go on",
  transcript: "for your last words",
  agent: "until the agent's first text",
  tool: "while a tool ran",
  sentence: "until there was a sentence to speak",
  tts: "until it was voiced",
  playout: "until its first sample was sent",
};

export function inMilliseconds(segments) {
  // Whole milliseconds whose sum is the rounded sum (largest remainders).
  const names = Object.keys(segments).filter((name) => name in MEANING);
  const exact = names.map((name) => segments[name] * 1000);
  const total = Math.round(exact.reduce((sum, each) => sum + each, 0));
  const parts = exact.map(Math.floor);
  const order = exact.map((each, at) => [each - parts[at], at]).sort((a, b) => b[0] - a[0]);
  let missing = total - parts.reduce((sum, each) => sum + each, 0);
  for (const [, at] of order) if (missing-- > 0) parts[at] += 1;
  return { total, parts: names.map((name, at) => [name, parts[at]]) };
}

export function waterfall(segments) {
  const { total, parts } = inMilliseconds(segments);
  const shown = parts.filter(([, ms]) => ms > 0);
  const bar = element("div", { class: "bar", "aria-hidden": "true" });
  const list = element("dl");
  let before = 0;
  for (const [name, ms] of shown) {
    const part = element("i", { "data-part": name, title: `${name}: ${ms} ms ${MEANING[name]}` });
    part.style.flexGrow = Math.max(ms, total / 200);
    bar.append(part);
    list.append(
      element("dt", { "data-part": name, text: name }),
      element("dd", {}, element("b", { text: `${ms} ms` }), ` ${MEANING[name]}`, stair(before, ms, total, name)),
    );
    before += ms;
  }
  list.append(element("dt", { text: "in all" }), element("dd", {}, element("b", { text: `${total} ms` })));
  const summary = element("summary", {}, bar, element("span", { text: `answered after ${total} ms` }));
  return element("details", { class: "waterfall", "data-total": total }, summary, list);
}

function stair(before, ms, total, name) {
  const step = element("i", { "data-part": name });
  step.style.marginLeft = `${(100 * before) / total}%`;
  step.style.width = `${(100 * ms) / total}%`;
  return element("span", { class: "stair", "aria-hidden": "true" }, step);
}
