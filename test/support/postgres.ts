import { execFile, execFileSync } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

/** Folder of PostgreSQL's programs, the newest of those that are here; Debian keeps them off the PATH. */
function programs(): string | undefined {
  const found = globSync('/usr/lib/postgresql/*/bin/pg_ctl').toSorted(
    (a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]),
  );
  const onPath = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, 'pg_ctl'));
  const [first] = [...found, ...onPath.filter((file) => existsSync(file))];
  return first === undefined ? undefined : dirname(first);
}

/** Why a test of PostgreSQL is skipped; false when it is not. */
export const withoutPostgres: string | false =
  programs() === undefined && 'needs PostgreSQL: pg_ctl and initdb are not here';

const LOOPBACK = ['127.0.0.1', '127.0.0.1/32'] as const;

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Root may not run a server: then Debian's own user does. */
function owner(): Owner {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}

/** Runs a program of PostgreSQL in a folder, as the user that may; rejects when it fails. */
type Run = (program: string, args: readonly string[], folder: string) => Promise<unknown>;

const runHere: Run = (program, args, folder) => run(program, args, { ...owner(), cwd: folder });

/** A cluster of the test's own, in a temporary folder, reached by a unix socket there. */
export class PostgresServer implements AsyncDisposable {
  readonly folder: string;
  readonly #bin: string;
  readonly #runProgram: Run;
  readonly #owner = owner();
  #databases = 0;
  #listening = `-c listen_addresses=''`;
  #port = 5432;

  private constructor(bin: string, runProgram: Run) {
    this.#bin = bin;
    this.#runProgram = runProgram;
    this.folder = mkdtempSync(join(tmpdir(), 'nodeseal-pg-'));
    const { uid, gid } = this.#owner;
    if (uid !== undefined && gid !== undefined) chownSync(this.folder, uid, gid);
  }

  /** `runProgram`: where it is to be in another network than the test. */
  static async create(runProgram: Run = runHere): Promise<PostgresServer> {
    const bin = programs();
    if (bin === undefined) throw new Error('PostgreSQL is not here');
    const server = new PostgresServer(bin, runProgram);
    const data = join(server.folder, 'data');
    const how = ['-U', 'nodeseal', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    await server.#run('initdb', ['-D', data, ...how]);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const options = `-k ${this.folder} -c fsync=off ${this.#listening}`;
    await this.#control(['start', '-w', '-l', join(this.folder, 'log'), '-o', options]);
  }

  /** From now on also on a port of an address, for clients of that network, with TLS and passwords. */
  async listen(
    port: number,
    { key, cert }: { readonly key: string; readonly cert: string },
    [address, clients]: readonly [address: string, clients: string] = LOOPBACK,
  ): Promise<void> {
    const data = join(this.folder, 'data');
    this.#write(join(data, 'server.key'), key);
    this.#write(join(data, 'server.crt'), cert);
    this.#write(
      join(data, 'pg_hba.conf'),
      `local all all trust\nhostssl all all ${clients} scram-sha-256\n`,
    );
    await this.stop();
    this.#listening = `-c port=${port} -c listen_addresses=${address} -c ssl=on`;
    this.#port = port;
    await this.start();
  }

  #write(file: string, text: string): void {
    writeFileSync(file, text, { mode: 0o600 });
    const { uid, gid } = this.#owner;
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
  }

  /** As a server that is shut down at once, or one that dies. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#control(['stop', '-w', '-m', mode]);
  }

  /** What psql(1) and its like need beside the name of a database. */
  get environment(): Readonly<Record<string, string>> {
    const path = `${this.#bin}:${process.env['PATH']}`;
    return { PGHOST: this.folder, PGUSER: 'nodeseal', PATH: path };
  }

  /** A database that nobody else uses; answers with its URL. */
  async database(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.sql(this.url('postgres'), `CREATE DATABASE ${name}`);
    return this.url(name);
  }

  url(database: string): string {
    return `postgresql://nodeseal@/${database}?host=${this.folder}`.replace('@/', '@localhost/');
  }

  /** Statements, each a transaction of its own. */
  async sql(url: string, ...statements: readonly string[]): Promise<readonly object[]> {
    const database = new URL(url).pathname.slice(1);
    const client = new pg.Client({
      host: this.folder,
      port: this.#port,
      user: 'nodeseal',
      database,
    });
    await client.connect();
    try {
      let rows: readonly object[] = [];
      for (const statement of statements) ({ rows } = await client.query(statement));
      return rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate').catch(() => {});
    await rm(this.folder, { recursive: true, force: true });
  }

  async #control(args: readonly string[]): Promise<void> {
    await this.#run('pg_ctl', ['-D', join(this.folder, 'data'), '-s', ...args]);
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await this.#runProgram(join(this.#bin, program), args, this.folder);
  }
}
