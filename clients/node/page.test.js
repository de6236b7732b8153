// The gateway's own page in Chromium: two tabs, each with a session of its own.
// Screenshots go to the folder that the first line of output names.

import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { Gateway } from './support/gateway.js'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']
const LIMIT_MS = 10_000

describe('the page', () => {
  let gateway, browser, screenshots
  const complaints = [] // of the browser's console, and errors that no script caught

  before(async () => {
    gateway = await Gateway.start()
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
    screenshots = await mkdtemp(join(tmpdir(), 'realtime-page-'))
    console.log(`screenshots: ${screenshots}`)
  })
  after(async () => {
    await browser?.close()
    await gateway?.stop()
  })

  /** A tab with the page, connected and in the lobby as `name`. Closed when the test ends. */
  async function open(t, name, { dark = false, width = 1400, height = 900 } = {}) {
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
    await tab.addInitScript((given) => { sessionStorage.name ??= given }, name)
    await tab.goto(gateway.url)
    await tab.locator('#roster li', { hasText: name }).waitFor()
    return tab
  }

  const roster = (tab) => tab.locator('#roster li > span:first-child').allTextContents()
  const says = (tab, text) => tab.locator('#talk li', { hasText: text }).first().waitFor()

  async function say(tab, text) {
    await tab.fill('#message', text)
    await tab.press('#message', 'Enter')
  }

  async function publish(channel, event, data) {
    const body = JSON.stringify({ channel, event, data })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' } // what curl -d sends
    const response = await fetch(`${gateway.url}/demo/publish`, { method: 'POST', headers, body })
    assert.equal(response.status, 200)
  }

  it('lets two tabs see each other come, talk and go', async (t) => {
    const ada = await open(t, 'Ada')
    const grace = await open(t, 'Grace')
    await says(ada, 'Grace came in')
    assert.deepEqual(await roster(ada), ['Ada', 'Grace'])
    assert.deepEqual(await roster(grace), ['Ada', 'Grace'])

    await say(ada, 'hello <b>there</b>')
    await says(grace, 'hello <b>there</b>')
    await say(grace, 'hello yourself')
    await says(ada, 'hello yourself')
    assert.equal(await ada.locator('#talk .message').count(), 2, 'each message once, one\'s own included')

    await grace.close()
    await says(ada, 'Grace left')
    assert.deepEqual(await roster(ada), ['Ada'])
  })

  it('shows in every open tab what curl publishes', async (t) => {
    const ada = await open(t, 'Ada')
    const grace = await open(t, 'Grace')
    await publish('news', 'hello', 'it works')
    for (const tab of [ada, grace]) await says(tab, 'it works')
    await publish('news', 'created', { id: 42 })
    for (const tab of [ada, grace]) await says(tab, '"id": 42')
    await ada.click('#publish')
    await grace.locator('#talk .news', { hasText: 'it works' }).nth(1).waitFor()
  })

  it('shows what goes over the wire, each frame to be opened', async (t) => {
    const ada = await open(t, 'Ada')
    const sent = ada.locator('#wire details.sent', { hasText: 'presence-lobby' })
    await sent.locator('summary').click()
    const frame = JSON.parse(await sent.locator('pre').textContent())
    assert.equal(frame.event, 'pusher:subscribe')
    assert.equal(frame.data.channel_data.user_info.name, 'Ada')

    await ada.check('#raw')
    const raw = JSON.parse(await sent.locator('pre').textContent())
    assert.equal(typeof raw.data.channel_data, 'string')
    await ada.locator('#wire details.received', { hasText: 'pusher:connection_established' }).waitFor()
  })

  it('keeps an identity over a reload, unnoticed by the others, and takes a new name', async (t) => {
    const grace = await open(t, 'Grace')
    const ada = await open(t, 'Ada')
    await says(grace, 'Ada came in')
    await ada.reload()
    await ada.locator('#message:enabled').waitFor()
    await ada.fill('#name', 'Lovelace')
    await ada.press('#name', 'Enter')
    await says(grace, 'Ada is now Lovelace')
    assert.deepEqual(await grace.locator('#talk .notice').evaluateAll((all) => all.map((line) => line.lastChild.data)),
      ['Ada came in', 'Ada is now Lovelace'])
  })

  it('says that somebody is typing', async (t) => {
    const ada = await open(t, 'Ada')
    const grace = await open(t, 'Grace')
    await grace.locator('#message').pressSequentially('hm')
    await ada.locator('#typing', { hasText: 'Grace typing' }).waitFor()
  })

  it('copies the line of curl', async (t) => {
    const ada = await open(t, 'Ada')
    await ada.click('[data-copy=curl]')
    await ada.locator('[data-copy=curl]', { hasText: 'Copied' }).waitFor()
    const copied = await ada.evaluate(() => navigator.clipboard.readText())
    assert.match(copied, /^curl -d '\{"channel":"news"/)
    assert.ok(copied.endsWith(`${gateway.url}/demo/publish`))
  })

  it('works with the keyboard alone', async (t) => {
    const ada = await open(t, 'Ada')
    await ada.focus('#name')
    await ada.keyboard.press('Enter')
    await ada.keyboard.type('typed')
    await ada.keyboard.press('Enter')
    await says(ada, 'typed')
    await ada.locator('#wire summary').first().focus()
    await ada.keyboard.press('Enter')
    await ada.locator('#wire details[open] pre').waitFor()
  })

  for (const look of [{ name: 'light' }, { name: 'dark', dark: true }, { name: 'narrow', width: 375, height: 812 }]) {
    it(`fits its window: ${look.name}`, async (t) => {
      const ada = await open(t, 'Ada', look)
      await say(ada, 'w'.repeat(200))
      await publish('news', 'hello', 'it works')
      await says(ada, 'it works')
      await ada.screenshot({ path: join(screenshots, `${look.name}.png`), fullPage: true })
      const [content, window] = await ada.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      assert.ok(content <= window, `${content} px of content in ${window} px`)
    })
  }

  // Before the next test, in which the browser rightly complains of refused connections.
  it('gave the browser nothing to complain of', () => {
    assert.deepEqual(complaints, [])
  })

  it('comes back when the gateway does', async (t) => {
    const ada = await open(t, 'Ada')
    const { port } = gateway
    await gateway.stop()
    await ada.locator('#state[data-state=waiting]').waitFor()
    assert.ok(await ada.isDisabled('#message'))
    gateway = await Gateway.start({ port })
    await ada.locator('#message:enabled').waitFor()
    assert.deepEqual(await roster(ada), ['Ada'])
  })
})
