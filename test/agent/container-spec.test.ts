import t from 'tap';
import { ContainerSpecError, parseContainerSpec } from '../../agent/container-spec.ts';

const PATH = '/run/x/config.json';

t.test('a specification as podman 4.3 wrote it is read', async (t) => {
  const spec = parseContainerSpec(
    PATH,
    JSON.stringify({
      ociVersion: '1.0.2-dev',
      process: {
        user: { uid: 1001, gid: 0, umask: 18, additionalGids: [0] },
        capabilities: { bounding: ['CAP_CHOWN', 'CAP_KILL'] },
        noNewPrivileges: true,
        selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2',
      },
      mounts: [
        { destination: '/host/etc', type: 'bind', source: '/etc', options: ['ro', 'rbind'] },
        { destination: '/proc', type: 'proc', source: 'proc' },
      ],
      annotations: { 'io.container.manager': 'libpod' },
      linux: {
        uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
        namespaces: [{ type: 'pid' }, { type: 'network', path: '/run/netns/1' }],
        maskedPaths: ['/proc/kcore'],
        readonlyPaths: ['/proc/sys'],
      },
    }),
  );
  t.strictSame(spec, {
    annotations: new Map([['io.container.manager', 'libpod']]),
    uid: 1001,
    noNewPrivileges: true,
    selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2',
    capabilities: {
      bounding: ['CAP_CHOWN', 'CAP_KILL'],
      effective: [],
      permitted: [],
      ambient: [],
    },
    namespaces: new Map([
      ['pid', undefined],
      ['network', '/run/netns/1'],
    ]),
    uidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    mounts: [
      { destination: '/host/etc', type: 'bind', source: '/etc', options: ['ro', 'rbind'] },
      { destination: '/proc', type: 'proc', source: 'proc', options: [] },
    ],
  });
});

t.test('what a specification leaves out is empty', async (t) => {
  t.strictSame(parseContainerSpec(PATH, '{"annotations": null, "linux": {}}'), {
    annotations: new Map(),
    uid: undefined,
    noNewPrivileges: false,
    selinuxLabel: undefined,
    capabilities: { bounding: [], effective: [], permitted: [], ambient: [] },
    namespaces: new Map(),
    uidMappings: [],
    maskedPaths: [],
    readonlyPaths: [],
    mounts: [],
  });
});

const BAD: readonly (readonly [text: string, message: string])[] = [
  ['', 'the document: expected JSON'],
  ['{"process": {"user"', 'the document: expected JSON'],
  ['null', 'the document: expected an object'],
  ['[]', 'the document: expected an object'],
  ['"text"', 'the document: expected an object'],
  ['{"annotations": []}', 'annotations: expected an object'],
  ['{"annotations": {"a": 1}}', 'annotations.a: expected text, found number'],
  ['{"process": 1}', 'process: expected an object'],
  ['{"process": {"user": {"uid": "0"}}}', 'process.user.uid: expected a number, found string'],
  ['{"process": {"user": {"uid": -1}}}', 'process.user.uid: expected a whole number, 0 or more'],
  ['{"process": {"user": {"uid": 1.5}}}', 'process.user.uid: expected a whole number, 0 or more'],
  [
    '{"process": {"noNewPrivileges": "true"}}',
    'process.noNewPrivileges: expected a boolean, found string',
  ],
  ['{"process": {"selinuxLabel": {}}}', 'process.selinuxLabel: expected text, found object'],
  [
    '{"process": {"capabilities": {"bounding": [1]}}}',
    'process.capabilities.bounding[0]: expected text, found number',
  ],
  ['{"process": {"capabilities": ["CAP_CHOWN"]}}', 'process.capabilities: expected an object'],
  ['{"linux": {"namespaces": {}}}', 'linux.namespaces: expected a list'],
  ['{"linux": {"namespaces": [{}]}}', 'linux.namespaces[0].type: expected text'],
  ['{"linux": {"namespaces": ["pid"]}}', 'linux.namespaces[0]: expected an object'],
  ['{"linux": {"maskedPaths": "/proc"}}', 'linux.maskedPaths: expected a list'],
  ['{"linux": {"readonlyPaths": [null]}}', 'linux.readonlyPaths[0]: expected text, found null'],
  [
    '{"linux": {"uidMappings": [{"hostID": "1"}]}}',
    'linux.uidMappings[0].hostID: expected a number, found string',
  ],
  ['{"mounts": [{"source": "/"}]}', 'mounts[0].destination: expected text'],
  ['{"mounts": [{"destination": "/a", "options": "ro"}]}', 'mounts[0].options: expected a list'],
];

for (const [text, message] of BAD) {
  t.test(`a specification ${text} is refused by the place at fault`, async (t) => {
    t.throws(() => parseContainerSpec(PATH, text), { message: `${PATH}: ${message}` });
    t.throws(() => parseContainerSpec(PATH, text), ContainerSpecError);
  });
}

t.test('a refusal quotes nothing of the file, which may hold secrets', async (t) => {
  t.throws(() => parseContainerSpec(PATH, '{"process": {"env": ["PASSWORD=hunter2"'), {
    message: `${PATH}: the document: expected JSON`,
  });
});

t.test('members named like those of every object are members', async (t) => {
  t.strictSame(
    parseContainerSpec(PATH, '{"annotations": {"__proto__": "a", "constructor": "b"}}').annotations,
    new Map([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]),
  );
  t.equal(parseContainerSpec(PATH, '{}').uid, undefined);
});
