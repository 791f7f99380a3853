import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { desiredState } from '../../agent/desired/desired.ts';
import { factItems, readFacts } from '../../agent/facts.ts';
import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import { inspectFiles } from '../../agent/survey.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { describeTrust } from '../../agent/trust-items.ts';
import type { Json } from '../../shared/canonical.ts';
import { findingKey, type RuleResult } from '../../shared/findings.ts';
import type { EventItem } from '../../shared/protocol.ts';
import type { SectionName } from '../../shared/report.ts';
import { AgentClient, event, helloFrame } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { type Files, writeFiles } from '../support/store-tree.ts';
import { runCli } from './fake-io.ts';

type Run = ReturnType<typeof runCli>;

/** What a node is: its files, and what its rules say. */
export interface NodeState {
  readonly files: Files;
  readonly findings?: readonly RuleResult[];
  readonly events?: readonly Partial<EventItem>[];
  /** Sections sent as they are, in place of what the agent makes of the files. */
  readonly sections?: Readonly<Partial<Record<SectionName, readonly (readonly [string, Json])[]>>>;
}

/** A real aggregator to which nodes that are folder trees report what the agent reads in them, over real sockets. */
export class NodeFleet implements AsyncDisposable {
  readonly running: RunningAggregator;
  /** The flags of a fleet command, with the administrator's token. */
  readonly flags: readonly string[];
  readonly #folder: string;
  readonly #agents = new Map<string, AgentClient>();

  private constructor(running: RunningAggregator, folder: string, tokenFile: string) {
    this.running = running;
    this.#folder = folder;
    this.flags = ['--server', running.url, '--token-file', tokenFile];
  }

  static async start(
    folder: string,
    inventory: readonly { readonly name: string; readonly pool: string }[] = [],
  ): Promise<NodeFleet> {
    const state = join(folder, 'state');
    mkdirSync(state);
    const running = await runAggregator(state, { inventory, bootstrapAgent: undefined });
    const tokenFile = join(folder, 'cli.token');
    writeFileSync(tokenFile, `${running.adminToken}\n`);
    return new NodeFleet(running, folder, tokenFile);
  }

  /** A node joins and reports everything. */
  async add(name: string, pool: string, state: NodeState): Promise<AgentClient> {
    const { body } = await this.running.post('/v1/tokens', { kind: 'agent', name, pool });
    const { token } = body as { readonly token: string };
    const events = state.events ?? [];
    const spool = { epoch: `epoch-${name}`, first: 1, next: 1 + events.length, bytes: 0, lost: 0 };
    const agent = await AgentClient.connect(this.running.url, token, helloFrame({ spool }));
    this.#agents.set(name, agent);
    await this.report(name, state);
    if (events.length > 0) {
      const items = events.map((each, at) => event(at + 1, each));
      agent.send({ type: 'events', epoch: `epoch-${name}`, items });
      await agent.next('ack', ({ sequence }) => sequence === events.length);
    }
    return agent;
  }

  /** What the node is from now on. */
  async report(name: string, { files, findings = [], sections = {} }: NodeState): Promise<void> {
    const tree = this.treeOf(name);
    rmSync(tree, { recursive: true, force: true });
    const host = openHost(writeFiles(tree, files));
    const trust = await readNodeTrust(host);
    const { verdicts } = await verifyImages(host, trust);
    const made: Partial<Record<SectionName, Iterable<readonly [string, Json]>>> = {
      host: factItems(await readFacts(host)),
      checks: findings.map((one) => [findingKey(one), plain(one)]),
      trust: await describeTrust(trust, Date.now()),
      files: await inspectFiles(host, await desiredState(host, undefined)),
      images: verdicts.map((one) => [
        [one.imageId, one.reference, one.policy, one.namespace ?? ''].join(' '),
        plain(one),
      ]),
      ...sections,
    };
    for (const [section, items] of Object.entries(made)) {
      await this.send(name, section as SectionName, new Map(items));
    }
  }

  async send(name: string, section: SectionName, items: ReadonlyMap<string, Json>): Promise<void> {
    const agent = this.agent(name);
    // As it goes over the wire: what is undefined is not there.
    const sent = new Map(JSON.parse(JSON.stringify([...items])) as [string, Json][]);
    agent.send(agent.full(section, sent));
    await agent.next('stateApplied', (frame) => frame.section === section);
  }

  agent(name: string): AgentClient {
    const agent = this.#agents.get(name);
    if (agent === undefined) throw new TypeError(`no node ${name}`);
    return agent;
  }

  /** Where the files of a node are. */
  treeOf(name: string): string {
    return join(this.#folder, 'trees', name);
  }

  /** Runs a command line against this aggregator; words are separated by blanks. */
  run(line: string, ...more: readonly string[]): Run {
    return runCli([...line.split(' '), ...more, ...this.flags], { nowMs: Date.now() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents.values()) await agent.close();
    await this.running[Symbol.asyncDispose]();
  }
}

function plain(value: object): Json {
  return value as Json; // plain data of our own types
}
