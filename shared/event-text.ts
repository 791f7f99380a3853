import type { EventRecord } from './api.ts';
import { fieldOf } from './field-of.ts';
import { resultWord } from './results.ts';

/** An event in one sentence; of a kind that is not known here its data as JSON. */
export function eventText({ kind, data }: Pick<EventRecord, 'kind' | 'data'>): string {
  return KINDS.get(kind)?.(data) ?? JSON.stringify(data);
}

/** Undefined where the data is not what its kind has. */
const KINDS: ReadonlyMap<string, (data: unknown) => string | undefined> = new Map([
  ['finding.changed', findingText],
  ['image.changed', imageText],
  ['file.changed', fileText],
  ['machine-config.changed', machineConfigText],
  ['agent.condition', conditionText],
  ['agent.started', (data: unknown) => after('nodeseal ', text(data, 'version'))],
]);

function findingText(data: unknown): string | undefined {
  const rule = text(data, 'ruleId');
  if (rule === undefined) return undefined;
  const [was, now] = [text(data, 'was'), text(data, 'now')].map((one) => one && resultWord(one));
  // Where nothing is left to be said the message is gone, and with it the name of the subject.
  const what = now === undefined ? after(`${rule} `, text(data, 'subject')) : undefined;
  return sentence(`${what ?? rule}: ${changeText(was, now)}`, text(data, 'message'));
}

function imageText(data: unknown): string | undefined {
  const image = text(data, 'reference') ?? text(data, 'imageId');
  if (image === undefined) return undefined;
  const change = changeText(text(data, 'was'), text(data, 'now'));
  return sentence(`${image}: ${change}`, text(data, 'message'));
}

function changeText(was: string | undefined, now: string | undefined): string {
  if (now === undefined) return `gone, was ${was ?? 'unknown'}`;
  return was === undefined || was === now ? now : `${now}, was ${was}`;
}

function fileText(data: unknown): string | undefined {
  const path = text(data, 'path');
  if (path === undefined) return undefined;
  const [change = 'changed', kind] = [text(data, 'change'), text(data, 'class')];
  const known = kind === undefined ? '' : ` (${kind})`;
  const parts = [meaningText(data), pairText(data, 'mode'), pairText(data, 'owner')];
  return sentence(`${path} ${change}${known}, ${explanationText(data)}`, joined(parts));
}

function explanationText(data: unknown): string {
  const [by, name] = [text(data, 'explained.by'), text(data, 'explained.name')];
  switch (by) {
    case undefined:
      return 'unexplained';
    case 'machine-config':
      return `explained by MachineConfig ${name}`;
    case 'baseline':
      return `explained by the ${name}`;
    case 'os-deployment':
      return `explained by the OS deployment ${text(data, 'explained.now')}`;
    case 'update-in-progress':
      return `explained by an update in progress (${text(data, 'explained.sign')})`;
    default:
      return `explained by ${by}`;
  }
}

function meaningText(data: unknown): string | undefined {
  switch (text(data, 'meaning.kind')) {
    case 'policy': {
      const lines = texts(data, 'meaning.lines').join('; ');
      if (lines !== '') return `${text(data, 'meaning.effect')}: ${lines}`;
      return after('the policy is ', text(data, 'meaning.now'));
    }
    case 'keys':
      return joined(['added', 'removed'].map((how) => namesText(data, how, 'key ')));
    case 'settings':
      return (
        joined(['added', 'removed', 'changed'].map((how) => namesText(data, how, ''))) ??
        'no setting of it changed'
      );
    default:
      return undefined;
  }
}

function namesText(data: unknown, how: string, what: string): string | undefined {
  const names = texts(data, `meaning.${how}`);
  return names.length === 0 ? undefined : `${how} ${what}${names.join(', ')}`;
}

function pairText(data: unknown, name: string): string | undefined {
  const [was, now] = [text(data, `${name}.was`), text(data, `${name}.now`)];
  return was === undefined || now === undefined ? undefined : `${name} ${now}, was ${was}`;
}

function machineConfigText(data: unknown): string | undefined {
  const [was, now] = [text(data, 'was'), text(data, 'now')];
  if (fieldOf(data, 'altered') === true) {
    return `the MachineConfig ${now} was edited on the node: it has its name and another content`;
  }
  return after('the MachineConfig of the node is ', now && changeText(was, now));
}

function conditionText(data: unknown): string | undefined {
  const name = text(data, 'condition');
  if (name === undefined) return undefined;
  return fieldOf(data, 'holds') === false ? `${name} is over` : sentence(name, text(data, 'why'));
}

function sentence(front: string, rest: string | undefined): string {
  return rest === undefined ? front : `${front}: ${rest}`;
}

function joined(parts: readonly (string | undefined)[]): string | undefined {
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? undefined : said.join('; ');
}

function after(front: string, rest: string | undefined): string | undefined {
  return rest === undefined ? undefined : front + rest;
}

function text(data: unknown, field: string): string | undefined {
  const found = fieldOf(data, field);
  return typeof found === 'string' ? found : undefined;
}

function texts(data: unknown, field: string): readonly string[] {
  const found = fieldOf(data, field);
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
}
