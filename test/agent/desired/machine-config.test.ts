// One piece: tables of the forms that one document may have, good and bad.
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { parseMachineConfig, readMachineConfig } from '../../../agent/desired/machine-config.ts';
import { MachineConfigError } from '../../../agent/desired/machine-config-error.ts';
import { openHost } from '../../../agent/host.ts';
import { treeOf } from '../../support/host-tree.ts';

const PATH = '/etc/machine-config-daemon/currentconfig';
const TEXT = 'größe = 100 %\n';
const BASE64 = Buffer.from(TEXT).toString('base64');
const GZIP = gzipSync(TEXT).toString('base64');

/** A MachineConfig as the operator renders it, with these files. */
function rendered(files: unknown, version = '3.4.0', others: object = {}): string {
  return JSON.stringify({
    kind: 'MachineConfig',
    metadata: { name: 'rendered-worker-1' },
    spec: {
      config: { ignition: { version }, storage: { files }, ...others },
      kernelArguments: ['psi=0'],
      fips: true,
    },
  });
}
function read(contents: unknown, members: object = {}, version?: string): string {
  const config = parseMachineConfig(
    PATH,
    rendered([{ path: '/f', contents, ...members }], version),
  );
  return config.files.get('/f')?.read().toString() ?? 'no such file';
}

const SOURCES: readonly (readonly [name: string, contents: unknown, text: string])[] = [
  ['percent-encoded', { source: `data:,${encodeURIComponent(TEXT)}` }, TEXT],
  [
    'percent-encoded with a media type',
    { source: `data:text/plain,${encodeURIComponent(TEXT)}` },
    TEXT,
  ],
  ['unencoded but for what has to be', { source: 'data:,a b+c' }, 'a b+c'],
  ['base64', { source: `data:text/plain;charset=utf-8;base64,${BASE64}` }, TEXT],
  ['base64 without a media type', { source: `data:;base64,${BASE64}`, compression: '' }, TEXT],
  [
    'base64 with percent-encoded padding',
    { source: `data:;base64,${BASE64.replaceAll('=', '%3D')}` },
    TEXT,
  ],
  ['base64 in lines', { source: `data:;base64,${BASE64.slice(0, 8)}\r\n${BASE64.slice(8)}` }, TEXT],
  ['gzip in base64', { source: `data:;base64,${GZIP}`, compression: 'gzip' }, TEXT],
  ['an empty source', { source: '' }, ''],
  ['an empty data URL', { source: 'data:,' }, ''],
  ['a source that is null', { source: null, compression: null }, ''],
  ['no contents at all', undefined, ''],
];

for (const [name, contents, text] of SOURCES) {
  t.test(`a file with ${name} is read`, async (t) => {
    t.equal(read(contents), text);
    t.equal(read(contents, {}, '2.2.0'), text);
  });
}

const BAD_SOURCES: readonly (readonly [
  name: string,
  contents: unknown,
  members: object,
  message: RegExp,
])[] = [
  [
    'an address',
    { source: 'https://x.test/f' },
    {},
    /contents\.source: expected a data: URL, found https:/,
  ],
  ['no scheme', { source: 'text' }, {}, /contents\.source: expected a data: URL, found no scheme/],
  ['no comma', { source: 'data:text/plain;base64' }, {}, /expected a comma/],
  [
    'half a percent-encoding',
    { source: 'data:,abc%4' },
    {},
    /hexadecimal digits after % at character 10/,
  ],
  ['a percent sign that encodes nothing', { source: 'data:,%zz' }, {}, /hexadecimal/],
  ['damaged base64', { source: 'data:;base64,QUJ' }, {}, /expected base64 with its padding/],
  ['other letters than base64', { source: 'data:;base64,QUJ*' }, {}, /expected base64/],
  ['gzip that is none', { source: `data:;base64,${BASE64}`, compression: 'gzip' }, {}, /not gzip/],
  [
    'gzip cut short',
    {
      source: `data:;base64,${gzipSync('x'.repeat(999)).subarray(0, 20).toString('base64')}`,
      compression: 'gzip',
    },
    {},
    /not gzip/,
  ],
  [
    'gzip that inflates beyond the limit',
    {
      source: `data:;base64,${gzipSync(Buffer.alloc(9_000_000)).toString('base64')}`,
      compression: 'gzip',
    },
    {},
    /not gzip/,
  ],
  [
    'another compression',
    { source: 'data:,', compression: 'xz' },
    {},
    /contents\.compression: expected "" or gzip/,
  ],
  ['a source that is a number', { source: 1 }, {}, /contents\.source: expected text, found number/],
  ['contents that are a list', [], {}, /contents: expected an object/],
  [
    'append of Ignition 2',
    { source: 'data:,' },
    { append: true },
    /append: the machine-config-operator does not append/,
  ],
  ['append of Ignition 3', { source: 'data:,' }, { append: [{ source: 'data:,x' }] }, /append/],
];

