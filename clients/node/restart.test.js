// The gateway restarts: pusher-js and Laravel Echo come back by themselves, and presence is right again.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Echo from 'laravel-echo'
import Pusher from 'pusher-js'
import { APP, Gateway } from './support/gateway.js'
import { next, recorded, subscribed, within } from './support/wait.js'

const LIMIT_MS = 30_000 // clients come back after a second, and again if that was too early
const ADA = { id: 'ada', name: 'Ada' }
const GRACE = { id: 'grace', name: 'Grace' }

/** A gateway whose clients outlive it. */
async function restartable(t) {
  let gateway = await Gateway.start()
  const clients = []
  t.after(() => {
    for (const client of clients) client.disconnect()
    return gateway.stop()
  })
  return {
    get now() { return gateway },
    /** Has a client disconnected at the end of the test, and not when the gateway stops. */
    keep(client) {
      clients.push(client)
      return client
    },
    async restart() {
      const { port } = gateway
      await gateway.stop()
      gateway = await Gateway.start({ port })
    },
  }
}

/** A pusher-js client that outlives the gateway it is first connected to. */
function connect(gateway, user) {
  return gateway.keep(new Pusher(APP.key, {
    cluster: '',
    ...gateway.now.address(),
    channelAuthorization: { endpoint: `${gateway.now.url}/pusher/auth`, params: { user_id: user.id, user_name: user.name } },
  }))
}

describe('after a restart of the gateway', () => {
  it('pusher-js is in its channels again, under another socket id, with all who were there', async (t) => {
    const gateway = await restartable(t)
    const [ada, alsoAda, grace] = [ADA, ADA, GRACE].map((user) => connect(gateway, user))
    const rooms = []
    for (const client of [ada, alsoAda, grace]) rooms.push(await subscribed(client, 'presence-room'))
    const orders = await subscribed(ada, 'orders')
    const socketId = ada.connection.socket_id
    const again = rooms.map((room) => within(`${room.name} again`, new Promise((resolve) => {
      room.bind('pusher:subscription_succeeded', resolve)
    }), LIMIT_MS))
    await gateway.restart()
    await Promise.all(again)
    // Who came before the last one was told of it before this.
    const settled = rooms.map((room) => next(room, 'settled'))
    await gateway.now.backend().trigger('presence-room', 'settled', {})
    await Promise.all(settled)
    assert.notEqual(ada.connection.socket_id, socketId)
    for (const { members } of rooms) {
      assert.deepEqual([members.count, members.members], [2, { ada: { name: 'Ada' }, grace: { name: 'Grace' } }])
    }

    const created = next(orders, 'created')
    await gateway.now.backend().trigger('orders', 'created', { id: 42 })
    assert.deepEqual(await created, { id: 42 })

    const seen = recorded(rooms[2])
    const removed = next(rooms[2], 'pusher:member_removed')
    for (const client of [ada, alsoAda]) client.disconnect()
    assert.equal((await removed).id, 'ada')
    const last = next(rooms[2], 'last')
    await gateway.now.backend().trigger('presence-room', 'last', {})
    await last
    assert.deepEqual(seen.map(([event]) => event), ['pusher:member_removed', 'last'], 'once for both of her connections')
  })

  it('Laravel Echo is told again who is here', async (t) => {
    const gateway = await restartable(t)
    const echo = gateway.keep(new Echo({
      broadcaster: 'reverb',
      Pusher,
      key: APP.key,
      ...gateway.now.address(),
      authEndpoint: `${gateway.now.url}/broadcasting/auth`,
      auth: { params: { user_id: 'ada', user_name: 'Ada' } },
    }))
    const told = []
    let look = () => {}
    echo.join('room').here((users) => {
      told.push(users.map(({ name }) => name))
      look()
    })
    const times = (count) => within(`here, ${count} times`, new Promise((resolve) => {
      look = () => { if (told.length >= count) resolve() }
      look()
    }), LIMIT_MS)
    await times(1)
    await gateway.restart()
    await times(2)
    assert.deepEqual(told, [['Ada'], ['Ada']])
  })
})
