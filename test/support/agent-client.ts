import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Json } from '../../shared/canonical.ts';
import { encodeFrame, readAggregatorFrame } from '../../shared/frames.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  type EventItem,
  type Heartbeat,
  type Hello,
  PROTOCOL,
  type State,
  WS_OPTIONS,
} from '../../shared/protocol.ts';
import { hashItems, hashRoot, type SectionName } from '../../shared/report.ts';

type FrameOf<T extends AggregatorFrame['type']> = Extract<AggregatorFrame, { readonly type: T }>;

/** The agent's end of the protocol, frame by frame, over a real socket: what a test wants to send, it sends. */
export class AgentClient {
  readonly socket: WebSocket;
  readonly received: AggregatorFrame[] = [];
  readonly closed: Promise<number>;
  #wake = Promise.withResolvers<void>();

  constructor(url: string, token: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/agent`, PROTOCOL, {
      ...WS_OPTIONS,
      headers: { authorization: `Bearer ${token}` },
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        resolve(code);
        this.#wakeUp();
      });
    });
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => {
      this.received.push(readAggregatorFrame(data));
      this.#wakeUp();
    });
  }

  /** Connected and past `welcome`. */
  static async connect(url: string, token: string, hello?: Partial<Hello>): Promise<AgentClient> {
    const client = new AgentClient(url, token);
    await once(client.socket, 'open');
    client.send(helloFrame(hello));
    await client.next('welcome');
    return client;
  }

  /** As `connect`, again and again until it is let in. */
  static async insist(url: string, token: string): Promise<AgentClient> {
    for (;;) {
      const client = new AgentClient(url, token);
      const isOpen = await new Promise<boolean>((resolve) => {
        client.socket.once('open', () => resolve(true)).once('close', () => resolve(false));
      });
      if (!isOpen) continue;
      client.send(helloFrame());
      await client.next('welcome');
      return client;
    }
  }

  send(frame: AgentFrame): void {
    this.socket.send(encodeFrame(frame));
  }

  /** Anything as a JSON frame. */
  sendJson(value: unknown): void {
    this.socket.send(Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(value))]));
  }

  /** The next frame of this type that was not taken yet, also one that came before the call. */
  async next<T extends AggregatorFrame['type']>(
    type: T,
    matches: (frame: FrameOf<T>) => boolean = () => true,
  ): Promise<FrameOf<T>> {
    for (;;) {
      const isWanted = (frame: AggregatorFrame): frame is FrameOf<T> =>
        frame.type === type && matches(frame as FrameOf<T>);
      const index = this.received.findIndex(isWanted);
      const [found] = index < 0 ? [] : this.received.splice(index, 1);
      if (found !== undefined && isWanted(found)) return found;
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(`closed while waiting for ${type}; got ${JSON.stringify(this.received)}`);
      }
      await this.#wake.promise;
    }
  }

  events(sequences: readonly number[], epoch = 'epoch-1'): void {
    this.send({ type: 'events', epoch, items: sequences.map((sequence) => event(sequence)) });
  }

  full(section: SectionName, items: ReadonlyMap<string, Json>): State {
    return state(section, items);
  }

  close(): Promise<number> {
    this.socket.close();
    return this.closed;
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

export function helloFrame(change: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    protocol: PROTOCOL,
    agent: { version: '0.1.0' },
    host: { name: 'host-1', machineId: 'machine-1', bootId: 'boot-1' },
    capabilities: [],
    spool: { epoch: 'epoch-1', first: 1, next: 1, bytes: 0, lost: 0 },
    sections: {},
    rootHash: hashRoot({}),
    clock: { wallMs: Date.now(), monotonicMs: 1 },
    ...change,
  };
}

/** Of an agent that holds nothing and has sent everything. */
export function heartbeatFrame(change: Partial<Heartbeat> = {}): Heartbeat {
  return {
    type: 'heartbeat',
    rootHash: hashRoot({}),
    unsent: { records: 0, oldestSeconds: 0 },
    rssBytes: 1,
    loopDelayMs: 1,
    wallMs: Date.now(),
    ...change,
  };
}

export function event(sequence: number, change: Partial<EventItem> = {}): EventItem {
  return {
    sequence,
    at: '2026-11-21T00:00:00.000Z',
    monotonicMs: sequence,
    kind: 'file.changed',
    class: 'high',
    data: { path: `/etc/file-${sequence}` },
    ...change,
  };
}

export function state(section: SectionName, items: ReadonlyMap<string, Json>): State {
  return {
    type: 'state',
    section,
    mode: 'full',
    to: hashItems(items),
    part: 1,
    of: 1,
    upsert: [...items],
    remove: [],
    asOf: '2026-11-21T00:00:00.000Z',
  };
}
