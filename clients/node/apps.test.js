// Several apps at one port: unmodified clients and backends of each, and what becomes of them when the file is read again.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Gateway } from './support/gateway.js'
import './support/no-lingering.js'
import { next, recorded, subscribed } from './support/wait.js'

const [shop, chat] = ['shop', 'chat'].map((id) => ({ id, key: `${id}-key`, secret: `${id}-secret` }))

const toml = (apps) =>
  apps.map(({ id, key, secret }) => `[[apps]]\nid = "${id}"\nkey = "${key}"\nsecret = "${secret}"\n`).join('\n')

describe('several apps', () => {
  let gateway, directory, file
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'realtime-apps-'))
    file = join(directory, 'realtime.toml')
    writeFileSync(file, toml([shop, chat]))
    gateway = await Gateway.start({ flags: ['--config', file], app: shop })
  })
  after(async () => {
    await gateway?.stop()
    rmSync(directory, { recursive: true })
  })

  it('hear nothing of each other, and those that stay miss nothing when one is removed', async () => {
    const [buyer, talker] = [gateway.connect(), gateway.connect({ key: chat.key })]
    const [bought, talked] = await Promise.all([buyer, talker].map((client) => subscribed(client, 'news')))
    const heard = [bought, talked].map(recorded)
    const hears = [next(bought, 'said'), next(talked, 'said')]
    await gateway.backend().trigger('news', 'said', 'to the shop')
    await gateway.backend({ app: chat }).trigger('news', 'said', 'to the chat')
    assert.deepEqual(await Promise.all(hears), ['to the shop', 'to the chat'])
    await assert.rejects(gateway.backend({ app: { ...chat, secret: shop.secret } }).trigger('news', 'said', 'forged'))

    const ended = next(talker.connection, 'disconnected')
    const told = next(talker.connection, 'error')
    writeFileSync(file, toml([shop]))
    gateway.reload()
    await ended // and does not come back by itself
    assert.equal((await told).data.code, 4001)
    await assert.rejects(gateway.backend({ app: chat }).trigger('news', 'said', 'too late'))

    const last = next(bought, 'said')
    await gateway.backend().trigger('news', 'said', 'still here')
    assert.equal(await last, 'still here')
    assert.equal(buyer.connection.state, 'connected')
    assert.deepEqual(heard, [[['said', 'to the shop'], ['said', 'still here']], [['said', 'to the chat']]])
  })
})
