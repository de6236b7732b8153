// Chromium, and tabs that tell the test what happens in them.

import { chromium } from 'playwright-core'
import { within } from '../../node/support/wait.js'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']
export const LIMIT_MS = 30_000 // of any single wait; only a failure takes that long

/** A browser with nothing in its profile. */
export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS })

/** A tab whose page can `tell(name, data)`. */
export class Tab {
  #told = []
  #taken = new Map()
  #waiting = []

  static async open(context, url) {
    const tab = new Tab()
    tab.page = await context.newPage()
    tab.page.setDefaultTimeout(LIMIT_MS)
    await tab.page.exposeFunction('tell', (name, data) => {
      tab.#told.push({ name, data })
      for (const look of tab.#waiting) look()
    })
    await tab.page.goto(url)
    return tab
  }

  /** Runs a function in the page. */
  run(task, argument) { return this.page.evaluate(task, argument) }

  /** What the page told of `name` so far. */
  told(name) { return this.#told.filter((event) => event.name === name).map(({ data }) => data) }

  /** What the page tells of `name` next: each time another one, in order. */
  next(name) {
    const index = this.#taken.get(name) ?? 0
    this.#taken.set(name, index + 1)
    let look
    const found = new Promise((resolve) => {
      look = () => { if (this.told(name).length > index) resolve(this.told(name)[index]) }
      this.#waiting.push(look)
      look()
    })
    const done = () => { this.#waiting = this.#waiting.filter((other) => other !== look) }
    return within(`"${name}" from the page`, found, LIMIT_MS).finally(done)
  }

  /** Forgets what was told until now. */
  forget() {
    this.#told = []
    this.#taken.clear()
  }

  close() { return this.page.close() }
}
