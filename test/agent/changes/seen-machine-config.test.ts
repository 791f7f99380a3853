import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import {
  machineConfigEvent,
  type SeenMachineConfig,
  seeMachineConfig,
} from '../../../agent/changes/seen-machine-config.ts';
import { openHost } from '../../../agent/host.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const FOLDER = '/etc/machine-config-daemon';

function configOf(name: string, text: string, others: object = {}): string {
  const config = JSON.parse(machineConfigOf({ '/f': text }));
  return JSON.stringify({ ...config, metadata: { ...others, name } });
}

type Step = readonly [content: string | undefined, event: object | undefined];
const ROLLED_OUT = { class: 'low', data: { was: 'one', now: 'two', altered: false } };
const LIVES: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  ['rolled out once', [[configOf('one', 'a'), undefined]]],
  [
    'rolled out again',
    [
      [configOf('one', 'a'), undefined],
      [configOf('two', 'b'), ROLLED_OUT],
    ],
  ],
  [
    'written again with other metadata',
    [
      [configOf('one', 'a'), undefined],
      [configOf('one', 'a', { resourceVersion: '7' }), undefined],
    ],
  ],
  [
    'edited, and edited back, and rolled out',
    [
      [configOf('one', 'a'), undefined],
      [configOf('one', 'b'), { class: 'high', data: { was: 'one', now: 'one', altered: true } }],
      [configOf('one', 'a'), { class: 'high', data: { altered: true } }],
      [configOf('two', 'c'), ROLLED_OUT],
      [configOf('two', 'c'), undefined],
    ],
  ],
  [
    'taken away and damaged in between, which hides nothing',
    [
      [configOf('one', 'a'), undefined],
      [undefined, undefined],
      ['{', undefined],
      ['', undefined],
      [configOf('one', 'b'), { class: 'high', data: { altered: true } }],
    ],
  ],
  [
    'never there',
    [
      [undefined, undefined],
      [configOf('one', 'a'), undefined],
    ],
  ],
];

for (const [name, steps] of LIVES) {
  t.test(`a MachineConfig ${name}`, async (t) => {
    const root = t.testdir({});
    mkdirSync(`${root}${FOLDER}`, { recursive: true });
    const host = openHost(root);
    let seen: SeenMachineConfig | undefined;
    for (const [index, [content, expected]] of steps.entries()) {
      const path = `${root}${FOLDER}/currentconfig`;
      if (content === undefined) rmSync(path, { force: true });
      else writeFileSync(path, content);
      const now = await seeMachineConfig(host, seen);
      const event = machineConfigEvent(seen, now);
      if (expected === undefined) t.equal(event, undefined, `step ${index}`);
      else t.match(event, { kind: 'machine-config.changed', ...expected }, `step ${index}`);
      seen = now;
    }
  });
}
