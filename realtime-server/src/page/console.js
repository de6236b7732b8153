// The console: a client of its own that joins channels, whispers, publishes, and shows every frame of it.

import { publish } from './api.js'
import { Connection } from './connection.js'
import { $, button, element, number, parsed, setText } from './dom.js'

const MAX_LINES = 200 // the oldest go

/** Who this tab is in presence channels: kept over a reload, another one in each tab. */
const identity = {
  id: sessionStorage.getItem('id') ?? crypto.getRandomValues(new Uint32Array(2)).join('-'),
  name: sessionStorage.getItem('name') ?? pick(['Ada', 'Alan', 'Barbara', 'Donald', 'Edsger', 'Frances', 'Grace',
    'Hedy', 'Joan', 'Karen', 'Ken', 'Leslie', 'Margaret', 'Niklaus', 'Radia', 'Robin', 'Sophie', 'Tony']),
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)]
}

function keepIdentity() {
  sessionStorage.setItem('id', identity.id)
  sessionStorage.setItem('name', identity.name)
}

export class Console {
  #connection
  #chips = new Map() // channel → its chip
  #log = new Log()

  /** `changed` is called when the console has come into a channel. */
  constructor(key, { changed }) {
    keepIdentity()
    this.#connection = new Connection(key, identity, {
      state: (state, detail) => this.#showState(state, detail),
      joined: (channel) => {
        this.#chips.get(channel)?.classList.add('joined')
        changed()
      },
      refused: (channel) => this.#dropChip(channel),
      wire: (...frame) => this.#log.add(...frame),
    })
    this.#showSubscriptions()
    $('reconnect').onclick = () => this.#connection.connect()
    addEventListener('online', () => { if ($('socket').dataset.state === 'waiting') this.#connection.connect() })
    this.#handleSubscribe()
    this.#handleSend()
  }

  subscribe(channel) {
    this.#connection.subscribe(channel)
    if (this.#chips.has(channel)) return
    const remove = button('remove', '×', () => this.#unsubscribe(channel))
    remove.setAttribute('aria-label', `Unsubscribe from ${channel}`)
    this.#chips.set(channel, element('li', '', element('span', '', channel), remove))
    this.#showSubscriptions()
  }

  #unsubscribe(channel) {
    this.#connection.unsubscribe(channel)
    this.#dropChip(channel)
    $('channel').focus()
  }

  #dropChip(channel) {
    this.#chips.delete(channel)
    this.#showSubscriptions()
  }

  #showSubscriptions() {
    const nothing = element('li', 'nobody', 'subscribed to nothing')
    $('subscriptions').replaceChildren(...(this.#chips.size > 0 ? this.#chips.values() : [nothing]))
  }

  #showState(state, detail) {
    const text = { connecting: 'connecting…', connected: 'connected', waiting: 'reconnecting…', stopped: `refused: ${detail}` }[state]
    $('socket').dataset.state = state
    setText($('socket-text'), text)
    setText($('socket-id'), state === 'connected' ? detail : '')
    $('reconnect').hidden = state !== 'waiting' && state !== 'stopped'
    if (state !== 'connected') for (const chip of this.#chips.values()) chip.classList.remove('joined')
  }

  #handleSubscribe() {
    $('name').value = identity.name
    $('name').onchange = () => {
      const name = $('name').value.trim()
      $('name').value = name || identity.name
      if (!name || name === identity.name) return
      identity.name = name
      keepIdentity()
      for (const channel of this.#connection.channels) { // a member's name is fixed while it is in
        if (channel.startsWith('presence-')) this.#connection.rejoin(channel)
      }
    }
    $('subscribe-form').onsubmit = (submit) => {
      submit.preventDefault()
      this.subscribe($('channel').value.trim())
      $('channel').select()
    }
  }

  #handleSend() {
    $('send-form').onsubmit = async (submit) => {
      submit.preventDefault()
      const [channel, event, text] = [$('target').value.trim(), $('event').value.trim(), $('data').value]
      const data = parsed(text) ?? text
      const send = submit.submitter?.value === 'whisper' ? this.#whisper : this.#publish
      setText($('send-error'), await send.call(this, channel, event, data) ?? '')
    }
  }

  /** Why it failed, if it did. */
  async #publish(channel, event, data) {
    try {
      const { status, text } = await publish(channel, event, data)
      this.#log.add('http', text, `POST /page/publish → ${status}`)
      return status === 200 ? undefined : parsed(text)?.error ?? `the gateway answered ${status}`
    } catch (error) {
      this.#log.add('http', String(error), 'POST /page/publish failed')
      return error.message
    }
  }

  /** Why it cannot be, if it cannot: what the gateway itself refuses, the log shows. */
  #whisper(channel, event, data) {
    if (!/^(private|presence)-/.test(channel)) return 'a whisper goes to a private or presence channel'
    if (!this.#connection.isConnected || !this.#chips.has(channel)) return `subscribe to ${channel} first`
    this.#connection.whisper(channel, event.startsWith('client-') ? event : `client-${event}`, data)
  }
}

