import { chmod, lstat, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { umask } from 'node:process';
import { ConfigError } from '../shared/config.ts';
import { messageOf } from '../shared/errors.ts';
import type { Principal } from './identity/principal.ts';

/**
 * Who comes by the socket. Node cannot ask the kernel who is at the other end (SO_PEERCRED), so that the permissions of
 * the file (0660: its owner and its group, and root) are all that decides.
 */
export const LOCAL_ADMIN: Principal = { kind: 'user', name: 'local', role: 'admin' };

const MODE = 0o660;
const UMASK = 0o117;
const local = new WeakSet<Socket>();

/** True for a connection by the socket. */
export function isLocal(socket: Socket): boolean {
  return local.has(socket);
}

/** The API on a unix socket of this machine, for its administrators. No agents: they need a credential of their node. */
export class LocalSocket implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Takes the place of a socket that nobody listens on; throws `ConfigError` for anything else at `path`. */
  static async listen(
    path: string,
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<LocalSocket> {
    await removeStale(path);
    const server = createServer(answer);
    server.on('connection', (socket) => local.add(socket));
    server.on('upgrade', (_request, socket) => socket.destroy());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    // Bound in this very turn: at no time can others connect.
    const before = umask(UMASK);
    server.listen(path, resolve);
    umask(before);
    try {
      await promise;
      await chmod(path, MODE);
    } catch (cause) {
      throw new ConfigError('ERR_CONFIG_VALUE', `socket: ${messageOf(cause)}`, { cause });
    }
    return new LocalSocket(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}

async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new ConfigError('ERR_CONFIG_VALUE', `socket: ${path} is there and is no socket`);
  }
  if (await isListening(path)) {
    throw new ConfigError('ERR_CONFIG_VALUE', `socket: another program listens on ${path}`);
  }
  await rm(path);
}

async function isListening(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
