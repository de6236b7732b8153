// Webhooks: the pusher library of a backend takes what the gateway posts for genuine, and understands it.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { APP, Gateway } from './support/gateway.js'
import { subscribed, within } from './support/wait.js'

/** A backend's HTTP server that answers 500, then hangs up, and then accepts. */
class Receiver {
  #server
  #failures = [(response) => response.writeHead(500).end(), (response) => response.destroy()]
  #waiting = []
  failed = []
  accepted = []

  static async start() {
    const receiver = new Receiver()
    receiver.#server = createServer(async (request, response) => {
      let rawBody = ''
      for await (const piece of request) rawBody += piece
      const received = { headers: request.headers, rawBody }
      const fail = receiver.#failures.shift()
      if (fail) {
        receiver.failed.push(received)
        return fail(response)
      }
      receiver.accepted.push(received)
      response.end()
      receiver.#waiting.splice(0).forEach((look) => look())
    })
    await new Promise((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve))
    receiver.url = `http://127.0.0.1:${receiver.#server.address().port}/webhook`
    return receiver
  }

  stop() {
    this.#server.close()
  }

  /** Waits until `backend` has read so many events from what was accepted. */
  async events(backend, count) {
    for (;;) {
      const events = this.accepted.flatMap((received) => {
        const webhook = backend.webhook(received)
        assert.ok(webhook.isValid(), JSON.stringify(received))
        assert.ok(Math.abs(Date.now() - webhook.getTime()) < 60_000)
        return webhook.getEvents()
      })
      if (events.length >= count) return events
      await within(`${count} events`, new Promise((resolve) => { this.#waiting.push(resolve) }))
    }
  }
}

describe('webhooks', () => {
  let receiver, gateway
  before(async () => {
    receiver = await Receiver.start()
    gateway = await Gateway.start({ flags: ['--webhook', receiver.url] })
  })
  after(async () => {
    await gateway?.stop()
    receiver?.stop()
  })

  it('are verified by the pusher library, and arrive once and in order though the receiver fails twice first', async () => {
    const client = gateway.connect({ user: { id: 'ada', name: 'Ada' } })
    const room = await subscribed(client, 'presence-cache-room')
    room.trigger('client-hi', { text: 'grün' })
    const socketId = client.connection.socket_id
    const channel = 'presence-cache-room'
    assert.deepEqual(await receiver.events(gateway.backend(), 4), [
      { name: 'channel_occupied', channel },
      { name: 'member_added', channel, user_id: 'ada' },
      { name: 'cache_miss', channel },
      { name: 'client_event', channel, event: 'client-hi', data: '{"text":"grün"}', socket_id: socketId, user_id: 'ada' },
    ])
    assert.deepEqual(receiver.failed.map(({ rawBody }) => rawBody), Array(2).fill(receiver.accepted[0].rawBody))
    assert.equal(receiver.accepted[0].headers['x-pusher-key'], APP.key)
    client.disconnect()
    assert.deepEqual((await receiver.events(gateway.backend(), 6)).slice(4), [
      { name: 'member_removed', channel, user_id: 'ada' },
      { name: 'channel_vacated', channel },
    ])
  })

  it('are taken for nobody\'s by a backend with another secret', async () => {
    const [received] = receiver.accepted
    assert.equal(gateway.backend({ secret: 'guessed' }).webhook(received).isValid(), false)
  })
})
