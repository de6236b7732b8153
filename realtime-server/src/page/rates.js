// What happens in a second, as numbers and small plots of the last two minutes.

import { $, bytes, count, element, number, setText } from './dom.js'

const WINDOW_MS = 120_000
const FIRST_WINDOW_MS = 20_000 // a plot that has just begun is not all emptiness
const LEAST_MS = 700 // a rate of a shorter time would leap
const WIDTH = 240
const HEIGHT = 48
const SVG = 'http://www.w3.org/2000/svg'

/** Each tile has one or two lines: what they are called, and their value from two states, `seconds` apart. */
const TILES = [
  { title: 'Connections', show: number, lines: [
    { name: 'connected', value: (now) => now.connections },
  ], note: (now) => `${count(now.subscriptions, 'subscription')}, ${count(now.members, 'member')}` },
  { title: 'Connects', unit: '/s', show: number, lines: [
    { name: 'new', value: rate('connected') },
  ], note: (now) => `${number(now.connected)} since the start` },
  { title: 'Messages', unit: '/s', show: number, lines: [
    { name: 'out', value: rate('messages_out') }, { name: 'in', value: rate('messages_in') },
  ], note: ofAllApps },
  { title: 'Traffic', unit: '/s', show: bytes, lines: [
    { name: 'out', value: rate('bytes_out') }, { name: 'in', value: rate('bytes_in') },
  ], note: ofAllApps },
]

function ofAllApps({ apps }) {
  return apps.length > 1 ? 'of all apps together' : ''
}

function rate(counter) {
  return (now, before, seconds) => (now[counter] - before[counter]) / seconds
}

export class Rates {
  #tiles = TILES.map((tile) => new Tile(tile))
  #before

  constructor() {
    $('rates').replaceChildren(...this.#tiles.map(({ shown }) => shown))
  }

  /** Takes the latest state; rates begin with the second one. */
  show(now) {
    const before = this.#before
    if (before && now.uptime_ms >= before.uptime_ms && now.uptime_ms - before.uptime_ms < LEAST_MS) return
    this.#before = now
    if (!before) return
    if (now.uptime_ms < before.uptime_ms) { // another gateway: its counters began anew
      for (const tile of this.#tiles) tile.restart()
      return
    }
    const seconds = (now.uptime_ms - before.uptime_ms) / 1000
    for (const tile of this.#tiles) tile.show(now, before, seconds)
  }
}

class Tile {
  #tile
  #points = [] // `{ at, values }`, of the last two minutes
  #values
  #plot = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' })
  #peak = element('span', 'peak')
  #note = element('span', 'tile-note')

  constructor(tile) {
    this.#tile = tile
    const title = element('h2', '', tile.title)
    this.#values = tile.lines.map(() => element('b', '', '–'))
    const lines = tile.lines.map(({ name }, index) => {
      const line = element('span', `value line-${index}`, this.#values[index])
      if (tile.unit) line.append(element('span', 'unit', tile.unit))
      if (tile.lines.length > 1) line.append(element('span', 'line-name', name))
      return line
    })
    this.shown = element('article', 'tile', title, this.#peak, element('div', 'values', ...lines), this.#note, this.#plot)
  }

  restart() { this.#points = [] }

  show(now, before, seconds) {
    const { lines, show, note, unit = '', title } = this.#tile
    const values = lines.map(({ value }) => value(now, before, seconds))
    this.#points.push({ at: now.uptime_ms, values })
    while (this.#points[0].at < now.uptime_ms - WINDOW_MS) this.#points.shift()
    const peak = Math.max(...this.#points.flatMap((point) => point.values))
    values.forEach((value, index) => setText(this.#values[index], show(value)))
    setText(this.#peak, `peak ${show(peak)}${unit}`)
    setText(this.#note, note(now))
    this.#draw(now.uptime_ms, peak)
    const said = lines.map(({ name }, index) => `${name} ${show(values[index])}${unit}`).join(', ')
    this.#plot.setAttribute('aria-label', `${title} in the last two minutes: ${said}; at most ${show(peak)}${unit}`)
  }

  #draw(end, peak) {
    const [{ at: start }] = this.#points
    const span = Math.max(FIRST_WINDOW_MS, end - start)
    const x = (at) => (WIDTH * (1 - (end - at) / span)).toFixed(1)
    const y = (value) => (HEIGHT - 1 - (HEIGHT - 4) * value / (peak || 1)).toFixed(1)
    const shapes = this.#tile.lines.flatMap((_, index) => {
      const path = this.#points.map(({ at, values }) => `${x(at)} ${y(values[index])}`).join(' L')
      const line = svg('path', { class: `line-${index}`, d: `M${path}`, 'vector-effect': 'non-scaling-stroke' })
      if (index > 0) return [line]
      return [svg('path', { class: 'area', d: `M${x(start)} ${HEIGHT} L${path} L${x(end)} ${HEIGHT} Z` }), line]
    })
    this.#plot.replaceChildren(...shapes)
  }
}

function svg(tag, attributes) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}
