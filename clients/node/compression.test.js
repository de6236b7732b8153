// The ws package, which offers permessage-deflate as browsers do.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { APP, Gateway } from './support/gateway.js'
import { within } from './support/wait.js'

/** A connected socket, what it agreed on, and the frames that come after the greeting, one by one. */
async function connect(gateway) {
  const socket = new WebSocket(`ws://${gateway.host}:${gateway.port}/app/${APP.key}?protocol=7`, { perMessageDeflate: { threshold: 0 } })
  gateway.disconnectLater({ disconnect: () => socket.close() })
  const frames = []
  const waiting = []
  socket.on('message', (text) => {
    const frame = JSON.parse(text)
    waiting.length > 0 ? waiting.shift()(frame) : frames.push(frame)
  })
  const frame = () => within('a frame', frames.length > 0
    ? Promise.resolve(frames.shift())
    : new Promise((resolve) => { waiting.push(resolve) }))
  const [response] = await within('the connection', once(socket, 'upgrade'))
  const agreed = response.headers['sec-websocket-extensions']
  const greeting = await frame()
  const { socket_id: socketId } = JSON.parse(greeting.data)
  const say = (event, data, channel) => socket.send(JSON.stringify({ event, data, channel }))
  const join = async (channel) => {
    say('pusher:subscribe', { channel, ...gateway.backend().authorizeChannel(socketId, channel) })
    assert.equal((await frame()).event, 'pusher_internal:subscription_succeeded')
  }
  return { socket, agreed, frame, say, join }
}

const LONG = 'again and again, '.repeat(500)

describe('ws, with a gateway that was told to compress', () => {
  let gateway
  before(async () => { gateway = await Gateway.start({ flags: ['--compression'] }) })
  after(() => gateway?.stop())

  it('agrees on compression in which no message refers to another', async () => {
    const { agreed } = await connect(gateway)
    assert.match(agreed, /^permessage-deflate; server_no_context_takeover; client_no_context_takeover/)
  })

  it('receives long and short events, the long ones in fewer bytes', async () => {
    const clients = [await connect(gateway), await connect(gateway)]
    for (const { join } of clients) await join('private-news')
    const readBefore = clients.map(({ socket }) => socket._socket.bytesRead)
    for (const data of [LONG, 'short', LONG]) {
      await gateway.backend().trigger('private-news', 'told', data)
      for (const { frame } of clients) assert.equal((await frame()).data, data)
    }
    clients.forEach(({ socket }, i) => assert.ok(socket._socket.bytesRead - readBefore[i] < LONG.length / 4))
  })

  it('is understood when it compresses', async () => {
    const [ada, grace] = [await connect(gateway), await connect(gateway)]
    for (const { join } of [ada, grace]) await join('private-talk')
    for (const text of [LONG, 'short', '', LONG]) {
      ada.say('client-said', { text }, 'private-talk')
      assert.deepEqual((await grace.frame()).data, { text })
    }
  })
})

describe('ws, with a gateway that was not told to compress', () => {
  let gateway
  before(async () => { gateway = await Gateway.start() })
  after(() => gateway?.stop())

  it('offers compression in vain, and is served', async () => {
    const { agreed, frame, join } = await connect(gateway)
    assert.equal(agreed, undefined)
    await join('private-news')
    await gateway.backend().trigger('private-news', 'told', LONG)
    assert.equal((await frame()).data, LONG)
  })
})
