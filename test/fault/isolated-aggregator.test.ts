import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { keptLog } from '../support/aggregator.ts';
import { LinkNode, until } from '../support/link-node.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.setTimeout(90_000);

/** Passes connections on to where `to` says, until it is cut. */
class Relay implements AsyncDisposable {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  isCut = false;

  constructor(to: () => Promise<Socket | undefined>) {
    this.server = createServer((near) => {
      void this.#pass(near, to);
    });
  }

  async #pass(near: Socket, to: () => Promise<Socket | undefined>): Promise<void> {
    near.on('error', () => {});
    const far = this.isCut ? undefined : await to();
    if (far === undefined) {
      near.destroy();
      return;
    }
    far.on('error', () => {});
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}

async function isReady({ url }: AggregatorProcess): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).ok;
}

t.test(
  'walk-through 7: of two aggregators one is cut off from the database',
  { skip: withoutPostgres },
  async (t) => {
    const postgres = await PostgresServer.create();
    t.teardown(() => postgres[Symbol.asyncDispose]());
    const databaseUrl = await postgres.database();
    const folder = t.testdir({});
    // The way of the one to the database: a socket in a folder of its own.
    const wayFolder = join(postgres.folder, 'way');
    mkdirSync(wayFolder);
    const name = '.s.PGSQL.5432';
    const way = new Relay(async () => connect(join(postgres.folder, name)));
    way.server.listen(join(wayFolder, name));
    await once(way.server, 'listening');
    t.teardown(() => way[Symbol.asyncDispose]());
    const stateDir = join(folder, 'state');
    const isolated = await AggregatorProcess.start(join(folder, 'isolated'), {
      databaseUrl: databaseUrl.replace(postgres.folder, wayFolder),
      stateDir,
    });
    const other = await AggregatorProcess.start(join(folder, 'other'), { databaseUrl, stateDir });
    t.teardown(async () => {
      await isolated.program.kill('SIGKILL');
      await other.program.kill('SIGKILL');
    });
    // As a Service or a route: to the first that is ready.
    const router = new Relay(async () => {
      for (const each of [isolated, other]) {
        if (!(await isReady(each))) continue;
        const { hostname, port } = new URL(each.url);
        return connect(Number(port), hostname);
      }
      return undefined;
    });
    router.server.listen(0, '127.0.0.1');
    await once(router.server, 'listening');
    t.teardown(() => router[Symbol.asyncDispose]());
    const { port } = router.server.address() as AddressInfo;
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, isolated.agentToken);
    const log = keptLog();
    const node = await LinkNode.start({
      folder: join(folder, 'agent'),
      url: `http://127.0.0.1:${port}`,
      tokenFile,
      log,
    });
    t.teardown(() => node[Symbol.asyncDispose]());
    const append = (id: string): Promise<number> =>
      node.spool.append({ kind: 'test', class: 'high', data: { id } });
    await append('1');
    await until(() => node.isDelivered);
    const connected = async (at: AggregatorProcess): Promise<unknown> =>
      (await at.get('/v1/nodes')).items[0]?.['state'];
    t.equal(await connected(isolated), 'online');

    way.cut();
    await append('2');
    await until(() => log.lines.some((line) => /the aggregator is overloaded/.test(line)));
    t.notOk(await isReady(isolated), 'it says that it is of no use');
    await until(() => node.isDelivered);
    t.match(
      await other.get('/v1/nodes/node-1'),
      { session: { connected: true, since: /^20/ } },
      'the node has moved',
    );
    way.isCut = false;
    await until(async () => await isReady(isolated));
    await append('3');
    await until(() => node.isDelivered);
    await until(async () => (await isolated.all('/v1/events?kind=test')).length === 3);
    const rows = await postgres.sql(
      databaseUrl,
      `SELECT data::json ->> 'id' AS id FROM event WHERE kind = 'test' ORDER BY id`,
    );
    t.same(rows, [{ id: '1' }, { id: '2' }, { id: '3' }], 'each event once');
  },
);
