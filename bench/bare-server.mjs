import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

// What sockets.ts holds the aggregator against: JavaScript, so that no compiler is resident in it. What any server in
// this language must hold at least: the sockets, and an answer to each heartbeat.
const [{ folder, certificates }] = await once(process, 'message');
// Whoever measures may end by an error.
process.on('disconnect', () => process.exit());
const { createServer } = await import(certificates ? 'node:https' : 'node:http');
const http = certificates
  ? createServer({
      cert: await readFile(join(folder, 'tls.crt')),
      key: await readFile(join(folder, 'tls.key')),
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
process.send(`${certificates ? 'wss' : 'ws'}://127.0.0.1:${http.address().port}`);
