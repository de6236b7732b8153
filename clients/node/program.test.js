// The program as a person starts it: flags, mistakes, and what is off without the demo.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { Gateway, PROGRAM } from './support/gateway.js'
import { next, subscribed } from './support/wait.js'

const LIMIT_MS = 30_000 // only a failure takes that long

const run = (...flags) => new Promise((resolve) => {
  execFile(PROGRAM, flags, { timeout: LIMIT_MS }, (error, stdout, stderr) => {
    resolve({ status: error ? error.code ?? error.signal : 0, stdout, stderr })
  })
})

describe('the program', () => {
  it('explains its flags with --help', async () => {
    const { status, stdout } = await run('--help')
    assert.equal(status, 0)
    for (const flag of ['--listen', '--app-id', '--app-key', '--app-secret', '--demo', '--no-demo', '--debug-token', '--compression', '--subscription-counts', '--webhook', '--threads', '--drain-seconds', '--log-level']) {
      assert.ok(stdout.includes(flag), flag)
    }
  })

  for (const [mistake, flags, named] of [
    ['an unknown flag', ['--lisen', '127.0.0.1:0'], '--lisen'],
    ['an address that is none', ['--listen', 'nowhere'], 'nowhere'],
    ['a number of threads that is none', ['--threads', 'many'], 'many'],
    ['a flag without its value', ['--app-key'], '--app-key'],
  ]) {
    it(`names in one line ${mistake}, and fails`, async () => {
      const { status, stderr } = await run(...flags)
      assert.notEqual(status, 0)
      assert.ok(stderr.includes(named), stderr)
      assert.equal(stderr.trim().split('\n').length, 1, stderr)
    })
  }

  it('names in one line an address that is in use, and fails', async () => {
    const gateway = await Gateway.start()
    try {
      const { status, stderr } = await run('--listen', `127.0.0.1:${gateway.port}`)
      assert.notEqual(status, 0)
      assert.ok(stderr.includes(`127.0.0.1:${gateway.port}`), stderr)
      assert.equal(stderr.trim().split('\n').length, 1, stderr)
    } finally {
      await gateway.stop()
    }
  })
})

describe('the README', () => {
  it('gives Laravel a configuration that works with the program as it starts by itself', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    const [, lines] = readme.match(/printf '%s\\n' (BROADCAST_CONNECTION=.*) >>\.env$/m)
    const env = Object.fromEntries(lines.split(' ').map((line) => line.split('=')))
    assert.deepEqual([env.BROADCAST_CONNECTION, env.REVERB_PORT, env.REVERB_SCHEME], ['reverb', '8080', 'http'])
    const app = { id: env.REVERB_APP_ID, key: env.REVERB_APP_KEY, secret: env.REVERB_APP_SECRET }
    const gateway = await Gateway.start() // at a free port, as 8080 may be taken
    try {
      assert.equal(env.REVERB_HOST, gateway.host)
      gateway.app = app
      const orders = await subscribed(gateway.connect(), 'orders')
      const created = next(orders, 'created')
      await gateway.backend().trigger('orders', 'created', { id: 42 })
      assert.deepEqual(await created, { id: 42 })
    } finally {
      await gateway.stop()
    }
  })
})

describe('the program without the demo', () => {
  const app = { id: '7', key: 'shop', secret: 'kept to itself' }
  const flags = ['--no-demo', '--app-id', app.id, '--app-key', app.key, '--app-secret', app.secret]
  let gateway
  before(async () => { gateway = await Gateway.start({ app, flags }) })
  after(() => gateway?.stop())

  it('serves the application that its flags name', async () => {
    const orders = await subscribed(gateway.connect(), 'orders')
    const created = next(orders, 'created')
    await gateway.backend().trigger('orders', 'created', { id: 42 })
    assert.deepEqual(await created, { id: 42 })
  })

  it('signs for nobody and publishes for nobody', async () => {
    for (const path of ['/pusher/auth', '/broadcasting/auth', '/demo/publish']) {
      const response = await fetch(gateway.url + path, {
        method: 'POST', body: new URLSearchParams({ socket_id: '1.1', channel_name: 'private-x' }),
      })
      assert.equal(response.status, 404, path)
    }
  })
})
