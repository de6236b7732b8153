// Cache channels and encrypted channels: pusher-js and the pusher HTTP library, as their packages ship them.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import PusherServer from 'pusher'
import { APP, Gateway } from './support/gateway.js'
import { next, recorded, subscribed, within } from './support/wait.js'

describe('a cache channel', () => {
  let gateway
  before(async () => { gateway = await Gateway.start() })
  after(() => gateway?.stop())

  it('tells a newcomer the latest event, and then those that follow', async () => {
    const backend = gateway.backend()
    for (const price of [1, 2]) await backend.trigger('cache-prices', 'price', price)
    const channel = gateway.connect().subscribe('cache-prices')
    const events = recorded(channel)
    assert.equal(await next(channel, 'price'), 2)
    const third = next(channel, 'price')
    await backend.trigger('cache-prices', 'price', 3)
    await third
    assert.deepEqual(events, [['pusher:subscription_succeeded', {}], ['price', 2], ['price', 3]])
  })

  it('tells a newcomer when there is nothing to tell', async () => {
    for (const name of ['cache-empty', 'private-cache-empty', 'presence-cache-empty']) {
      const channel = gateway.connect({ user: { id: 'ada', name: 'Ada' } }).subscribe(name)
      await next(channel, 'pusher:cache_miss')
    }
  })

  it('keeps no event of a client', async () => {
    const [sender, receiver] = await Promise.all(
      [gateway.connect(), gateway.connect()].map((client) => subscribed(client, 'private-cache-chat')))
    const heard = next(receiver, 'client-message')
    sender.trigger('client-message', {})
    await heard
    await next(gateway.connect().subscribe('private-cache-chat'), 'pusher:cache_miss')
  })
})

describe('an encrypted channel', () => {
  let gateway
  let backend
  before(async () => {
    gateway = await Gateway.start()
    const { id: appId, key, secret } = APP
    backend = new PusherServer({
      appId, key, secret, host: gateway.host, port: String(gateway.port), useTLS: false,
      encryptionMasterKeyBase64: randomBytes(32).toString('base64'),
    })
  })
  after(() => gateway?.stop())

  const connect = () => gateway.connect({
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, callback) =>
        callback(null, backend.authorizeChannel(socketId, channelName)),
    },
  })

  it('carries what only its subscribers can read', async () => {
    const client = connect()
    const channel = await subscribed(client, 'private-encrypted-vault')
    const passed = within('the encrypted event', new Promise((resolve) => {
      client.connection.bind('message', ({ event, data }) => { if (event === 'opened') resolve(data) })
    }))
    const opened = next(channel, 'opened')
    await backend.trigger('private-encrypted-vault', 'opened', { code: 1234 })
    assert.deepEqual(await opened, { code: 1234 })
    assert.deepEqual(Object.keys(await passed).sort(), ['ciphertext', 'nonce'])
  })

  it('can be a cache channel', async () => {
    await backend.trigger('private-encrypted-cache-vault', 'opened', { code: 1234 })
    assert.deepEqual(await next(connect().subscribe('private-encrypted-cache-vault'), 'opened'), { code: 1234 })
  })

  it('takes no client events, and the connection lives', async () => {
    const client = connect()
    await subscribed(client, 'private-encrypted-vault')
    const refused = next(client.connection, 'error')
    client.send_event('client-opened', {}, 'private-encrypted-vault')
    assert.match((await refused).data.message, /client events are not accepted on encrypted channels/)
    assert.equal(client.connection.state, 'connected')
  })
})
