import { safeText } from '../shared/safe-text.ts';
import { EXIT } from './exit.ts';
import type { Io, Sink } from './io.ts';
import { run } from './run.ts';

const interrupted = new AbortController();
const unread = new AbortController();

/** A reader that is gone (`| head`) is no error: what follows is dropped and the exit code still tells the truth. */
function sink(stream: NodeJS.WriteStream): Sink {
  let isOpen = true;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isOpen = false;
    if (stream === process.stdout) unread.abort();
  });
  return {
    write: (text) => {
      if (isOpen && text !== '') stream.write(text);
    },
    async drained() {
      if (!isOpen || !stream.writableNeedDrain) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once('drain', resolve).once('close', resolve);
      await promise;
      stream.off('drain', resolve).off('close', resolve);
    },
    writeBytes: (bytes) => {
      if (isOpen) stream.write(bytes);
    },
    isTerminal: stream.isTTY === true,
    // A terminal that was never told its size, as of a serial line or `docker run -t`, says 0.
    get columns() {
      return (stream.isTTY && stream.columns) || undefined;
    },
    get rows() {
      return (stream.isTTY && stream.rows) || undefined;
    },
  };
}

async function readStdin(limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    chunks.push(bytes);
    if (length > limitBytes) break;
  }
  return Buffer.concat(chunks);
}

const io: Io = {
  stdout: sink(process.stdout),
  stderr: sink(process.stderr),
  env: process.env,
  nowMs: () => Date.now(),
  readStdin,
  signal: interrupted.signal,
  unread: unread.signal,
  verbose: false,
};

// Node.js would end with 1, which means findings.
process.on('uncaughtException', (error) => {
  process.stderr.write(`error: nodeseal failed inside: ${safeText(String(error.stack))}\n`);
  process.exit(EXIT.internal);
});
// The first signal ends the command in good order, a second one ends the process as the system does.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted.abort();
    // A command that waits for something else than the signal must not hold the person up.
    setTimeout(() => process.exit(EXIT.interrupted), 1000).unref();
  });
}
// Not process.exit(): what is written to a pipe would be cut off.
process.exitCode = await run(process.argv.slice(2), io);
