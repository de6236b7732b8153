// What pusher-js does when a connection closes: what the choice of the gateway's codes rests on.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import Pusher from 'pusher-js'
import { WebSocketServer } from 'ws'
import './support/no-lingering.js'
import { within } from './support/wait.js'

const GREETING = JSON.stringify({
  event: 'pusher:connection_established',
  data: JSON.stringify({ socket_id: '1.1', activity_timeout: 30 }),
})
const FOR_GOOD_MS = 2_500

/**
 * How pusher-js comes back when `end` ends its first connection, or that it does not; after how many milliseconds, and
 * after how many at the soonest by its own account of what it does.
 */
async function reaction(end) {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address()
  const client = new Pusher('key', {
    cluster: '', wsHost: '127.0.0.1', wsPort: port, wssPort: port, forceTLS: false, enabledTransports: ['ws', 'wss'],
  })
  client.connection.bind('error', () => {})
  try {
    const first = await within('the first connection', new Promise((resolve) => sockets.once('connection', resolve)))
    const back = new Promise((resolve) => {
      sockets.once('connection', () => resolve('comes back'))
      http.once('clientError', (_, socket) => { socket.destroy(); resolve('comes back over TLS') }) // no HTTP request
    })
    const connected = within('the greeting', new Promise((resolve) => client.connection.bind('connected', resolve)))
    first.send(GREETING)
    await connected
    const start = Date.now()
    end(first)
    const stays = new Promise((resolve) => setTimeout(resolve, FOR_GOOD_MS, 'stays away'))
    const how = await Promise.race([back, stays])
    if (how === 'stays away') assert.equal(client.connection.state, 'disconnected')
    const retries = client.timeline.events.filter(({ action }) => action === 'retry')
    return { how, after: Date.now() - start, planned: Math.min(...retries.map(({ delay }) => delay)) }
  } finally {
    client.disconnect()
    for (const socket of sockets.clients) socket.terminate()
    http.close()
    http.closeAllConnections()
  }
}

const closing = (codes) => codes.map((code) => [String(code), (socket) => socket.close(code)])

describe('pusher-js, when its connection is closed', { concurrency: true }, () => {
  for (const [code, end] of closing([4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4099, 4300, 4301, 4302])) {
    it(`with ${code}, stops for good`, async () => {
      assert.equal((await reaction(end)).how, 'stays away')
    })
  }

  const lost = ['1006', (socket) => socket.terminate()]
  for (const [code, end] of [...closing([4100, 4199, 1000, 1001, 1011, 1012, 1013, 3000]), lost]) {
    it(`with ${code}, comes back after a second`, async () => {
      const { how, after, planned } = await reaction(end)
      assert.equal(how, 'comes back')
      assert.equal(planned, 1_000)
      assert.ok(after >= 950, `after ${after} ms`)
    })
  }

  for (const [code, end] of closing([4200, 4201, 4202, 4299])) {
    it(`with ${code}, comes back at once`, async () => {
      const { how, planned } = await reaction(end)
      assert.equal(how, 'comes back')
      assert.equal(planned, 0) // how soon it comes is up to the machine
    })
  }

  it('with 4000, comes back over TLS', async () => {
    assert.equal((await reaction((socket) => socket.close(4000))).how, 'comes back over TLS')
  })
})

describe('pusher-js, when it is told an error by an event', { concurrency: true }, () => {
  for (const code of [4009, 4301, 4302, null]) {
    it(`with ${code}, stays connected`, async () => {
      const error = JSON.stringify({ event: 'pusher:error', data: { code, message: 'no' } })
      const { how, after } = await reaction((socket) => {
        socket.send(error)
        setTimeout(() => socket.close(4200), 300) // it would have left by itself until then
      })
      assert.equal(how, 'comes back')
      assert.ok(after >= 300, `after ${after} ms`)
    })
  }
})
