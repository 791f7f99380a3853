import { gzipSync } from 'node:zlib';
import t from 'tap';
import { readMachineConfigCandidate } from '../../../shared/simulation/machine-config.ts';

const POLICY = '{"default":[{"type":"reject"}]}';
const REGISTRY = 'docker:\n  quay.io: {}\n';
const PATH = '/etc/containers/policy.json';
const base64 = (text: string): string => `data:;base64,${Buffer.from(text).toString('base64')}`;

function machineConfig(files: readonly object[], change: object = {}): string {
  return JSON.stringify({
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineConfig',
    spec: { config: { ignition: { version: '3.4.0' }, storage: { files } } },
    ...change,
  });
}
function of(source: string, more: object = {}, path = PATH): object {
  return { path, contents: { source, ...more } };
}

const GOOD: readonly (readonly [string, string])[] = [
  ['percent-encoded', machineConfig([of(`data:,${encodeURIComponent(POLICY)}`)])],
  ['in base64', machineConfig([of(base64(POLICY))])],
  [
    'in gzip',
    machineConfig([
      of(`data:;base64,${gzipSync(POLICY).toString('base64')}`, { compression: 'gzip' }),
    ]),
  ],
  ['twice: the later one', machineConfig([of('data:,{}'), of(base64(POLICY))])],
  ['beside other files', machineConfig([of('http://x/', {}, '/etc/motd'), of(base64(POLICY))])],
  [
    'in YAML',
    `kind: MachineConfig
spec:
  config:
    ignition: {version: 3.2.0}
    storage:
      files:
      - path: ${PATH}
        contents:
          source: "${base64(POLICY)}"
`,
  ],
];
for (const [name, text] of GOOD) {
  t.test(`a policy ${name}`, async (t) => {
    const { candidate } = readMachineConfigCandidate('mc.yaml', text);
    t.same(candidate, { policy: POLICY, policyMode: 'replace', registriesDMode: 'add' });
  });
}

t.test('files of registries.d are put beside those of the node', async (t) => {
  const path = '/etc/containers/registries.d/quay.yaml';
  const text = machineConfig([of(base64(POLICY)), of(base64(REGISTRY), {}, path)]);
  const { candidate, registriesD } = readMachineConfigCandidate('mc.yaml', text);
  t.same(candidate.registriesD, [{ name: 'quay.yaml', text: REGISTRY }]);
  t.equal(candidate.registriesDMode, 'add');
  t.ok(registriesD?.docker.has('quay.io'));
});

const IN = `mc.yaml: ${PATH}`;
const BAD: readonly (readonly [name: string, text: string, place: string, what: RegExp])[] = [
  ['no YAML', 'kind: [', 'mc.yaml:1:8', /./],
  ['nothing', '', 'mc.yaml', /./],
  ['a list', '[]', 'mc.yaml', /expected a mapping/],
  ['another kind', machineConfig([], { kind: 'Pod' }), 'mc.yaml:1:61', /kind/],
  ['no spec', '{"kind":"MachineConfig"}', 'mc.yaml', /spec/],
  [
    'an Ignition nobody knows',
    machineConfig([], { spec: { config: { ignition: { version: '4.0.0' } } } }),
    'mc.yaml:1:117',
    /version: expected Ignition 2\.2 or 3\.0 to 3\.5/,
  ],
  ['no policy in it', machineConfig([]), 'mc.yaml', /writes no \/etc\/containers\/policy\.json/],
  ['a policy elsewhere', machineConfig([of('https://x/p.json')]), IN, /data: URL, found https:/],
  ['damaged base64', machineConfig([of('data:;base64,%%%')]), IN, /hexadecimal/],
  ['gzip that is none', machineConfig([of(base64('x'), { compression: 'gzip' })]), IN, /not gzip/],
  ['another compression', machineConfig([of(base64('x'), { compression: 'xz' })]), IN, /or gzip/],
  [
    'content that is appended',
    machineConfig([{ ...of(base64(POLICY)), append: [{ source: 'data:,' }] }]),
    IN,
    /append/,
  ],
  [
    'a policy that is none',
    machineConfig([of(base64('{\n"default":[]}'))]),
    `${IN}:2:11`,
    /default/,
  ],
  ['an empty policy', machineConfig([of('')]), `${IN}:1:1`, /./],
  ['no text', machineConfig([of('data:;base64,/w==')]), IN, /UTF-8/],
  [
    'a folder in registries.d',
    machineConfig([
      of(base64(POLICY)),
      of(base64(''), {}, '/etc/containers/registries.d/a/b.yaml'),
    ]),
    'mc.yaml: /etc/containers/registries.d/',
    /expected a file name/,
  ],
];
for (const [name, text, place, what] of BAD) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => readMachineConfigCandidate('mc.yaml', text), {
      code: 'ERR_CANDIDATE',
      place,
      what,
    });
  });
}
