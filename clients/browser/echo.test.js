// Laravel Echo and pusher-js in Chromium, as their packages ship them, with an application beside the gateway.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Gateway } from '../node/support/gateway.js'
import { Application } from './support/application.js'
import { Tab, launch } from './support/browser.js'

describe('Laravel Echo in Chromium', () => {
  let gateway, application, browser
  before(async () => {
    gateway = await Gateway.start()
    application = await Application.start(gateway)
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await application?.stop()
    await gateway?.stop()
  })

  /** A browser of their own for each of `users`, closed when the test ends. */
  async function sessions(t, ...users) {
    return Promise.all(users.map(async (user) => {
      const context = await browser.newContext()
      t.after(() => context.close())
      await context.addCookies([{ name: 'user', value: user, url: application.url }])
      return context
    }))
  }

  async function tabs(t, ...users) {
    return Promise.all((await sessions(t, ...users)).map((session) => Tab.open(session, application.url)))
  }

  const trigger = (channel, event, data) => application.backend.trigger(channel, event, data)

  /** Joins a presence channel, and tells of all that Echo tells there. */
  const join = (tab, room) => tab.run((name) => {
    const names = (users) => users.map((user) => user.name).sort()
    echo.join(name)
      .here((users) => tell('here', names(users)))
      .joining(({ name }) => tell('joining', name))
      .leaving(({ name }) => tell('leaving', name))
      .listen('.after', (data) => tell('after', data))
  }, room)

  /** Waits until what was sent to a channel before has arrived in all of `tabs`. */
  async function arrived(channel, ...tabs) {
    const all = tabs.map((tab) => tab.next('after'))
    await trigger(channel, 'after', {})
    await Promise.all(all)
  }

  it('listens on a public channel', async (t) => {
    const [ada] = await tabs(t, 'ada')
    await ada.run(() => {
      echo.channel('news').subscribed(() => tell('subscribed')).listen('Posted', (data) => tell('posted', data))
    })
    await ada.next('subscribed')
    await trigger('news', 'App\\Events\\Posted', { title: 'grün ✓' })
    assert.deepEqual(await ada.next('posted'), { title: 'grün ✓' })
  })

  it('whispers on a private channel to the others, not to itself', async (t) => {
    const [ada, grace] = await tabs(t, 'ada', 'grace')
    for (const tab of [ada, grace]) {
      await tab.run(() => {
        echo.private('chat').subscribed(() => tell('subscribed'))
          .listenForWhisper('typing', (data) => tell('typing', data)).listen('.after', (data) => tell('after', data))
      })
      await tab.next('subscribed')
    }
    await ada.run(() => { echo.private('chat').whisper('typing', { who: 'ada' }) })
    assert.deepEqual(await grace.next('typing'), { who: 'ada' })
    await arrived('private-chat', ada)
    assert.deepEqual(ada.told('typing'), [])
  })

  it('is told on a presence channel who is here, who joins and who leaves', async (t) => {
    const [grace, ada] = await tabs(t, 'grace', 'ada')
    await join(grace, 'room')
    assert.deepEqual(await grace.next('here'), ['grace'])
    await join(ada, 'room')
    assert.deepEqual(await ada.next('here'), ['ada', 'grace'])
    assert.equal(await grace.next('joining'), 'ada')
    await ada.run(() => { echo.leave('room') })
    assert.equal(await grace.next('leaving'), 'ada')
  })

  it('sees a user with two tabs join once, and leave with the last one', async (t) => {
    const [adas, graces] = await sessions(t, 'ada', 'grace')
    const grace = await Tab.open(graces, application.url)
    await join(grace, 'twice')
    await grace.next('here')
    const [first, second] = [await Tab.open(adas, application.url), await Tab.open(adas, application.url)]
    for (const tab of [first, second]) {
      await join(tab, 'twice')
      assert.deepEqual(await tab.next('here'), ['ada', 'grace'])
    }
    await first.close()
    await arrived('presence-twice', second, grace)
    assert.deepEqual([grace.told('joining'), grace.told('leaving')], [['ada'], []])
    await second.close()
    assert.equal(await grace.next('leaving'), 'ada')
    await arrived('presence-twice', grace)
    assert.deepEqual([grace.told('joining'), grace.told('leaving')], [['ada'], ['ada']])
  })

  it('tells an event to others than the tab that caused it, by its socket id', async (t) => {
    const [ada, grace] = await tabs(t, 'ada', 'grace')
    for (const tab of [ada, grace]) {
      await tab.run(() => {
        echo.channel('orders').subscribed(() => tell('subscribed'))
          .listen('.created', (data) => tell('created', data)).listen('.after', (data) => tell('after', data))
      })
      await tab.next('subscribed')
    }
    const status = await ada.run(async () => {
      const headers = { 'X-Socket-ID': echo.socketId() }
      return (await fetch('/orders', { method: 'POST', headers, body: '{"id":42}' })).status
    })
    assert.equal(status, 200)
    assert.deepEqual(await grace.next('created'), { id: 42 })
    await arrived('orders', ada)
    assert.deepEqual(ada.told('created'), [])
  })

  it('reads an encrypted channel, of which the gateway has no key', async (t) => {
    const [session] = await sessions(t, 'ada')
    const ada = await Tab.open(session, `${application.url}/encrypted`)
    await ada.run(() => {
      echo.connector.pusher.connection.bind('message', ({ event, data }) => {
        if (event === 'opened') tell('passed', Object.keys(data).sort())
      })
      echo.encryptedPrivate('vault').subscribed(() => tell('subscribed')).listen('.opened', (data) => tell('opened', data))
    })
    await ada.next('subscribed')
    await trigger('private-encrypted-vault', 'opened', { code: 1234 })
    assert.deepEqual(await ada.next('opened'), { code: 1234 })
    assert.deepEqual(await ada.next('passed'), ['ciphertext', 'nonce'])
  })

  it('is told by a cache channel the latest event, or that there is none', async (t) => {
    await trigger('cache-prices', 'price', 1)
    await trigger('cache-prices', 'price', 2)
    const [ada] = await tabs(t, 'ada')
    await ada.run(() => {
      echo.channel('cache-prices').listen('.price', (price) => tell('price', price))
      echo.channel('cache-empty').listen('.pusher:cache_miss', () => tell('miss'))
    })
    assert.equal(await ada.next('price'), 2)
    await ada.next('miss')
    await trigger('cache-prices', 'price', 3)
    assert.equal(await ada.next('price'), 3)
  })

  it('signs in, and receives what is for its user', async (t) => {
    const [ada, grace] = await tabs(t, 'ada', 'grace')
    for (const tab of [ada, grace]) {
      await tab.run(() => {
        const { pusher } = echo.connector
        pusher.user.bind('greeting', (data) => tell('greeting', data))
        pusher.bind('pusher:signin_success', () => tell('signed in'))
        echo.connector.signin()
      })
      await tab.next('signed in')
      await tab.run(() => { // what is sent before would not arrive
        const { user } = echo.connector.pusher
        const channel = user.serverToUserChannel
        if (channel.subscribed) tell('ready', user.user_data)
        else channel.bind('pusher:subscription_succeeded', () => tell('ready', user.user_data))
      })
    }
    assert.deepEqual(await ada.next('ready'), { id: 'ada', user_info: { name: 'ada' } })
    await grace.next('ready')
    await application.backend.sendToUser('ada', 'greeting', { text: 'hello ada' })
    await application.backend.sendToUser('grace', 'greeting', { text: 'hello grace' })
    assert.deepEqual(await ada.next('greeting'), { text: 'hello ada' })
    assert.deepEqual(await grace.next('greeting'), { text: 'hello grace' })
    assert.equal(grace.told('greeting').length, 1)
  })

  it('comes back after a restart of the gateway, and presence is right again', async (t) => {
    const [ada, grace] = await tabs(t, 'ada', 'grace')
    for (const tab of [ada, grace]) {
      await join(tab, 'home')
      await tab.next('here')
    }
    assert.equal(await ada.next('joining'), 'grace')
    const { port } = gateway
    await gateway.stop()
    gateway = await Gateway.start({ port })
    const rosters = await Promise.all([ada, grace].map((tab) => tab.next('here')))
    assert.deepEqual(rosters.map(({ length }) => length).sort(), [1, 2], 'whoever was back first was there alone')
    for (const tab of [ada, grace]) tab.forget() // one was told that the other left, if that was closed first
    await arrived('presence-home', ada, grace)
    assert.deepEqual([...ada.told('leaving'), ...grace.told('leaving')], [])
    await ada.close()
    assert.equal(await grace.next('leaving'), 'ada')
    await arrived('presence-home', grace)
    assert.deepEqual(grace.told('leaving'), ['ada'])
  })
})
