// pusher-js and the pusher HTTP library, as their packages ship them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { APP, Gateway } from './support/gateway.js'
import { next, recorded, subscribed, within } from './support/wait.js'

const ADA = { id: 'ada', name: 'Ada' }
const GRACE = { id: 'grace', name: 'Grace' }

describe('pusher-js', () => {
  let gateway
  before(async () => { gateway = await Gateway.start() })
  after(() => gateway?.stop())

  /** Publishes on `channel` and waits until `listener` got it: whatever was sent before has arrived too. */
  async function everythingArrived(listener) {
    const arrived = next(listener, 'everything-arrived')
    await gateway.backend().trigger(listener.name, 'everything-arrived', {})
    await arrived
  }

  it('receives on a public channel what a backend publishes', async () => {
    const orders = await subscribed(gateway.connect(), 'orders')
    const created = next(orders, 'created')
    const response = await gateway.backend().trigger('orders', 'created', { id: 42, note: 'grün ✓' })
    assert.equal(response.status, 200)
    assert.deepEqual(await created, { id: 42, note: 'grün ✓' })
  })

  it('receives an event that is published to several channels on each of them', async () => {
    const client = gateway.connect()
    const channels = [await subscribed(client, 'red'), await subscribed(client, 'green')]
    const events = channels.map((channel) => next(channel, 'tick'))
    await gateway.backend().trigger(['red', 'green', 'nobody-is-here'], 'tick', [1, 2])
    assert.deepEqual(await Promise.all(events), [[1, 2], [1, 2]])
  })

  it('receives the events of a channel in the order of their publication', async () => {
    const ticks = await subscribed(gateway.connect(), 'ticks')
    const events = recorded(ticks)
    const backend = gateway.backend()
    for (let n = 0; n < 50; n++) await backend.trigger('ticks', 'tick', n)
    await everythingArrived(ticks)
    assert.deepEqual(events.slice(0, 50), Array.from({ length: 50 }, (_, n) => ['tick', n]))
  })

  it('does not receive an event that its own request published', async () => {
    const publisher = gateway.connect()
    const own = recorded(await subscribed(publisher, 'echoes'))
    const other = await subscribed(gateway.connect(), 'echoes')
    const heard = next(other, 'shout')
    await gateway.backend().trigger('echoes', 'shout', 'hey', { socket_id: publisher.connection.socket_id })
    assert.equal(await heard, 'hey')
    await everythingArrived(publisher.channel('echoes'))
    assert.deepEqual(own, [['everything-arrived', {}]])
  })

  it('receives nothing more after it unsubscribed', async () => {
    const client = gateway.connect()
    const left = await subscribed(client, 'left')
    const stayed = await subscribed(client, 'stayed')
    const events = recorded(left)
    client.unsubscribe('left')
    await subscribed(client, 'later') // answered after the unsubscription was carried out
    await gateway.backend().trigger('left', 'news', {})
    await everythingArrived(stayed)
    assert.deepEqual(events, [])
  })

  it('joins a private channel with the demo endpoint', async () => {
    const wallet = await subscribed(gateway.connect(), 'private-wallet')
    const paid = next(wallet, 'paid')
    await gateway.backend().trigger('private-wallet', 'paid', { cents: 1 })
    assert.deepEqual(await paid, { cents: 1 })
  })

  it('joins private and presence channels with signatures of the pusher library', async () => {
    const customHandler = ({ socketId, channelName }, callback) => callback(null, gateway.backend().authorizeChannel(
      socketId, channelName, channelName.startsWith('presence-') ? { user_id: 'ada', user_info: { name: 'Ada' } } : undefined))
    const client = gateway.connect({ channelAuthorization: { customHandler } })
    await subscribed(client, 'private-signed')
    const { members } = await subscribed(client, 'presence-signed')
    assert.deepEqual(members.me, { id: 'ada', info: { name: 'Ada' } })
  })

  it('is refused a private channel for a bad signature, and the connection lives', async () => {
    const customHandler = (_, callback) => callback(null, { auth: `${APP.key}:${'0'.repeat(64)}` })
    const client = gateway.connect({ channelAuthorization: { customHandler } })
    const refusal = await next(client.subscribe('private-wallet'), 'pusher:subscription_error')
    assert.equal(refusal.type, 'AuthError')
    assert.equal(refusal.status, 401)
    assert.ok(refusal.error.length > 0, 'it says why')
    await subscribed(client, 'orders')
    assert.equal(client.connection.state, 'connected')
  })

  it('is refused a channel whose signature is for another channel', async () => {
    const customHandler = ({ socketId }, callback) =>
      callback(null, gateway.backend().authorizeChannel(socketId, 'private-mine'))
    const client = gateway.connect({ channelAuthorization: { customHandler } })
    const refusal = await next(client.subscribe('private-yours'), 'pusher:subscription_error')
    assert.equal(refusal.status, 401)
  })

  it('sees who is present, who comes and who goes', async () => {
    const grace = gateway.connect({ user: GRACE })
    const lobby = await subscribed(grace, 'presence-lobby')
    const added = next(lobby, 'pusher:member_added')
    const ada = gateway.connect({ user: ADA })
    const { members } = await subscribed(ada, 'presence-lobby')
    assert.equal(members.count, 2)
    assert.deepEqual(members.members, { grace: { name: 'Grace' }, ada: { name: 'Ada' } })
    assert.equal(members.myID, 'ada')
    assert.deepEqual(await added, { id: 'ada', info: { name: 'Ada' } })
    assert.equal(lobby.members.count, 2)

    const removed = next(lobby, 'pusher:member_removed')
    ada.unsubscribe('presence-lobby')
    assert.deepEqual(await removed, { id: 'ada', info: { name: 'Ada' } })
    assert.equal(lobby.members.count, 1)
  })

  it('sees a member with two connections join once and leave once', async () => {
    const room = await subscribed(gateway.connect({ user: GRACE }), 'presence-twice')
    const events = recorded(room)
    const first = gateway.connect({ user: ADA })
    const second = gateway.connect({ user: ADA })
    assert.equal((await subscribed(first, 'presence-twice')).members.count, 2)
    assert.equal((await subscribed(second, 'presence-twice')).members.count, 2)

    first.disconnect()
    await everythingArrived(second.channel('presence-twice'))
    await everythingArrived(room)
    const names = () => events.map(([event]) => event).filter((event) => event !== 'everything-arrived')
    assert.deepEqual(names(), ['pusher:member_added'])
    assert.equal(room.members.count, 2)

    const removed = next(room, 'pusher:member_removed')
    second.disconnect()
    assert.equal((await removed).id, 'ada')
    await everythingArrived(room)
    assert.deepEqual(names(), ['pusher:member_added', 'pusher:member_removed'])
    assert.equal(room.members.count, 1)
  })

  it('sends client events to the other subscribers, with its user id, and never to itself', async () => {
    const ada = gateway.connect({ user: ADA })
    const sender = await subscribed(ada, 'presence-talk')
    const own = recorded(sender)
    const grace = await subscribed(gateway.connect({ user: GRACE }), 'presence-talk')
    const heard = within('the client event', new Promise((resolve) => {
      grace.bind('client-message', (data, { user_id: userId }) => resolve({ data, userId }))
    }))
    sender.trigger('client-message', { text: 'hello' })
    assert.deepEqual(await heard, { data: { text: 'hello' }, userId: 'ada' })
    await everythingArrived(sender)
    assert.ok(!own.some(([event]) => event === 'client-message'))
  })

  it('is told why a client event on a public channel is refused, and the connection lives', async () => {
    const client = gateway.connect()
    const orders = await subscribed(client, 'orders')
    const refusal = within('pusher:error', new Promise((resolve) => {
      client.connection.bind('message', ({ event, data }) => { if (event === 'pusher:error') resolve(data) })
    }))
    client.send_event('client-message', { text: 'hello' }, 'orders')
    assert.ok((await refusal).message.length > 0)
    await everythingArrived(orders)
    assert.equal(client.connection.state, 'connected')
  })

  it('gets an answer to its ping', async () => {
    const client = gateway.connect({ activityTimeout: 100, pongTimeout: 4_000 })
    await within('pusher:pong', new Promise((resolve) => {
      client.connection.bind('message', ({ event }) => { if (event === 'pusher:pong') resolve() })
    }))
    assert.equal(client.connection.state, 'connected')
  })

  it('is told 4001 for an unknown app key, and does not come back', async () => {
    const client = gateway.connect({ key: 'nobody' })
    const error = await next(client.connection, 'error')
    assert.equal(error.data?.code ?? error.error?.data?.code, 4001)
    if (client.connection.state !== 'disconnected') await next(client.connection, 'disconnected')
  })

  it('gets a socket id of its own', async () => {
    const ids = await Promise.all([gateway.connect(), gateway.connect()].map(async (client) => {
      await next(client.connection, 'connected')
      return client.connection.socket_id
    }))
    assert.match(ids[0], /^\d+\.\d+$/)
    assert.notEqual(ids[0], ids[1])
  })
})

