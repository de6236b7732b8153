// What all parts of the page share: elements, numbers and texts.

export const $ = (id) => document.getElementById(id)

/** An element with a class and children; strings become text, never markup. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...children)
  return made
}

/** A `<button>` that does something. */
export function button(className, text, onclick) {
  const made = element('button', className, text)
  made.type = 'button'
  made.onclick = onclick
  return made
}

/** JSON as a value, or `undefined`. */
export function parsed(text) {
  try { return JSON.parse(text) } catch { return undefined }
}

/** Sets a text only if it is another one, so that nothing is laid out or read aloud for nothing. */
export function setText(shown, text) {
  if (shown.textContent !== text) shown.textContent = text
}

const whole = new Intl.NumberFormat('en')

/** A number as people read it: `1,234`, `0.4`, `12.3M`. */
export function number(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`
  if (value > 0 && value < 10 && value % 1 >= 0.05) return value.toFixed(1)
  return whole.format(Math.round(value))
}

/** A number of bytes: `512 B`, `1.4 kB`. */
export function bytes(value) {
  for (const unit of ['B', 'kB', 'MB']) {
    if (value < 1000) return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`
    value /= 1000
  }
  return `${value.toFixed(1)} GB`
}

/** A time that has passed, in its two largest units: `3 h 12 min`. */
export function duration(ms) {
  const seconds = Math.floor(ms / 1000)
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']]
  const first = units.findIndex(([size]) => seconds >= size)
  if (first === -1) return '0 s'
  const [[size, name], second] = [units[first], units[first + 1]]
  const large = `${Math.floor(seconds / size)} ${name}`
  const small = second && Math.floor((seconds % size) / second[0])
  return small ? `${large} ${small} ${second[1]}` : large
}

/** `1 channel`, `2 channels`. */
export const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? '' : 's'}`
