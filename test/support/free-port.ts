import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** None of those that Linux gives to who asks for any, 32768 and up: tests run beside each other. */
const [LOWEST, HIGHEST] = [20_000, 32_000];

/** A port of loopback that nobody listens at: for a server that must come back at the same place. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    await new Promise((closed) => server.close(closed));
    return port;
  }
}
