// The gateway's own page in Chromium. Screenshots go to the folder that the first line of output names.

import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Gateway } from '../node/support/gateway.js'
import { subscribed } from '../node/support/wait.js'
import { LIMIT_MS, launch } from './support/browser.js'

const TOKEN = 'look-in'
const OWN = { id: '7', key: 'shop', secret: 'kept to itself' }

/** What a browser complained of: in its console, of its policy, and errors that no script caught. */
const complaints = []

/** A tab with the page of `gateway`, connected as `name`. Closed when the test ends. */
async function open(t, browser, url, name, { dark = false, width = 1400, height = 900, isReady = '#socket[data-state=connected]' } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', permissions: ['clipboard-read', 'clipboard-write'],
  })
  t.after(() => context.close())
  const tab = await context.newPage()
  tab.setDefaultTimeout(LIMIT_MS)
  tab.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${name}: ${message.text()}`)
  })
  tab.on('pageerror', (error) => complaints.push(`${name}: ${error}`))
  tab.on('request', (request) => {
    if (!request.url().startsWith(url) || request.url().includes(TOKEN)) complaints.push(`${name}: asked ${request.url()}`)
  })
  await tab.addInitScript((given) => {
    sessionStorage.name ??= given
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`policy: ${violatedDirective} ${blockedURI}`)
    })
  }, name)
  await tab.goto(url)
  await tab.locator(isReady).waitFor()
  return tab
}

const chip = (tab, channel) => tab.locator('#subscriptions .joined', { hasText: channel })
const row = (tab, channel) => tab.locator('#channels > li').filter({ has: tab.locator('.name', { hasText: new RegExp(`^${channel}$`) }) })
const frame = (tab, way, event) => tab.locator(`#log .${way}`, { has: tab.locator('.event', { hasText: event }) })

async function subscribe(tab, channel) {
  await tab.fill('#channel', channel)
  await tab.press('#channel', 'Enter')
  await chip(tab, channel).waitFor()
}

async function send(tab, how, channel, event, data) {
  await tab.fill('#target', channel)
  await tab.fill('#event', event)
  await tab.fill('#data', data)
  await tab.click(how)
}

/** The data of a frame of the log, opened. */
async function opened(entry) {
  await entry.locator('summary').click()
  return JSON.parse(await entry.locator('pre').textContent()).data
}