for (const [name, contents, members, message] of BAD_SOURCES) {
  t.test(`a file with ${name} is an error when it is read, and names its place`, async (t) => {
    t.throws(() => read(contents, members), message);
    try {
      read(contents, members);
    } catch (error) {
      t.ok(error instanceof MachineConfigError);
      t.match(
        error instanceof Error ? error.message : '',
        /^\/etc\/machine-config-daemon\/currentconfig: spec\.config\.storage\.files\[0\]/,
      );
    }
  });
}

t.test('one bad file leaves the others readable', async (t) => {
  const files = [
    { path: '/bad', contents: { source: 'data:;base64,*' } },
    { path: '/good', contents: { source: 'data:,good' } },
  ];
  const config = parseMachineConfig(PATH, rendered(files));
  t.equal(config.files.get('/good')?.read().toString(), 'good');
});

const MODES: readonly (readonly [mode: unknown, expected: number | RegExp])[] = [
  [420, 0o644],
  [384, 0o600],
  [0, 0],
  [4095, 0o7777],
  [undefined, 0o644],
  [null, 0o644],
  [-1, /mode: expected permission bits/],
  [4096, /mode: expected permission bits/],
  [1.5, /mode: expected permission bits/],
  ['0644', /mode: expected a number, found string/],
];

for (const [mode, expected] of MODES) {
  t.test(`the mode ${JSON.stringify(mode) ?? 'left out'} is ${expected}`, async (t) => {
    const parse = () =>
      parseMachineConfig(PATH, rendered([{ path: '/f', mode }])).files.get('/f')?.mode;
    if (typeof expected === 'number') t.equal(parse(), expected);
    else t.throws(parse, expected);
  });
}

const BAD_DOCUMENTS: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['no JSON', '{"spec": {"fips": tru', /: expected JSON$/],
  ['a list', '[]', /the document: expected an object/],
  ['a text', '"x"', /the document: expected an object/],
  ['a spec that is text', '{"spec":"x"}', /spec: expected an object/],
  [
    'an Ignition that is too new',
    rendered([], '4.0.0'),
    /spec\.config\.ignition\.version: expected Ignition/,
  ],
  ['an Ignition that is too old', rendered([], '2.1.0'), /expected Ignition 2\.2 or 3\.0 to 3\.5/],
  ['no Ignition version', '{"spec":{"config":{}}}', /ignition\.version/],
  ['files that are an object', rendered({}), /storage\.files: expected a list/],
  ['a file without a path', rendered([{}]), /files\[0\]\.path: expected an absolute path/],
  [
    'a file with a relative path',
    rendered([{ path: 'etc/x' }]),
    /files\[0\]\.path: expected an absolute path/,
  ],
  ['fips that is text', '{"spec":{"fips":"true"}}', /spec\.fips: expected a boolean, found string/],
  [
    'kernel arguments that are numbers',
    '{"spec":{"kernelArguments":[1]}}',
    /kernelArguments\[0\]: expected text/,
  ],
  [
    'a unit whose name is a path',
    rendered([], '3.4.0', { systemd: { units: [{ name: '../x', contents: '' }] } }),
    /units\[0\]\.name: expected a file name/,
  ],
];

