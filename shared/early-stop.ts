// Loaded by the daemons' launchers before all else. Of PID 1, as in a container, the kernel drops a signal that nothing
// handles: asked to stop while it still loads, a daemon would go on until it is killed.
const SIGNALS = { SIGTERM: 143, SIGINT: 130 } as const;

if (process.pid === 1) {
  for (const [signal, status] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(status);
    });
  }
}
