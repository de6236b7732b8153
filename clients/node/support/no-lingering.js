// pusher-js waits 30 s for the end of connections that have ended already; the process is not to wait for that.

const { setTimeout: patiently } = globalThis
globalThis.setTimeout = (act, ms, ...rest) => {
  const timer = patiently(act, ms, ...rest)
  return ms >= 30_000 ? timer.unref() : timer
}