for (const [name, text, message] of BAD_DOCUMENTS) {
  t.test(`a document with ${name} is an error that names its place`, async (t) => {
    t.throws(() => parseMachineConfig(PATH, text), { message });
  });
}

t.test('an error never quotes the file, which may hold secrets', async (t) => {
  const secret = 'hunter2';
  const texts = [
    `{"password": ${secret}`,
    rendered([{ path: '/f', contents: { source: secret } }]),
  ];
  for (const text of texts) {
    try {
      parseMachineConfig(PATH, text).files.get('/f')?.read();
      t.fail('expected an error');
    } catch (error) {
      t.notMatch(String(error), secret);
    }
  }
});

t.test('name, FIPS and kernel arguments are read, and what is left out is off', async (t) => {
  t.match(parseMachineConfig(PATH, rendered([])), {
    name: 'rendered-worker-1',
    fips: true,
    kernelArguments: ['psi=0'],
  });
  t.match(parseMachineConfig(PATH, '{}'), { name: PATH, fips: false, kernelArguments: [] });
});

t.test('a name is no longer than Kubernetes has them, whatever the file says', async (t) => {
  const text = JSON.stringify({ metadata: { name: 'x'.repeat(100_000) } });
  t.equal(parseMachineConfig(PATH, text).name.length, 253);
});

t.test('of two files with one path the later one counts', async (t) => {
  const files = ['one', 'two'].map((text) => ({
    path: '/f',
    contents: { source: `data:,${text}` },
  }));
  t.equal(
    parseMachineConfig(PATH, rendered(files, '2.2.0')).files.get('/f')?.read().toString(),
    'two',
  );
});

t.test('files that certificate sync rewrites are nobody’s', async (t) => {
  const files = [
    { path: '/etc/kubernetes/kubelet-ca.crt' },
    { path: '/etc/kubernetes/kubelet.conf' },
  ];
  t.strictSame(
    [...parseMachineConfig(PATH, rendered(files)).files.keys()],
    ['/etc/kubernetes/kubelet.conf'],
  );
});

const OWNERS: readonly (readonly [members: object, expected: object | RegExp])[] = [
  [{}, { user: undefined, group: undefined }],
  [
    { user: { id: 0 }, group: { id: 7 } },
    { user: 0, group: 7 },
  ],
  [
    { user: { name: 'a' }, group: { name: 'g' } },
    { user: 'a', group: 'g' },
  ],
  [{ user: { id: 7, name: 'a' } }, { user: 7 }],
  [
    { user: { id: null, name: '' }, group: null },
    { user: undefined, group: undefined },
  ],
  [{ user: { id: -1 } }, /files\[0\]\.user\.id: expected an id, 0 or more/],
  [{ group: { id: 1.5 } }, /files\[0\]\.group\.id: expected an id/],
  [{ group: { id: '7' } }, /group\.id: expected a number, found string/],
  [{ user: { name: 7 } }, /user\.name: expected text, found number/],
  [{ user: 'a' }, /user: expected an object/],
];

for (const [members, expected] of OWNERS) {
  t.test(`the owners ${JSON.stringify(members)} are read as they are meant`, async (t) => {
    for (const version of ['2.2.0', '3.5.0']) {
      const parse = () =>
        parseMachineConfig(PATH, rendered([{ path: '/f', ...members }], version)).files.get('/f');
      if (expected instanceof RegExp) t.throws(parse, expected);
      else t.match({ user: parse()?.user, group: parse()?.group }, expected);
    }
  });
}

t.test('a file of Ignition 2.2 names its file system, which is always the root', async (t) => {
  const file = {
    filesystem: 'root',
    path: '/f',
    contents: { source: 'data:,x', verification: {} },
  };
  const config = parseMachineConfig(PATH, rendered([file], '2.2.0'));
  t.match(config.files.get('/f'), { mode: 0o644 });
  t.equal(config.files.get('/f')?.read().toString(), 'x');
});

