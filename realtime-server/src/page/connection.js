// The Pusher protocol over one WebSocket, as far as the console needs it.

import { authorize } from './api.js'
import { parsed } from './dom.js'

const PONG_WAIT_MS = 10_000
const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 15_000

/**
 * Connects to the gateway when something is subscribed to, keeps the subscriptions over reconnects and notices a dead peer.
 * Reports through `on`: `state(name, detail)`, `joined(channel, roster)`, `refused(channel)`, `wire(way, text, title)`.
 */
export class Connection {
  #url
  #identity
  #on
  #socket
  #socketId
  #channels = new Set()
  #attempts = 0
  #retryTimer
  #activityTimer
  #activityMs = 30_000

  constructor(key, identity, on) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    this.#url = `${scheme}://${location.host}/app/${encodeURIComponent(key)}?protocol=7&client=page&version=1`
    this.#identity = identity
    this.#on = on
  }

  get channels() { return [...this.#channels] }

  connect() {
    clearTimeout(this.#retryTimer)
    this.#on.state('connecting')
    const socket = this.#socket = new WebSocket(this.#url)
    socket.onmessage = ({ data }) => this.#receive(data)
    socket.onclose = ({ code, reason }) => { if (socket === this.#socket) this.#closed(code, reason) }
  }

  subscribe(channel) {
    this.#channels.add(channel)
    if (this.#socketId) this.#join(channel)
    else if (!this.#socket) this.connect()
  }

  unsubscribe(channel) {
    this.#channels.delete(channel)
    if (this.#socketId) this.#send('pusher:unsubscribe', undefined, { channel })
  }

  /** Goes out of a channel and comes back, as who this tab is now. */
  rejoin(channel) {
    this.unsubscribe(channel)
    this.subscribe(channel)
  }

  /** Sends a client event; only while connected. */
  whisper(channel, event, data) {
    this.#send(event, channel, data)
  }

  get isConnected() { return this.#socketId !== undefined }

  #send(event, channel, data) {
    const frame = JSON.stringify({ event, channel, data })
    this.#socket.send(frame)
    this.#on.wire('sent', frame)
  }

  async #join(channel) {
    const socketId = this.#socketId
    if (!/^(private|presence)-/.test(channel)) return this.#send('pusher:subscribe', undefined, { channel })
    const answer = await this.#authorize(channel, socketId)
    if (socketId !== this.#socketId || !this.#channels.has(channel)) return // that signature is for nothing now
    if (answer) return this.#send('pusher:subscribe', undefined, { channel, ...answer })
    this.#channels.delete(channel)
    this.#on.refused(channel)
  }

  async #authorize(channel, socketId) {
    try {
      const { status, text } = await authorize(socketId, channel, this.#identity)
      this.#on.wire('http', text, `POST /page/auth → ${status}`)
      return status === 200 ? parsed(text) : undefined
    } catch (error) {
      this.#on.wire('http', String(error), 'POST /page/auth failed')
    }
  }

  #receive(text) {
    this.#on.wire('received', text)
    this.#watchActivity()
    const { event, channel, data } = parsed(text) ?? {}
    const content = typeof data === 'string' ? parsed(data) ?? data : data
    if (event === 'pusher:connection_established') this.#established(content)
    else if (event === 'pusher:ping') this.#send('pusher:pong', undefined, {})
    else if (event === 'pusher_internal:subscription_succeeded') this.#on.joined(channel)
    else if (event === 'pusher:subscription_error') {
      this.#channels.delete(channel)
      this.#on.refused(channel)
    }
  }

  #established({ socket_id: socketId, activity_timeout: seconds }) {
    this.#socketId = socketId
    this.#activityMs = seconds * 1000
    this.#attempts = 0
    this.#on.state('connected', socketId)
    this.#watchActivity()
    for (const channel of this.#channels) this.#join(channel)
  }

  /** After silence the peer is asked for a sign of life; without one the connection is given up. */
  #watchActivity() {
    clearTimeout(this.#activityTimer)
    this.#activityTimer = setTimeout(() => {
      this.#send('pusher:ping', undefined, {})
      const silent = this.#socket
      this.#activityTimer = setTimeout(() => {
        silent.onclose = null // its closing handshake would wait for the peer that is gone
        silent.close()
        this.#closed(1006, 'no answer to a ping')
      }, PONG_WAIT_MS)
    }, this.#activityMs)
  }

  #closed(code, reason) {
    clearTimeout(this.#activityTimer)
    this.#socketId = undefined
    const why = `closed ${code}${reason ? `: ${reason}` : ''}`
    if (code >= 4000 && code < 4100) { // the protocol's "do not come back"
      this.#on.wire('state-change', why)
      return this.#on.state('stopped', reason || `code ${code}`)
    }
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#attempts++)
    const wait = ceiling * (0.5 + Math.random() / 2) // jitter, so that a crowd does not return at once
    this.#on.wire('state-change', `${why}; next try in ${(wait / 1000).toFixed(1)} s`)
    this.#on.state('waiting')
    this.#retryTimer = setTimeout(() => this.connect(), wait)
  }
}
