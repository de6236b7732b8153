// Waiting in tests: always for something with a name, never longer than a limit.

const LIMIT_MS = 30_000 // only a failure takes that long

/** The promise's value, or an error that says what was waited for in vain. */
export function within(what, promise, limit = LIMIT_MS) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limit} ms in vain for ${what}`)), limit)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The data of the next `event` of a pusher-js channel or connection. */
export function next(emitter, event) {
  return within(`${event} on ${emitter.name ?? 'the connection'}`, new Promise((resolve) => {
    const handler = (data) => {
      emitter.unbind(event, handler)
      resolve(data)
    }
    emitter.bind(event, handler)
  }))
}

/** A pusher-js channel whose subscription has succeeded. */
export async function subscribed(client, name) {
  const channel = client.subscribe(name)
  if (!channel.subscribed) await next(channel, 'pusher:subscription_succeeded')
  return channel
}

/** All that a pusher-js channel is told from now on, as `[event, data]`. */
export function recorded(channel) {
  const events = []
  channel.bind_global((event, data) => events.push([event, data]))
  return events
}
