import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How a server took what was sent: the first line of HTTP, and the code of a close frame behind a 101. */
export interface Reaction {
  readonly status: number;
  readonly body: string;
  /** Of the close frame; undefined when none came. */
  readonly close: number | undefined;
}

/** A frame of WebSocket, RFC 6455 section 5.2, also one that no client may send. */
export function frame(
  opcode: number,
  payload: Uint8Array,
  change: {
    readonly isLast?: boolean;
    readonly rsv?: number;
    readonly isMasked?: boolean;
    readonly length?: number;
  } = {},
): Buffer {
  const { isLast = true, rsv = 0, isMasked = true, length = payload.length } = change;
  const head = Buffer.alloc(10);
  head[0] = (isLast ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  const isShort = length < 126;
  if (isShort) head[1] = (isMasked ? 0x80 : 0) | length;
  const mask = isMasked ? randomBytes(4) : Buffer.alloc(4);
  const body = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  const isMiddle = !isShort && length < 65_536;
  if (isMiddle) {
    head[1] = (isMasked ? 0x80 : 0) | 126;
    head.writeUInt16BE(length, 2);
  }
  const start = head.subarray(0, isShort ? 2 : isMiddle ? 4 : 10);
  return Buffer.concat([start, ...(isMasked ? [mask] : []), body]);
}

/** Sends bytes over a connection of their own, and reads until the server has said what it makes of them. */
export async function react(port: number, bytes: Uint8Array): Promise<Reaction> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  try {
    return await readReaction(socket);
  } finally {
    socket.destroy();
  }
}

async function readReaction(socket: Socket): Promise<Reaction> {
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  for (;;) {
    const found = reactionIn(received);
    if (found !== undefined) return found;
    if (socket.closed) return { status: 0, body: received.toString('latin1'), close: undefined };
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  }
}

function reactionIn(received: Buffer): Reaction | undefined {
  const text = received.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  if (status !== 101) return { status, body: text.slice(end + 4), close: undefined };
  const close = closeIn(received.subarray(end + 4));
  return close === undefined ? undefined : { status, body: '', close };
}

/** The code of the first close frame; what a server sends is not masked. */
function closeIn(frames: Buffer): number | undefined {
  for (let at = 0; at + 4 <= frames.length; ) {
    const size = (frames[at + 1] ?? 0) & 0x7f;
    const head = size === 126 ? 4 : 2;
    if (((frames[at] ?? 0) & 0x0f) === 8) return frames.readUInt16BE(at + head);
    at += head + (size === 126 ? frames.readUInt16BE(at + 2) : size);
  }
  return undefined;
}
