// Elements of the page. Text is only ever put in as text, and never read as HTML.

/** The element of that id. */
export const find = (id) => document.getElementById(id);

/** Makes an element. Whatever is no property of it becomes an attribute. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Makes a button that does something. */
export function button(words, act) {
  const made = element('button', { type: 'button' }, words);
  made.addEventListener('click', act);
  return made;
}
