// Subscription counts: pusher-js is told how many are subscribed to a channel.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Gateway } from './support/gateway.js'
import { subscribed, within } from './support/wait.js'

describe('subscription counts', () => {
  let gateway
  before(async () => { gateway = await Gateway.start({ flags: ['--subscription-counts'] }) })
  after(() => gateway?.stop())

  /** Resolves when the subscribers of `channel` are told that they are `count`. */
  const counted = (channel, count) => within(`a count of ${count}`, new Promise((resolve) => {
    channel.bind('pusher:subscription_count', ({ subscription_count: told }) => { if (told === count) resolve() })
  }))

  it('are told to whoever comes, and when somebody comes or goes', async () => {
    const first = gateway.connect().subscribe('orders')
    await counted(first, 1)
    assert.equal(first.subscriptionCount, 1)
    const [two, one] = [counted(first, 2), counted(first, 1)]
    const second = gateway.connect()
    await Promise.all([two, counted(second.subscribe('orders'), 2)])
    second.disconnect()
    await one
  })

  it('are not told in presence channels, whose members are', async () => {
    const client = gateway.connect({ user: { id: 'ada', name: 'Ada' } })
    const room = client.subscribe('presence-room')
    room.bind('pusher:subscription_count', () => assert.fail('told'))
    await subscribed(client, 'presence-room')
    await counted(client.subscribe('afterwards'), 1)
  })
})
