// The debug page: asks once a second what is live, and shows it.

import * as api from './api.js'
import { Channels } from './channels.js'
import { Console } from './console.js'
import { $, duration, setText } from './dom.js'
import { Rates } from './rates.js'
import { showSnippets } from './snippets.js'

const EVERY_MS = 1_000

let app // whose page this is, since the first answer
let gateway // the console's client
let timer
let isAsking = false
let isAskedAgain = false

const rates = new Rates()
const channels = new Channels({ askAgain: look, subscribe: (channel) => gateway.subscribe(channel) })

/** Asks what is live, now and from then on; one question at a time. */
async function look() {
  clearTimeout(timer)
  isAskedAgain = isAsking
  if (isAsking) return
  isAsking = true
  try {
    show(await api.state(channels.question))
  } catch (error) {
    if (error instanceof api.TokenWanted) return askForToken()
    health('lost', error instanceof TypeError || error.name === 'TimeoutError' ? 'No answer from the gateway' : error.message)
  } finally {
    isAsking = false
  }
  timer = setTimeout(look, isAskedAgain ? 0 : EVERY_MS)
}

function show(state) {
  health('live', 'Live')
  if (app === undefined) begin(state)
  else if (app.key !== state.app.key) location.reload() // another app, or gateway, took its place
  showApps(state.apps)
  setText($('uptime'), duration(state.uptime_ms))
  rates.show(state)
  channels.show(state)
}

function begin(state) {
  app = state.app
  setText($('version'), `version ${state.version}`)
  showSnippets(state)
  gateway = new Console(app.key, { changed: look })
  if (state.demo) for (const channel of ['presence-lobby', 'news']) gateway.subscribe(channel)
  $('gate').hidden = true
  $('page').hidden = $('about').hidden = false
  $('forget').hidden = api.token.get() === null
}

/** The app's id; where there are several, to be picked from. */
function showApps(ids) {
  const [picker, name] = [$('apps'), $('app-id')]
  if (picker.dataset.ids === ids.join()) return
  picker.dataset.ids = ids.join()
  picker.replaceChildren(...ids.map((id) => new Option(id, id, false, id === app.id)))
  setText(name, app.id)
  picker.hidden = ids.length < 2
  name.hidden = !picker.hidden
}

function health(state, text) {
  $('health').dataset.health = state
  $('page').classList.toggle('stale', state === 'lost')
  setText($('health-text'), text)
}

function askForToken() {
  if (app !== undefined) return forget() // it was taken before: the gateway has another one now
  setText($('gate-error'), api.token.get() === null ? '' : 'That is not the token.')
  api.token.forget()
  health('asking', 'Waiting for the token')
  $('gate').hidden = false
  $('token').select()
}

/** Begins anew, without the token and with nothing of what it has shown. */
function forget() {
  api.token.forget()
  location.reload()
}

$('forget').onclick = forget
$('apps').onchange = () => {
  api.app.pick($('apps').value)
  location.reload() // with another console, and other snippets
}
$('gate-form').onsubmit = (submit) => {
  submit.preventDefault()
  api.token.set($('token').value)
  look()
}

look()
