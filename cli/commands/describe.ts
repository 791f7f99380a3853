import { API_VERSION, type Coverage, type FindingItem } from '../../shared/api.ts';
import type { Rule } from '../../shared/findings.ts';
import { readCheckDetail, readNodeDetail } from '../answers.ts';
import { Client } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { findImages } from '../fleet-images.ts';
import { EVERYTHING, fetchChosen } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import { outputOption, SERVER_OPTIONS } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { imageText } from '../output/describe-image.ts';
import { nodeText } from '../output/describe-node.ts';
import { ruleText } from '../output/describe-rule.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import { RULE_SUMMARY } from '../output/rule-summary.ts';
import { tableText } from '../output/table.ts';
import type { ResourceType } from '../resource.ts';
import { CHECKS } from '../resources/checks.ts';
import { readTypeAndNames } from '../resources.ts';

export const describe: Command = {
  description: `Shows one thing with everything one would ask next, and the next command. -o json has all of it.

node: state, last words when it is silent, what it is, findings that do not pass and for how long, exceptions, images that
are not accepted, last events.

image: each verdict with the nodes it is from, how it came about, who uses it.

finding, check: why the rule asks, how to put it right, which nodes fail it for how long, exceptions.`,
  arguments: [
    {
      name: 'TYPE',
      description: 'node, image, finding or check; or TYPE/NAME',
      required: true,
    },
    { name: 'NAME', description: 'a node; an image; RULE or NODE/RULE; a rule or a check' },
  ],
  options: [outputOption(DOCUMENT_FORMATS), ...SERVER_OPTIONS],
  examples: [
    { line: 'nodeseal describe node worker-1', meaning: 'what is known of worker-1' },
    {
      line: 'nodeseal describe finding worker-1/selinux.enforcing',
      meaning: 'one finding of one node, with its evidence',
    },
    { line: 'nodeseal describe check trust.default-reject', meaning: 'a rule over all nodes' },
    { line: 'nodeseal describe image quay.io/team/app:v1', meaning: 'where it is, and accepted' },
  ],
  async run(invocation, io) {
    const { type, names } = readTypeAndNames(invocation.positional);
    const [name, ...more] = names;
    const shown = DESCRIBED[type];
    if (shown === undefined) {
      throw usageError(`describe shows nodes, images, findings and checks, not ${type}`, {
        next: type === 'policies' ? 'nodeseal trust show --all-nodes' : `nodeseal get ${type}`,
      });
    }
    if (name === undefined || name === '') {
      throw usageError(`no ${shown.what} is named`, {
        next: `nodeseal describe ${shown.what} NAME`,
      });
    }
    if (more.length > 0) throw usageError('describe shows one thing', { next: 'nodeseal get' });
    using client = await Client.open(invocation, io);
    const { document, people } = await shown.read(client, name, invocation, io);
    io.stdout.write(documentText(document, invocation.value('output'), people));
    return EXIT.clean;
  },
};

/** What is answered: one object for programs, and how people are told. */
interface Description {
  readonly document: unknown;
  readonly people: () => string;
}
interface Described {
  readonly what: string;
  read(client: Client, name: string, invocation: Invocation, io: Io): Promise<Description>;
}

const DESCRIBED: Readonly<Partial<Record<ResourceType, Described>>> = {
  nodes: { what: 'node', read: describeNode },
  images: { what: 'image', read: describeImage },
  findings: { what: 'finding', read: describeFinding },
  checks: { what: 'check', read: describeCheck },
};

async function describeNode(
  client: Client,
  name: string,
  invocation: Invocation,
  io: Io,
): Promise<Description> {
  const answer = await client.get(`/v1/nodes/${encodeURIComponent(name)}`);
  const detail = readNodeDetail(answer, client.server);
  const style = styleOf(io, invocation.value('color'));
  return { document: detail, people: () => nodeText(detail, style, io.nowMs()) };
}

async function describeImage(
  client: Client,
  name: string,
  invocation: Invocation,
  io: Io,
): Promise<Description> {
  const { items, coverage } = await findImages(client, name, undefined);
  if (items.length === 0) throw noneCalled('image', name, 'nodeseal get images');
  const kind = 'ImageVerdictList';
  const document = { apiVersion: API_VERSION, kind, items, ...(coverage && { coverage }) };
  const style = styleOf(io, invocation.value('color'));
  return { document, people: () => imageText(items, coverage, style) };
}

/** `RULE` over all nodes, or `NODE/RULE`. */
async function describeFinding(
  client: Client,
  name: string,
  invocation: Invocation,
  io: Io,
): Promise<Description> {
  const slash = name.indexOf('/');
  const node = name.slice(0, Math.max(slash, 0));
  const ruleId = name.slice(slash + 1);
  const { findings, coverage } =
    node === '' ? await ruleOverFleet(client, ruleId) : await findingsOf(client, node, ruleId);
  const [first] = findings;
  if (first === undefined) throw noneCalled('finding', name, 'nodeseal get findings --all');
  const known = await knownRule(first.ruleId);
  const kind = 'FindingList';
  const style = styleOf(io, invocation.value('color'));
  return {
    document: { apiVersion: API_VERSION, kind, items: findings, coverage },
    people: () => ruleText({ rule: first, known, findings, coverage }, style, io.nowMs()),
  };
}

async function describeCheck(
  client: Client,
  name: string,
  invocation: Invocation,
  io: Io,
): Promise<Description> {
  const style = styleOf(io, invocation.value('color'));
  if (name.includes('.')) {
    const detail = await ruleOverFleet(client, name);
    const { check: rule, findings, coverage } = detail;
    const known = await knownRule(name);
    const view = { rule, known, counts: rule.nodes, findings, coverage };
    return { document: detail, people: () => ruleText(view, style, io.nowMs()) };
  }
  const list = await fetchChosen(client, CHECKS, { ...EVERYTHING, names: [name] }, undefined);
  if (list.items.length === 0) throw noneCalled('check', name, 'nodeseal get checks');
  return {
    document: list,
    people: () => tableText(list.items, RULE_SUMMARY.columns, style, { wide: true }),
  };
}

async function ruleOverFleet(
  client: Client,
  ruleId: string,
): Promise<ReturnType<typeof readCheckDetail>> {
  const answer = await client.get(`/v1/checks/${encodeURIComponent(ruleId)}`);
  return readCheckDetail(answer, client.server);
}

async function findingsOf(
  client: Client,
  node: string,
  ruleId: string,
): Promise<{ readonly findings: readonly FindingItem[]; readonly coverage: Coverage }> {
  const answer = await client.get(`/v1/nodes/${encodeURIComponent(node)}`);
  const { findings, absence } = readNodeDetail(answer, client.server);
  const missing = absence === undefined ? [] : [{ node, cause: absence }];
  return {
    findings: findings.filter((finding) => finding.ruleId === ruleId),
    coverage: { expected: 1, reporting: 1 - missing.length, missing },
  };
}

/** Why a rule is there says the catalogue of this program; a newer agent may have rules that it does not know. */
async function knownRule(ruleId: string): Promise<Rule | undefined> {
  const { checks } = await import('../../agent/checks/index.ts');
  return checks.flatMap(({ rules }) => rules).find(({ id }) => id === ruleId);
}

function noneCalled(what: string, name: string, next: string): CliError {
  return new CliError('ERR_CLI_NOT_FOUND', `no ${what} is called ${name}`, { next });
}
