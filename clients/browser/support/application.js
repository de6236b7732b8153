// A small application beside the gateway, as Laravel is one: it serves a page with unmodified clients, knows by a cookie who
// its user is, signs for them, and publishes with the pusher library.

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import PusherServer from 'pusher'

const FILES = {
  '/pusher.js': 'pusher-js/dist/web/pusher.min.js',
  '/pusher-with-encryption.js': 'pusher-js/dist/web/pusher-with-encryption.min.js',
  '/echo.js': 'laravel-echo/dist/echo.iife.js',
}

export class Application {
  #server
  #gateway

  /** An application whose events go through `gateway`. */
  static async start(gateway) {
    const application = new Application()
    application.#gateway = gateway
    const { id: appId, key, secret } = gateway.app
    application.backend = new PusherServer({
      appId, key, secret, host: gateway.host, port: String(gateway.port), useTLS: false,
      encryptionMasterKeyBase64: randomBytes(32).toString('base64'),
    })
    application.#server = createServer((request, response) => {
      application.#answer(request, response).catch((error) => response.writeHead(500).end(String(error)))
    })
    await new Promise((resolve) => application.#server.listen(0, '127.0.0.1', resolve))
    application.url = `http://127.0.0.1:${application.#server.address().port}`
    return application
  }

  stop() {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.url)
    const user = request.headers.cookie?.match(/user=(\w+)/)?.[1]
    if (request.method === 'GET') return this.#serve(pathname, response)
    const body = await text(request)
    const form = new URLSearchParams(body)
    const socketId = form.get('socket_id')
    switch (pathname) {
      case '/broadcasting/auth': {
        const channel = form.get('channel_name')
        const member = channel.startsWith('presence-') ? { user_id: user, user_info: { name: user } } : undefined
        return json(response, this.backend.authorizeChannel(socketId, channel, member))
      }
      case '/broadcasting/user-auth':
        return json(response, this.backend.authenticateUser(socketId, { id: user, user_info: { name: user } }))
      case '/orders': // as `broadcast(…)->toOthers()` does
        await this.backend.trigger('orders', 'created', JSON.parse(body), { socket_id: request.headers['x-socket-id'] })
        return json(response, {})
      default:
        return response.writeHead(404).end()
    }
  }

  async #serve(path, response) {
    if (path in FILES) {
      const file = fileURLToPath(new URL(`../node_modules/${FILES[path]}`, import.meta.url))
      response.writeHead(200, { 'content-type': 'text/javascript' })
      return response.end(await readFile(file))
    }
    const pusher = { '/': 'pusher.js', '/encrypted': 'pusher-with-encryption.js' }[path]
    if (!pusher) return response.writeHead(204).end() // such as the icon
    const options = { broadcaster: 'reverb', key: this.#gateway.app.key, ...this.#gateway.address() }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(`<!doctype html><title>application</title><script src="/${pusher}"></script><script src="/echo.js"></script>
<script>const echo = new Echo.default(${JSON.stringify(options)})</script>`)
  }
}

function json(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

async function text(request) {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  return body
}
