// Starts the gateway under test on a free port, and the clients that the tests share.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Pusher from 'pusher-js'
import PusherServer from 'pusher'
import { within } from './wait.js'

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../../target', import.meta.url))

export const PROGRAM = process.env.REALTIME_SERVER ?? join(TARGET, 'release/realtime-server')

export const APP = { id: 'demo', key: 'demo-key', secret: 'demo-secret' } // what the program starts with

export class Gateway {
  #process
  #clients = []

  /** Resolves once the program has printed where it listens; by default on a free port. */
  static async start({ port = 0, flags = [], app = APP } = {}) {
    const gateway = new Gateway()
    gateway.app = app
    gateway.#process = spawn(PROGRAM, ['--listen', `127.0.0.1:${port}`, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    gateway.url = await within('the address that the gateway prints', new Promise((resolve, reject) => {
      gateway.#process.on('error', reject)
      gateway.#process.on('exit', (code) => reject(new Error(`the gateway exited with ${code}: ${printed}`)))
      gateway.#process.stderr.on('data', (text) => { printed += text })
      gateway.#process.stdout.on('data', (text) => {
        printed += text
        const address = printed.match(/http:\/\/127\.0\.0\.1:\d+/)
        if (address) resolve(address[0])
      })
    }))
    gateway.host = '127.0.0.1'
    gateway.port = Number(new URL(gateway.url).port)
    return gateway
  }

  /** Has the gateway read its file again. */
  reload() {
    this.#process.kill('SIGHUP')
  }

  /** Ends the gateway as Ctrl-C does, which it has to take as a normal end. */
  async stop() {
    for (const client of this.#clients.splice(0)) client.disconnect()
    if (this.#process.exitCode !== null) throw new Error(`the gateway had ended with ${this.#process.exitCode}`)
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGINT')
    try {
      assert.equal(await within('the gateway to end after SIGINT', exited), 0)
    } finally {
      this.#process.kill('SIGKILL')
    }
  }

  /** Where an unmodified client finds this gateway. */
  address() {
    return {
      wsHost: this.host,
      wsPort: this.port,
      wssPort: this.port,
      forceTLS: false,
      enabledTransports: ['ws', 'wss'], // else pusher-js falls back to a host of its vendor
    }
  }

  /** A pusher-js client whose identity on presence channels is `user`, disconnected when the gateway stops. */
  connect({ user = {}, key = this.app.key, ...options } = {}) {
    const client = new Pusher(key, {
      cluster: '',
      ...this.address(),
      channelAuthorization: {
        endpoint: `${this.url}/pusher/auth`,
        transport: 'ajax',
        params: user.id ? { user_id: user.id, user_name: user.name } : {},
      },
      ...options,
    })
    this.disconnectLater(client)
    return client
  }

  disconnectLater(client) {
    this.#clients.push(client)
  }

  /** The library with which a backend publishes. */
  backend({ app = this.app, secret = app.secret } = {}) {
    const { id: appId, key } = app
    return new PusherServer({ appId, key, secret, host: this.host, port: String(this.port), useTLS: false })
  }
}
