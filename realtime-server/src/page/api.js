// What the page asks of the gateway over HTTP.

const PATIENCE_MS = 10_000
const TOKEN = 'debug-token' // in the tab's own storage: an address would stand in logs and histories
const APP = 'app'

/** The gateway wants a token, or another one. */
export class TokenWanted extends Error {
  message = 'the gateway wants its token'
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value) => sessionStorage.setItem(TOKEN, value),
  forget: () => sessionStorage.removeItem(TOKEN),
}

/** The id of the app that the page is about; the first, until one is picked. */
export const app = {
  get: () => sessionStorage.getItem(APP) ?? '',
  pick: (id) => sessionStorage.setItem(APP, id),
  forget: () => sessionStorage.removeItem(APP),
}

/** What is live; of `channel`, who is in it. */
export async function state(question) {
  const response = await ask('page/state', { question })
  if (response.status === 404 && app.get()) { // it was picked, and is no longer served
    app.forget()
    return state(question)
  }
  if (!response.ok) throw new Error(await reason(response))
  return response.json()
}

/** The answer to a console that wants to join, as `{ status, text }`. */
export const authorize = (socketId, channel, { id, name }) => post('page/auth', new URLSearchParams({
  socket_id: socketId, channel_name: channel, user_id: id, user_name: name,
}))

/** The answer to an event for a channel, as `{ status, text }`. */
export const publish = (channel, event, data) => post('page/publish', JSON.stringify({ channel, event, data }))

async function post(path, body) {
  const response = await ask(path, { method: 'POST', body })
  return { status: response.status, text: await response.text() }
}

async function ask(path, { question = {}, ...options }) {
  const headers = token.get() ? { Authorization: `Bearer ${token.get()}` } : {}
  const query = new URLSearchParams({ ...question, app: app.get() })
  const response = await fetch(`${path}?${query}`, { ...options, headers, signal: AbortSignal.timeout(PATIENCE_MS) })
  if (response.status === 401) throw new TokenWanted()
  return response
}

/** Why a request was refused, in the gateway's words. */
async function reason(response) {
  const { error } = await response.json().catch(() => ({}))
  return error ?? `the gateway answered ${response.status}`
}
