// How programs use this gateway, with its own values filled in.

import { $, button, element } from './dom.js'

const SNIPPETS = [
  { title: 'Laravel Echo', code: ({ host, port, tls, key, auth }) => code`import Echo from 'laravel-echo'
import Pusher from 'pusher-js'

const echo = new Echo({
  broadcaster: 'reverb',
  Pusher,
  key: '${key}',
  wsHost: '${host}',
  wsPort: ${port},
  wssPort: ${port},
  forceTLS: ${tls},
  enabledTransports: ['ws', 'wss'],${auth && code`
  authEndpoint: '${auth}',`}
})
echo.channel('news').listen('.hello', console.log)` },

  { title: 'pusher-js', code: ({ host, port, tls, key, auth }) => code`import Pusher from 'pusher-js'

const pusher = new Pusher('${key}', {
  cluster: '',
  wsHost: '${host}',
  wsPort: ${port},
  wssPort: ${port},
  forceTLS: ${tls},
  enabledTransports: ['ws', 'wss'],${auth && code`
  channelAuthorization: {
    endpoint: '${auth}',
  },`}
})
pusher.subscribe('news').bind('hello', console.log)` },

  { title: 'Laravel .env', code: ({ host, port, scheme, id, key, secret }) => code`BROADCAST_CONNECTION=reverb
REVERB_APP_ID=${id}
REVERB_APP_KEY=${key}
REVERB_APP_SECRET=${secret}
REVERB_HOST=${host}
REVERB_PORT=${port}
REVERB_SCHEME=${scheme}

VITE_REVERB_APP_KEY="\${REVERB_APP_KEY}"
VITE_REVERB_HOST="\${REVERB_HOST}"
VITE_REVERB_PORT="\${REVERB_PORT}"
VITE_REVERB_SCHEME="\${REVERB_SCHEME}"` },

  { title: 'Node server', code: ({ host, port, tls, id, key, secret }) => code`import Pusher from 'pusher'

const realtime = new Pusher({
  appId: '${id}',
  key: '${key}',
  secret: '${secret}',
  host: '${host}',
  port: '${port}',
  useTLS: ${tls},
})
await realtime.trigger('news', 'hello', 'it works')` },

  { title: 'Python server', code: ({ host, port, tls, id, key, secret }) => code`import pusher

realtime = pusher.Pusher(
    app_id='${id}',${!/^\d+$/.test(id) && code`  # digits only: --app-id 1`}
    key='${key}',
    secret='${secret}',
    host='${host}',
    port=${port},
    ssl=${tls === 'true' ? 'True' : 'False'},
)
realtime.trigger('news', 'hello', 'it works')` },

  { title: 'Shell', isDemo: true, code: ({ origin }) => code`curl -d '{"channel":"news","event":"hello","data":"it works"}' ${origin}/demo/publish` },
]

/** Shows them for an app; its secret stands there only if the gateway told it. */
export function showSnippets({ app: { id, key, secret }, demo }) {
  const isSecure = location.protocol === 'https:'
  const values = {
    id,
    key,
    secret: secret ?? 'the-secret-of-the-app',
    host: location.hostname,
    port: location.port || (isSecure ? '443' : '80'),
    tls: String(isSecure),
    scheme: isSecure ? 'https' : 'http',
    origin: location.origin,
    auth: demo ? `${location.origin}/broadcasting/auth` : '', // elsewhere it is the application that signs
  }
  const shown = SNIPPETS.filter(({ isDemo }) => demo || !isDemo)
  $('snippets').replaceChildren(...shown.map((snippet) => card(snippet.title, snippet.code(values))))
}

function card(title, parts) {
  const pre = element('pre', '', ...parts)
  const word = element('span', '', 'Copy')
  const copy = button('quiet', '', async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent)
      word.textContent = 'Copied'
    } catch { // not allowed here, for instance on a plain http address other than this machine's
      getSelection().selectAllChildren(pre)
      word.textContent = 'Selected'
    }
    setTimeout(() => { word.textContent = 'Copy' }, 1_500)
  })
  copy.append(word, element('span', 'unseen', ` ${title}`))
  return element('article', 'card panel', element('header', '', element('h3', '', title), copy), pre)
}

/** The parts of a piece of code, those filled in marked as such. */
function code(texts, ...values) {
  return texts.flatMap((text, index) => {
    const value = values[index]
    if (!value) return [text]
    if (Array.isArray(value)) return [text, ...value]
    return [text, element('b', '', value)]
  })
}