t.test('a content is decoded and hashed once, and one that fails fails each time', async (t) => {
  const file = parseMachineConfig(PATH, rendered([{ path: '/f' }])).files.get('/f');
  t.equal(file?.digest(), file?.digest());
  t.match(file?.digest(), /^sha256:e3b0c442/);
  const bad = [{ path: '/f', contents: { source: 'text' } }];
  const broken = parseMachineConfig(PATH, rendered(bad)).files.get('/f');
  t.throws(() => broken?.digest(), { code: 'ERR_MACHINE_CONFIG_CONTENT' });
  t.throws(() => broken?.digest(), { code: 'ERR_MACHINE_CONFIG_CONTENT' });
});

t.test('units say whether they are enabled or masked', async (t) => {
  const units = [
    { name: 'a.service', enabled: true, contents: 'x' },
    { name: 'b.service', enabled: false, contents: '' },
    { name: 'c.service', mask: true, enabled: null, contents: null },
  ];
  t.strictSame(parseMachineConfig(PATH, rendered([], '3.4.0', { systemd: { units } })).units, [
    { name: 'a.service', isMasked: false, enabled: true, contents: 'x' },
    { name: 'b.service', isMasked: false, enabled: false },
    { name: 'c.service', isMasked: true },
  ]);
});

t.test('a MachineConfig that was replaced a moment after it was read is read anew', async (t) => {
  const root = t.testdir(treeOf({ [PATH]: rendered([]) }));
  const host = openHost(root);
  const first = await readMachineConfig(host);
  writeFileSync(`${root}${PATH}`, rendered([{ path: '/f' }]));
  const second = await readMachineConfig(host);
  t.strictSame([first?.files.size, second?.files.size], [0, 1]);
});

t.test('units and drop-ins are files', async (t) => {
  const units = [
    { name: 'own.service', enabled: true, contents: '[Unit]\n' },
    {
      name: 'crio.service',
      dropins: [
        { name: '10-x.conf', contents: '[Service]\n' },
        { name: 'empty.conf', contents: '' },
      ],
    },
    { name: 'masked.service', mask: true, contents: 'not written' },
    { name: 'kubelet.service', enabled: true },
    { name: 'no-text.service', enabled: true, contents: '' },
  ];
  const { files } = parseMachineConfig(PATH, rendered([], '3.4.0', { systemd: { units } }));
  const found = [...files].map(([path, file]) => [path, file.read().toString()]);
  t.strictSame(found, [
    ['/etc/systemd/system/own.service', '[Unit]\n'],
    ['/etc/systemd/system/crio.service.d/10-x.conf', '[Service]\n'],
    ['/etc/systemd/system/crio.service.d/empty.conf', ''],
  ]);
});

const PLACES: readonly (readonly [
  name: string,
  files: Readonly<Record<string, string>>,
  found: string | undefined,
])[] = [
  ['in the folder of the daemon', { [PATH]: rendered([]) }, PATH],
  ['nowhere', {}, undefined],
  ['in an empty file', { [PATH]: '' }, undefined],
  [
    'where HyperShift keeps it, the usual file being empty',
    { [PATH]: '', '/etc/mcd-currentconfig.json': rendered([]) },
    '/etc/mcd-currentconfig.json',
  ],
  [
    'as the server handed it out',
    { '/etc/mcs-machine-config-content.json': rendered([]) },
    '/etc/mcs-machine-config-content.json',
  ],
];

for (const [name, files, found] of PLACES) {
  t.test(`a MachineConfig ${name} is ${found === undefined ? 'none' : 'found'}`, async (t) => {
    const config = await readMachineConfig(openHost(t.testdir(treeOf(files))));
    t.equal(config?.path, found);
  });
}

t.test('a deeply nested document is an error or is read, but never ends the process', async (t) => {
  const deep = `{"spec":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  t.throws(() => parseMachineConfig(PATH, deep), { message: /expected less deep nesting/ });
  const unread = `{"spec":{"later":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
  t.throws(() => parseMachineConfig(PATH, unread), { message: /expected less deep nesting/ });
});
