import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

// The server that sockets.ts measures: JavaScript, so that no compiler is resident in it.
const [, , kind] = process.argv;
const [{ folder, agents, certificates }] = await once(process, 'message');
// Whoever measures may end by an error.
process.on('disconnect', () => process.exit());
const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
process.send(kind === 'bare' ? await serveBare() : await serveAggregator());

async function serveAggregator() {
  const { configSchema } = await import('../dist/aggregator/config.js');
  const { startAggregator } = await import('../dist/aggregator/daemon.js');
  const { TokenAuthority } = await import('../dist/aggregator/identity/tokens.js');
  const { systemClock } = await import('../dist/shared/clock.js');
  const { parseConfig } = await import('../dist/shared/config.js');
  const { createLogger } = await import('../dist/shared/log.js');
  const stateDir = join(folder, 'state');
  const log = createLogger({ program: 'bench', level: 'error', fd: 2 });
  const authority = await TokenAuthority.open(stateDir, systemClock, log);
  const defaults = parseConfig('', 'bench', configSchema);
  const tokens = [];
  if (certificates) {
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const wanted = { kind: 'join', name: 'bench', pool: 'bench', usesLeft: agents, expiresAt };
    tokens.push((await authority.create(wanted)).token);
  }
  for (let node = 0; node < agents && !certificates; node++) {
    const file = await authority.ensureAgent(`node-${node}`, 'bench');
    tokens.push((await readFile(file, 'utf8')).trim());
  }
  const aggregator = await startAggregator(
    {
      ...defaults,
      ...(certificates ? { tls } : {}),
      listen: { ...defaults.listen, port: 0 },
      limits: { ...defaults.limits, handshakes: 100_000, handshakesPerSource: 100_000 },
      stateDir,
    },
    { log },
  );
  return { url: `${aggregator.url.replace('http', 'ws')}/v1/agent`, tokens };
}

/** What any server in this language must hold at least: the sockets, and an answer to each heartbeat. */
async function serveBare() {
  const { WebSocketServer } = await import('ws');
  const { createServer } = await import(certificates ? 'node:https' : 'node:http');
  const { certFile, keyFile } = tls;
  const http = certificates
    ? createServer({
        cert: await readFile(certFile),
        key: await readFile(keyFile),
        requestCert: true,
        rejectUnauthorized: false,
      })
    : createServer();
  const options = { perMessageDeflate: false, maxPayload: 1_048_576, maxFragments: 64 };
  new WebSocketServer({ server: http, ...options }).on('connection', (socket) => {
    socket.on('message', (data) => {
      const { type } = JSON.parse(data.subarray(1).toString());
      const answer = { type: type === 'hello' ? 'welcome' : type, wallMs: Date.now() };
      socket.send(Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(answer))]));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `${certificates ? 'wss' : 'ws'}://127.0.0.1:${http.address().port}`;
  return { url, tokens: [] };
}