/** What goes over the wire, each frame to be opened. */
class Log {
  #list = $('log')
  #frames = 0

  constructor() {
    $('pings').onchange = () => this.#list.classList.toggle('with-pings', $('pings').checked)
    $('raw').onchange = () => this.#list.querySelectorAll('details[open]').forEach((row) => this.#fill(row))
    $('clear').onclick = () => this.#list.replaceChildren()
  }

  add(way, text, title) {
    if (way !== 'state-change') setText($('log-count'), `${number(++this.#frames)} frames`)
    const now = new Date()
    const frame = parsed(text)
    const event = title ?? frame?.event ?? text
    const arrow = { sent: '↑', received: '↓', http: '⇄', 'state-change': '·' }[way]
    const cells = [
      element('time', '', now.toTimeString().slice(0, 8), element('span', 'millis', `.${String(now.getMilliseconds()).padStart(3, '0')}`)),
      element('span', 'way', arrow, element('span', 'unseen', ` ${way} `)),
      element('span', 'event', event),
      element('span', 'channel', frame?.channel ?? frame?.data?.channel ?? ''),
    ]
    if (way === 'state-change') return this.#append(element('div', 'plain state-change', ...cells))

    const size = new TextEncoder().encode(text).length
    const row = element('details', way, element('summary', '', ...cells, element('span', 'size', `${size} B`)))
    row.classList.toggle('ping', /^pusher:p[io]ng$/.test(event))
    row.wireText = text
    row.addEventListener('toggle', () => this.#fill(row))
    this.#append(row)
  }

  /** Keeps the list at its end if it was there, and bounds it. */
  #append(line) {
    const list = this.#list
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
    list.append(line)
    while (list.childElementCount > MAX_LINES) list.firstElementChild.remove()
    if (isAtEnd) list.scrollTop = list.scrollHeight
  }

  /** Fills an opened row, and empties it when it closes: only what is looked at is laid out. */
  #fill(row) {
    row.querySelector('pre')?.remove()
    if (!row.open) return
    const frame = parsed(row.wireText)
    const pre = element('pre', 'json')
    if ($('raw').checked || frame === undefined) pre.textContent = row.wireText
    else pre.append(...coloured(JSON.stringify(readable(frame), null, 2)))
    row.append(pre)
    row.scrollIntoView({ block: 'nearest' })
  }
}

/** A frame with its `data`, which travels as a JSON string inside JSON, opened up. */
function readable(frame) {
  const open = (value) => (typeof value === 'string' ? parsed(value) ?? value : value)
  const shown = { ...frame }
  for (const key of ['data', 'channel_data']) if (key in shown) shown[key] = open(shown[key])
  if (shown.data?.channel_data) shown.data = { ...shown.data, channel_data: open(shown.data.channel_data) }
  return shown
}

function* coloured(json) {
  for (const [, key, string, value, other] of json.matchAll(/("(?:\\.|[^"\\])*"(?=:))|("(?:\\.|[^"\\])*")|(-?\d[\d.eE+-]*|true|false|null)|([^"\d\-tfn]+|.)/g)) {
    if (key) yield element('span', 'key', key)
    else if (string) yield element('span', 'string', string)
    else if (value) yield element('span', 'number', value)
    else yield other
  }
}