describe('the page', () => {
  let gateway, browser, screenshots
  before(async () => {
    gateway = await Gateway.start()
    browser = await launch()
    screenshots = await mkdtemp(join(tmpdir(), 'realtime-page-'))
    console.log(`screenshots: ${screenshots}`)
  })
  after(async () => {
    await browser?.close()
    await gateway?.stop()
  })

  it('shows live connections, channels with their counts, and who is in them', async (t) => {
    const [phone, laptop, watch] = ['ada', 'ada', 'grace'].map((id) => gateway.connect({ user: { id, name: id } }))
    for (const client of [phone, laptop, watch]) await subscribed(client, 'presence-room')
    await subscribed(watch, 'prices')
    const tab = await open(t, browser, gateway.url, 'Ada')
    await tab.locator('.tile', { hasText: 'Connections' }).locator('b', { hasText: /^4$/ }).waitFor()
    const room = row(tab, 'presence-room')
    await room.locator('.unseen', { hasText: '2 members, 3 connections' }).waitFor({ state: 'attached' })
    await row(tab, 'prices').locator('.unseen', { hasText: '1 subscriber' }).waitFor({ state: 'attached' })
    await room.locator('.entry').click()
    await room.locator('.chips li').nth(1).waitFor()
    assert.deepEqual(await room.locator('.chips li > span:first-child').allTextContents(), ['ada', 'grace'])

    for (const client of [phone, laptop]) client.disconnect()
    await room.locator('.chips li').nth(1).waitFor({ state: 'detached' })
    assert.deepEqual(await room.locator('.chips li > span:first-child').allTextContents(), ['grace'])
    watch.disconnect()
    await room.waitFor({ state: 'detached' })
  })

  it('finds a channel by a part of its name', async (t) => {
    const client = gateway.connect()
    for (const name of ['apples', 'pears', 'pineapples']) await subscribed(client, name)
    const tab = await open(t, browser, gateway.url, 'Ada')
    await tab.fill('#filter', 'apple')
    await row(tab, 'pears').waitFor({ state: 'detached' })
    assert.deepEqual(await tab.locator('#channels .name').allTextContents(), ['apples', 'pineapples'])
    await tab.fill('#filter', 'nothing like it')
    await tab.locator('#channels-empty', { hasText: 'No channel’s name contains' }).waitFor()
    client.disconnect()
  })

  it('lists no more channels than fit, and says how many there are', async (t) => {
    const clients = [gateway.connect(), gateway.connect()]
    for (const [index, client] of clients.entries()) {
      await Promise.all(Array.from({ length: 150 }, (_, n) => subscribed(client, `many-${index}-${n}`)))
    }
    const tab = await open(t, browser, gateway.url, 'Ada')
    await tab.locator('#channels > li').nth(199).waitFor()
    await tab.locator('#channels-more', { hasText: 'and 102 more' }).waitFor()
    assert.equal(await tab.locator('#channels > li').count(), 200)
    for (const client of clients) client.disconnect()
  })

  it('plots what happens in a second', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    const messages = tab.locator('.tile', { hasText: 'Messages' })
    await messages.locator('.peak', { hasText: /^peak \d/ }).waitFor()
    assert.match(await messages.locator('svg').getAttribute('aria-label'), /^Messages in the last two minutes: out .*, in .*; at most/)
    // As long as something is sent, some second has had some.
    let isOver = false
    const seen = messages.locator('.peak', { hasNotText: /^peak 0\/s$/ }).waitFor().finally(() => { isOver = true })
    while (!isOver) {
      await gateway.backend().trigger('news', 'tick', {})
      await tab.evaluate(() => new Promise(requestAnimationFrame))
    }
    await seen
    assert.equal(await messages.locator('path').count(), 3)
  })

  it('joins public, private and presence channels, and leaves them', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    for (const channel of ['orders', 'private-orders', 'presence-orders']) await subscribe(tab, channel)
    await row(tab, 'private-orders').waitFor()
    await tab.locator('[aria-label="Unsubscribe from orders"]').click()
    await row(tab, 'orders').waitFor({ state: 'detached' })
  })

  it('publishes and whispers to another tab', async (t) => {
    const ada = await open(t, browser, gateway.url, 'Ada')
    const grace = await open(t, browser, gateway.url, 'Grace')
    for (const tab of [ada, grace]) await chip(tab, 'presence-lobby').waitFor()
    await send(ada, '#publish', 'presence-lobby', 'hello', '{"to": "all"}')
    for (const tab of [ada, grace]) assert.deepEqual(await opened(frame(tab, 'received', /^hello$/)), { to: 'all' })
    await send(ada, '#whisper', 'presence-lobby', 'typing', 'not JSON')
    assert.equal(await opened(frame(grace, 'received', 'client-typing')), 'not JSON')
    assert.equal(await frame(ada, 'received', 'client-typing').count(), 0)
  })

  it('says why something cannot be sent', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    await send(tab, '#whisper', 'news', 'typing', '{}')
    await tab.locator('#send-error', { hasText: 'a whisper goes to a private or presence channel' }).waitFor()
    await send(tab, '#whisper', 'private-elsewhere', 'typing', '{}')
    await tab.locator('#send-error', { hasText: 'subscribe to private-elsewhere first' }).waitFor()
  })

  it('shows in every open tab what curl publishes', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    await chip(tab, 'news').waitFor()
    const curl = await tab.locator('.card', { hasText: 'Shell' }).locator('pre').textContent()
    const [, body, url] = curl.match(/^curl -d '(.*)' (.*)$/)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' } // what curl -d sends
    assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 200)
    assert.equal(await opened(frame(tab, 'received', /^hello$/)), 'it works')
  })

  it('is someone else in presence channels under another name', async (t) => {
    const [ada, grace] = [await open(t, browser, gateway.url, 'Ada'), await open(t, browser, gateway.url, 'Grace')]
    for (const tab of [ada, grace]) await chip(tab, 'presence-lobby').waitFor()
    await ada.fill('#name', 'Lovelace')
    await ada.press('#name', 'Tab')
    await row(grace, 'presence-lobby').locator('.entry').click()
    await row(grace, 'presence-lobby').locator('.chips li', { hasText: 'Lovelace' }).waitFor()
    await ada.reload()
    await chip(ada, 'presence-lobby').waitFor()
    assert.equal(await ada.inputValue('#name'), 'Lovelace')
  })

  it('fills this server into snippets to be copied', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    const copied = async (title) => {
      await tab.getByRole('button', { name: `Copy ${title}`, exact: true }).click()
      await tab.getByRole('button', { name: `Copied ${title}`, exact: true }).waitFor()
      return tab.evaluate(() => navigator.clipboard.readText())
    }
    const { port } = gateway
    assert.match(await copied('Laravel Echo'), new RegExp(`key: 'demo-key',\\n  wsHost: '127.0.0.1',\\n  wsPort: ${port},`))
    assert.match(await copied('pusher-js'), new RegExp(`    endpoint: 'http://127.0.0.1:${port}/broadcasting/auth'`))
    assert.match(await copied('Laravel .env'), new RegExp(`^BROADCAST_CONNECTION=reverb\\nREVERB_APP_ID=demo\\nREVERB_APP_KEY=demo-key\\nREVERB_APP_SECRET=demo-secret\\nREVERB_HOST=127.0.0.1\\nREVERB_PORT=${port}\\nREVERB_SCHEME=http\\n`))
    assert.match(await copied('Node server'), /appId: 'demo',\n  key: 'demo-key',\n  secret: 'demo-secret',/)
    assert.match(await copied('Python server'), new RegExp(`port=${port},\\n    ssl=False,`))
    assert.ok((await copied('Shell')).endsWith(`http://127.0.0.1:${port}/demo/publish`))
  })

  it('lets one of several apps be picked, and goes back to the first when that is gone', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    assert.ok(await tab.isHidden('#apps'))
    await tab.route(/page\/state/, async (route) => {
      const response = await route.fetch()
      const state = response.ok() ? { ...await response.json(), apps: ['demo', 'shop'] } : undefined
      return route.fulfill(state ? { response, json: state } : { response })
    })
    const asked = tab.waitForRequest(/page\/state.*app=shop/)
    await tab.selectOption('#apps', 'shop')
    assert.equal((await (await asked).response()).status(), 404, 'this gateway has no such app')
    await chip(tab, 'news').waitFor()
    assert.equal(await tab.inputValue('#apps'), 'demo')
    await tab.unrouteAll({ behavior: 'wait' }) // an answer that is on its way has nowhere to go once the tab is closed
    assert.deepEqual(complaints.splice(0).filter((complaint) => !complaint.includes('404')), [])
  })

  it('works with the keyboard alone', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    const focused = () => tab.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName)
    const isOutlined = () => tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none')
    /** Tabs until an element has the focus, which has to be seen on all of the way. */
    const reach = async (wanted) => {
      for (let presses = 0; await focused() !== wanted; presses++) {
        assert.ok(presses < 60, `${wanted} is not reached with the Tab key`)
        await tab.keyboard.press('Tab')
        const at = await focused()
        assert.ok(at === 'BODY' || await isOutlined(), `the focus on ${at} is not seen`)
      }
    }
    await row(tab, 'news').waitFor()
    await tab.keyboard.press('Tab')
    assert.equal(await focused(), 'skip')
    await reach('entry')
    await tab.keyboard.press('Enter')
    await tab.locator('.entry[aria-expanded=true]').waitFor()
    await reach('channel')
    await tab.keyboard.type('private-typed') // what was there is selected by the Tab key
    await tab.keyboard.press('Enter')
    await chip(tab, 'private-typed').waitFor()
    await reach('target')
    await tab.keyboard.type('private-typed')
    await reach('publish')
    await tab.keyboard.press('Space')
    await frame(tab, 'received', /^hello$/).waitFor()
    await reach('log')
    await tab.keyboard.press('Tab')
    await tab.keyboard.press('Enter')
    await tab.locator('#log details[open] pre').waitFor()
  })

  it('names its parts to those who do not see them', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    for (const [role, name] of [['banner'], ['main'], ['region', 'Rates'], ['region', 'Channels'], ['region', 'Console'],
      ['region', 'Use it from your program'], ['log', 'On the wire'], ['list', 'Subscriptions of this console'],
      ['combobox', 'Channel'], ['textbox', 'As'], ['combobox', 'To'], ['textbox', 'Event'], ['textbox', 'Data']]) {
      assert.ok(await tab.getByRole(role, name ? { name } : {}).count() > 0, `${role} ${name ?? ''}`)
    }
    const unlabelled = await tab.$$eval('input, textarea, button', (all) => all.filter((control) =>
      !control.labels?.length && !control.ariaLabel && !control.textContent.trim()).map(({ outerHTML }) => outerHTML))
    assert.deepEqual(unlabelled, [])
    assert.equal(await tab.getAttribute('#log', 'aria-live'), 'polite')
  })

  for (const look of [{ name: 'light' }, { name: 'dark', dark: true }, { name: 'narrow', width: 360, height: 780 },
    { name: 'narrow-dark', dark: true, width: 360, height: 780 }, { name: 'tablet', width: 820, height: 1180 }]) {
    it(`fits its window: ${look.name}`, async (t) => {
      const room = ['ada', 'ada', 'grace', 'a-user-whose-id-is-rather-long-0123456789'].map((id) => gateway.connect({ user: { id, name: id[0].toUpperCase() + id.slice(1) } }))
      t.after(() => room.forEach((client) => client.disconnect()))
      for (const client of room) await subscribed(client, 'presence-room.of-a-rather-long-name-that-has-to-fit-somewhere')
      for (const name of ['orders', 'private-users.42', 'cache-prices']) await subscribed(room[0], name)
      const tab = await open(t, browser, gateway.url, 'Ada', look)
      await chip(tab, 'presence-lobby').waitFor()
      await tab.locator('.entry', { hasText: 'presence-room' }).click()
      await tab.locator('#channels .chips li').nth(2).waitFor()
      await send(tab, '#publish', 'news', 'hello', JSON.stringify({ text: 'w'.repeat(200) }))
      await frame(tab, 'received', /^hello$/).locator('summary').click()
      await send(tab, '#whisper', 'news', 'typing', '{}')
      await gateway.backend().trigger('orders', 'tick', {})
      await tab.locator('.tile', { hasText: 'Messages' }).locator('.peak', { hasNotText: /^peak 0\/s$/ }).waitFor()
      await tab.screenshot({ path: join(screenshots, `${look.name}.png`), fullPage: true })
      const [content, window] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      assert.ok(content <= window, `${content} px of content in ${window} px`)
    })
  }

  // Before the next test, in which the browser rightly complains of refused connections.
  it('gave the browser nothing to complain of', () => {
    assert.deepEqual(complaints.splice(0), [])
  })

  it('comes back when the gateway does', async (t) => {
    const tab = await open(t, browser, gateway.url, 'Ada')
    await chip(tab, 'presence-lobby').waitFor()
    const { port } = gateway
    await gateway.stop()
    await tab.locator('#health', { hasText: 'No answer from the gateway' }).waitFor()
    await tab.locator('#socket[data-state=waiting]').waitFor()
    await tab.screenshot({ path: join(screenshots, 'lost.png') })
    gateway = await Gateway.start({ port })
    await tab.locator('#health', { hasText: 'Live' }).waitFor()
    await chip(tab, 'presence-lobby').waitFor()
    await row(tab, 'presence-lobby').waitFor()
    complaints.length = 0
  })
})

