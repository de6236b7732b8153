// Laravel Echo on pusher-js, as their packages ship them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import Echo from 'laravel-echo'
import Pusher from 'pusher-js'
import { APP, Gateway } from './support/gateway.js'
import { within } from './support/wait.js'

describe('Laravel Echo', () => {
  let gateway
  before(async () => { gateway = await Gateway.start() })
  after(() => gateway?.stop())

  function connect(name) {
    const echo = new Echo({
      broadcaster: 'reverb',
      Pusher,
      key: APP.key,
      ...gateway.address(),
      authEndpoint: `${gateway.url}/broadcasting/auth`,
      auth: { params: { user_id: name.toLowerCase(), user_name: name } },
    })
    gateway.disconnectLater(echo)
    return echo
  }

  const subscribed = (channel) => within(`the subscription to ${channel.name}`, new Promise((resolve) => {
    channel.subscribed(() => resolve(channel))
  }))
  /** What `register`'s callback is called with first. */
  const first = (what, register) => within(what, new Promise(register))

  it('listens on a public channel, in its own namespace and outside of it', async () => {
    const orders = await subscribed(connect('Ada').channel('orders'))
    const shipped = first('App\\Events\\OrderShipped', (resolve) => orders.listen('OrderShipped', resolve))
    const hello = first('hello', (resolve) => orders.listen('.hello', resolve))
    await gateway.backend().trigger('orders', 'App\\Events\\OrderShipped', { id: 42 })
    await gateway.backend().trigger('orders', 'hello', { to: 'all' })
    assert.deepEqual(await shipped, { id: 42 })
    assert.deepEqual(await hello, { to: 'all' })
  })

  it('whispers on a private channel to the others, not to itself', async () => {
    const ada = await subscribed(connect('Ada').private('chat.1'))
    const grace = await subscribed(connect('Grace').private('chat.1'))
    const own = []
    ada.listenForWhisper('typing', (data) => own.push(data))
    const heard = first('the whisper', (resolve) => grace.listenForWhisper('typing', resolve))
    ada.whisper('typing', { name: 'Ada' })
    assert.deepEqual(await heard, { name: 'Ada' })

    const later = first('an event after the whisper', (resolve) => ada.listen('.later', resolve))
    await gateway.backend().trigger('private-chat.1', 'later', {})
    await later
    assert.deepEqual(own, [])
  })

  it('is told on a presence channel who is here, who joins and who leaves', async () => {
    const grace = connect('Grace')
    const room = grace.join('room.1')
    const alone = await first('here', (resolve) => room.here(resolve))
    assert.deepEqual(alone.map(({ name }) => name), ['Grace'])

    const joining = first('joining', (resolve) => room.joining(resolve))
    const leaving = first('leaving', (resolve) => room.leaving(resolve))
    const ada = connect('Ada')
    const both = await first('here', (resolve) => ada.join('room.1').here(resolve))
    assert.deepEqual(both.map(({ name }) => name).sort(), ['Ada', 'Grace'])
    assert.equal((await joining).name, 'Ada')

    ada.leave('room.1')
    assert.equal((await leaving).name, 'Ada')
  })

  it('is told of a member that leaves by disconnecting', async () => {
    const room = await subscribed(connect('Grace').join('room.2'))
    const leaving = first('leaving', (resolve) => room.leaving(resolve))
    const ada = connect('Ada')
    await subscribed(ada.join('room.2'))
    ada.disconnect()
    assert.equal((await leaving).name, 'Ada')
  })
})
