import t from 'tap';
import { readButaneCandidate } from '../../../shared/simulation/butane.ts';

const POLICY = '{"default":[{"type":"reject"}]}';
const PATH = '/etc/containers/policy.json';

function butane(contents: string, more = ''): string {
  return `variant: openshift
version: 4.18.0
metadata: {name: 99-worker-trust}
storage:
  files:
  - path: ${PATH}
    mode: 0644
    contents:
      ${contents}
${more}`;
}

const GOOD: readonly (readonly [string, string])[] = [
  ['inline', butane(`inline: '${POLICY}'`)],
  ['inline and to be compressed', butane(`inline: '${POLICY}'\n      compression: gzip`)],
  ['as a data: URL', butane(`source: data:,${encodeURIComponent(POLICY)}`)],
  [
    'beside a tree of another folder',
    butane(`inline: '${POLICY}'`, '  trees:\n  - {local: opt, path: /opt/x}\n'),
  ],
];
for (const [name, text] of GOOD) {
  t.test(`a policy ${name}`, async (t) => {
    t.equal(readButaneCandidate('b.bu', text).candidate.policy, POLICY);
  });
}

const IN = `b.bu: ${PATH}`;
const BAD: readonly (readonly [name: string, text: string, place: string, what: RegExp])[] = [
  ['no Butane file', 'kind: MachineConfig', 'b.bu', /variant/],
  ['no policy in it', 'variant: fcos\nversion: 1.5.0\n', 'b.bu', /writes no/],
  ['a file beside it', butane('local: policy.json'), IN, /policy\.json is a file beside it/],
  ['a server', butane('source: https://x/policy.json'), IN, /data: URL, found https:/],
  ['two contents', butane("inline: ''\n      local: x"), IN, /expected one of/],
  ['a policy that is none', butane("inline: '{}'"), `${IN}:1:1`, /default/],
  [
    'a tree that may hold it',
    butane(`inline: '${POLICY}'`, '  trees:\n  - {local: etc, path: /etc}\n'),
    'b.bu',
    /storage\.trees: etc may hold files of \/etc/,
  ],
  [
    'a tree of everything',
    butane(`inline: '${POLICY}'`, '  trees:\n  - {local: root}\n'),
    'b.bu',
    /root may hold files of \//,
  ],
  [
    'content that is appended',
    butane(`inline: '${POLICY}'`).replace('mode: 0644', 'append: [{inline: x}]'),
    IN,
    /append/,
  ],
];
for (const [name, text, place, what] of BAD) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => readButaneCandidate('b.bu', text), { code: 'ERR_CANDIDATE', place, what });
  });
}