describe('the page behind a token', () => {
  const flags = ['--no-demo', '--debug-token', TOKEN, '--app-id', OWN.id, '--app-key', OWN.key, '--app-secret', OWN.secret]
  let gateway, browser
  before(async () => {
    gateway = await Gateway.start({ app: OWN, flags })
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await gateway?.stop()
  })

  const openGate = (t) => open(t, browser, gateway.url, 'Ada', { isReady: '#token' })
  const give = async (tab, token) => {
    await tab.fill('#token', token)
    await tab.press('#token', 'Enter')
  }

  it('asks for the token, and tells nothing before', async (t) => {
    const tab = await openGate(t)
    assert.ok(!(await tab.content()).includes(OWN.key))
    await give(tab, 'guessed')
    await tab.locator('#gate-error', { hasText: 'That is not the token.' }).waitFor()
    await give(tab, TOKEN)
    await tab.locator('#page').waitFor()
    assert.equal(await tab.locator('#app-id').textContent(), OWN.id)
    assert.equal(tab.url(), `${gateway.url}/`, 'the token is part of no address')
  })

  it('joins and publishes to every channel with the token, and never shows the secret', async (t) => {
    const tab = await openGate(t)
    await give(tab, TOKEN)
    await tab.locator('#subscriptions', { hasText: 'subscribed to nothing' }).waitFor()
    await subscribe(tab, 'private-orders')
    await send(tab, '#publish', 'private-orders', 'hello', '{"to": "all"}')
    assert.deepEqual(await opened(frame(tab, 'received', /^hello$/)), { to: 'all' })
    const content = await tab.content()
    assert.ok(content.includes(OWN.key) && !content.includes(OWN.secret) && !content.includes('/demo/publish'))
  })

  it('keeps the token over a reload, in this tab alone, until it is forgotten', async (t) => {
    const tab = await openGate(t)
    await give(tab, TOKEN)
    await tab.locator('#page').waitFor()
    await tab.reload()
    await tab.locator('#page').waitFor()
    const other = await tab.context().newPage()
    await other.goto(gateway.url)
    await other.locator('#token').waitFor()
    await tab.click('#forget')
    await tab.locator('#token').waitFor()
  })

  it('gave the browser nothing to complain of but tokens that were none', () => {
    assert.deepEqual(complaints.filter((complaint) => !complaint.includes('401')), [])
  })
})