describe('the pusher HTTP library', () => {
  let gateway
  before(async () => { gateway = await Gateway.start() })
  after(() => gateway?.stop())

  it('is refused with a wrong secret', async () => {
    await assert.rejects(gateway.backend({ secret: 'guessed' }).trigger('orders', 'created', {}), { status: 401 })
  })

  it('publishes a batch, and learns what it asks of the channels', async () => {
    const client = gateway.connect({ user: ADA })
    const channels = [await subscribed(client, 'presence-batch'), await subscribed(client, 'batch')]
    const events = channels.map((channel) => next(channel, 'tick'))
    const response = await gateway.backend().triggerBatch([
      { channel: 'presence-batch', name: 'tick', data: { n: 1 }, info: 'user_count,subscription_count' },
      { channel: 'batch', name: 'tick', data: 'two', socket_id: '1.1' },
    ])
    assert.deepEqual(await response.json(), { batch: [{ user_count: 1, subscription_count: 1 }, {}] })
    assert.deepEqual(await Promise.all(events), [{ n: 1 }, 'two'])
  })

  it('is told which limit a batch meets', async () => {
    const batch = Array.from({ length: 11 }, () => ({ channel: 'batch', name: 'tick', data: '' }))
    await assert.rejects(gateway.backend().triggerBatch(batch), ({ status, body }) =>
      status === 400 && JSON.parse(body).error === 'the batch has 11 events; at most 10 are accepted at a time')
  })

  it('learns with an event who is subscribed', async () => {
    await subscribed(gateway.connect({ user: ADA }), 'presence-info')
    const response = await gateway.backend().trigger('presence-info', 'tick', {}, { info: 'user_count' })
    assert.deepEqual(await response.json(), { channels: { 'presence-info': { user_count: 1 } } })
  })

  it('lists channels, describes one and lists its users', async () => {
    const backend = gateway.backend()
    const ask = async (path, params) => (await backend.get({ path, params })).json()
    for (const user of [ADA, ADA, GRACE]) await subscribed(gateway.connect({ user }), 'presence-asked')
    await subscribed(gateway.connect(), 'asked')
    assert.deepEqual(await ask('/channels', { filter_by_prefix: 'asked' }), { channels: { asked: {} } })
    assert.deepEqual(await ask('/channels', { filter_by_prefix: 'presence-asked', info: 'user_count,subscription_count' }),
      { channels: { 'presence-asked': { user_count: 2, subscription_count: 3 } } })
    assert.deepEqual(await ask('/channels/presence-asked', { info: 'user_count,subscription_count' }),
      { occupied: true, user_count: 2, subscription_count: 3 })
    assert.deepEqual(await ask('/channels/nobody-asked'), { occupied: false })
    assert.deepEqual(await ask('/channels/presence-asked/users'), { users: [{ id: 'ada' }, { id: 'grace' }] })
    assert.ok((await ask('/connections')).connections >= 4)
    await assert.rejects(backend.get({ path: '/channels/asked/users' }), { status: 400 })
  })

  it('terminates the connections of a user', async () => {
    const customHandler = ({ socketId }, callback) =>
      callback(null, gateway.backend().authenticateUser(socketId, { id: 'ada' }))
    const ada = gateway.connect({ userAuthentication: { customHandler } })
    const signedIn = within('the sign-in', new Promise((resolve) => {
      ada.connection.bind('message', ({ event }) => { if (event === 'pusher:signin_success') resolve() })
    }))
    const grace = gateway.connect()
    await next(grace.connection, 'connected')
    ada.signin()
    await signedIn
    const ended = next(ada.connection, 'disconnected')
    const response = await gateway.backend().terminateUserConnections('ada')
    assert.deepEqual(await response.json(), {})
    await ended
    assert.equal(grace.connection.state, 'connected')
  })

  it('finds the gateway up', async () => {
    assert.equal((await fetch(`${gateway.url}/up`)).status, 200)
  })
})
