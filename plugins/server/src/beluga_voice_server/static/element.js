// Elements by a line: element("p", { class: "muted", text: "..." }, children)

export function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

export const byId = (id) => document.getElementById(id);

export function warn(where, text) {
  where.textContent = text;
  where.hidden = !text;
}
