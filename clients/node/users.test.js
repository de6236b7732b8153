// Users: pusher-js and Laravel Echo sign in; the pusher HTTP library signs for them and sends to them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import Echo from 'laravel-echo'
import Pusher from 'pusher-js'
import { APP, Gateway } from './support/gateway.js'
import { next, subscribed, within } from './support/wait.js'

describe('a signed-in user', () => {
  let gateway
  before(async () => { gateway = await Gateway.start() })
  after(() => gateway?.stop())

  /** A pusher-js client whose sign-in the application's backend signs as `user`. */
  const connect = (user, options) => gateway.connect({
    userAuthentication: {
      customHandler: ({ socketId }, callback) => callback(null, gateway.backend().authenticateUser(socketId, user)),
    },
    ...options,
  })

  /** Signs in, and waits until what is sent to the user arrives. */
  async function signedIn(client) {
    client.signin()
    await within('pusher:signin_success', new Promise((resolve) => {
      client.bind('pusher:signin_success', resolve)
    }))
    await next(client.user.serverToUserChannel, 'pusher:subscription_succeeded')
    return client
  }

  it('receives on all of its connections what a backend sends to it', async () => {
    const ada = { id: 'ada', user_info: { name: 'Ada' } }
    const clients = await Promise.all([connect(ada), connect(ada)].map(signedIn))
    const grace = await signedIn(connect({ id: 'grace' }))
    const farewell = next(grace.user, 'farewell')
    const receivedByGrace = []
    grace.user.bind_global((event) => receivedByGrace.push(event))
    const greetings = clients.map(({ user }) => next(user, 'greeting'))
    const response = await gateway.backend().sendToUser('ada', 'greeting', { text: 'hello' })
    assert.equal(response.status, 200)
    assert.deepEqual(await Promise.all(greetings), [{ text: 'hello' }, { text: 'hello' }])
    assert.deepEqual(clients[0].user.user_data, ada)
    // What was sent to her before would have come before.
    await gateway.backend().sendToUser('grace', 'farewell', {})
    await farewell
    assert.deepEqual(receivedByGrace, ['farewell'])
  })

  it('is present in a channel as who it is, though the signature does not say who', async () => {
    const channelAuthorization = {
      customHandler: ({ socketId, channelName }, callback) =>
        callback(null, gateway.backend().authorizeChannel(socketId, channelName)),
    }
    const client = connect({ id: 'ada', user_info: { name: 'Ada' } }, { channelAuthorization })
    client.signin()
    const { members } = await subscribed(client, 'presence-users')
    assert.deepEqual(members.me, { id: 'ada', info: { name: 'Ada' } })
  })

  it('signs in with the demo endpoint, through Laravel Echo too', async () => {
    const endpoint = `${gateway.url}/broadcasting/user-auth`
    const echo = new Echo({
      broadcaster: 'reverb',
      Pusher,
      key: APP.key,
      ...gateway.address(),
      userAuthentication: { endpoint, transport: 'ajax', params: { user_id: 'echo', user_name: 'Echo' } },
    })
    gateway.disconnectLater(echo)
    echo.connector.signin()
    const { pusher } = echo.connector
    await within('pusher:signin_success', new Promise((resolve) => pusher.bind('pusher:signin_success', resolve)))
    assert.deepEqual(pusher.user.user_data, { id: 'echo', user_info: { name: 'Echo' } })
  })

  it('is told why a sign-in is refused, and the connection lives', async () => {
    const customHandler = (_, callback) => callback(null, { auth: `${APP.key}:00`, user_data: '{"id":"ada"}' })
    const client = gateway.connect({ userAuthentication: { customHandler } })
    const refused = next(client.connection, 'error')
    client.signin()
    const { data } = await refused
    assert.equal(data.code, 4009)
    assert.match(data.message, /the signature in auth is not the HMAC-SHA256 of .*::user::/)
    await subscribed(client, 'orders')
    assert.equal(client.connection.state, 'connected')
  })

  it('sees the users on its watchlist come and go', async () => {
    const watcher = connect({ id: 'watcher', watchlist: ['friend', 'watcher'] })
    const status = (name, awaited) => within(`${awaited} ${name}`, new Promise((resolve) => {
      watcher.user.watchlist.bind(name, ({ user_ids: ids }) => { if (ids.includes(awaited)) resolve() })
    }))
    const first = [status('online', 'watcher'), status('offline', 'friend')]
    await signedIn(watcher)
    await Promise.all(first)
    const online = status('online', 'friend')
    const friend = await signedIn(connect({ id: 'friend' }))
    await online
    const offline = status('offline', 'friend')
    friend.disconnect()
    await offline
  })

  it('is told of too long a watchlist with 4302, and the connection lives', async () => {
    const client = connect({ id: 'ada', watchlist: Array.from({ length: 101 }, (_, n) => `user-${n}`) })
    const refused = next(client.connection, 'error')
    client.signin()
    assert.equal((await refused).data.code, 4302)
    await subscribed(client, 'orders')
  })
})
