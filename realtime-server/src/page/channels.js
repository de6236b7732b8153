// The channels that have subscribers, and who is in the one that is open.

import { $, button, count, element, number, setText } from './dom.js'

const FILTER_WAIT_MS = 150

export class Channels {
  #rows = new Map() // name → Row
  #open
  #askAgain
  #subscribe

  /** `askAgain` asks for the state at once; `subscribe` lets the console into a channel. */
  constructor({ askAgain, subscribe }) {
    this.#askAgain = askAgain
    this.#subscribe = subscribe
    let wait
    $('filter').oninput = () => {
      clearTimeout(wait)
      wait = setTimeout(askAgain, FILTER_WAIT_MS)
    }
  }

  /** What is to be asked: the filter, and the channel whose members are shown. */
  get question() {
    return { filter: $('filter').value.trim(), channel: this.#open ?? '' }
  }

  show({ channels, channel_count: all, matching, roster }) {
    for (const name of this.#rows.keys()) if (!channels.some((channel) => channel.name === name)) this.#remove(name)
    let before
    for (const channel of channels) {
      const row = this.#rows.get(channel.name) ?? this.#add(channel.name)
      row.show(channel, roster?.channel === channel.name ? roster : undefined)
      place($('channels'), row.shown, before)
      before = row.shown
    }
    const { filter } = this.question
    setText($('channels-count'), number(all))
    $('channels-empty').hidden = channels.length > 0
    setText($('channels-empty'), filter ? `No channel’s name contains “${filter}”.`
      : 'Nobody is subscribed to anything yet. Subscribe in the console, or connect a program with one of the snippets below.')
    const more = (filter ? matching : Math.max(all, matching)) - channels.length
    $('channels-more').hidden = more <= 0
    setText($('channels-more'), `and ${number(more)} more with no more subscribers than these; filter to find one`)
    showKnown(channels)
  }

  #add(name) {
    const row = new Row(name, {
      toggle: () => this.#toggle(name),
      subscribe: () => this.#subscribe(name),
    })
    this.#rows.set(name, row)
    return row
  }

  #remove(name) {
    this.#rows.get(name).shown.remove()
    this.#rows.delete(name)
    if (this.#open === name) this.#open = undefined
  }

  #toggle(name) {
    if (this.#open) this.#rows.get(this.#open)?.close()
    this.#open = this.#open === name ? undefined : name
    if (!this.#open) return
    this.#rows.get(name).open()
    this.#askAgain()
  }
}

/** One channel; opened, it shows its members. */
class Row {
  #head
  #members = element('span', 'members')
  #count = element('b', '')
  #said = element('span', 'unseen')
  #body = element('div', 'body')
  #roster = element('ul', 'chips')
  #note = element('p', 'note')

  constructor(name, { toggle, subscribe }) {
    const counts = element('span', 'counts', this.#members, this.#count)
    counts.ariaHidden = 'true' // said in one piece
    this.#head = button('entry', '', toggle)
    this.#head.append(element('span', `kind ${kind(name)}`, kind(name)), element('span', 'name', name), counts, this.#said)
    this.#head.setAttribute('aria-expanded', 'false')
    this.#body.hidden = true
    this.#roster.setAttribute('aria-label', `Members of ${name}`)
    this.#body.append(this.#roster, this.#note)
    if (!name.startsWith('#')) this.#body.append(button('small', 'Subscribe in the console', subscribe))
    this.shown = element('li', '', this.#head, this.#body)
  }

  open() {
    this.#head.setAttribute('aria-expanded', 'true')
    this.#body.hidden = false
  }

  close() {
    this.#head.setAttribute('aria-expanded', 'false')
    this.#body.hidden = true
    this.#roster.replaceChildren()
  }

  show({ subscribers, members }, roster) {
    const title = members === undefined ? count(subscribers, 'subscriber')
      : `${count(members, 'member')}, ${count(subscribers, 'connection')}`
    setText(this.#count, number(subscribers))
    setText(this.#members, members === undefined ? '' : count(members, 'member'))
    setText(this.#said, title)
    setText(this.#note, roster && roster.count > roster.listed.length
      ? `and ${number(roster.count - roster.listed.length)} more; ${title}` : title)
    if (roster) this.#showRoster(roster.listed)
  }

  #showRoster(members) {
    const key = JSON.stringify(members)
    if (this.#roster.dataset.key === key && this.#roster.childElementCount > 0) return
    this.#roster.dataset.key = key
    this.#roster.replaceChildren(...members.map(({ id, info }) => {
      const name = typeof info?.name === 'string' ? info.name : undefined
      const chip = element('li', '', element('span', '', name ?? id))
      if (name && name !== id) chip.append(element('span', 'id', id))
      chip.title = info === undefined ? id : `${id}: ${JSON.stringify(info)}`
      return chip
    }))
  }
}

/** Puts a row behind another one, only if it is elsewhere: a row that is moved loses the focus. */
function place(list, row, before) {
  const there = before ? before.nextElementSibling : list.firstElementChild
  if (there === row) return
  const focused = row.contains(document.activeElement) ? document.activeElement : undefined
  list.insertBefore(row, there)
  focused?.focus({ preventScroll: true })
}

/** Offers the channels where a name is wanted. */
function showKnown(channels) {
  const names = channels.filter(({ name }) => !name.startsWith('#')).slice(0, 50).map(({ name }) => name)
  const known = $('known-channels')
  if (known.dataset.names === names.join()) return
  known.dataset.names = names.join()
  known.replaceChildren(...names.map((name) => {
    const option = document.createElement('option')
    option.value = name
    return option
  }))
}

/** What a channel is, by its name. */
function kind(name) {
  if (name.startsWith('#')) return 'user'
  if (name.startsWith('private-encrypted-')) return 'encrypted'
  return name.match(/^(private|presence)-/)?.[1] ?? 'public'
}
