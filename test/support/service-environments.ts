import type { Files } from './store-tree.ts';

export const USR: string = '/usr/lib/systemd/system/crio.service';
export const ETC: string = '/etc/systemd/system/crio.service';
export const FILE: string = '/etc/sysconfig/crio';

/** A unit file of a service with these lines. */
export function unit(...lines: readonly string[]): string {
  return ['[Service]', 'ExecStart=/usr/bin/crio', ...lines, ''].join('\n');
}
function environment(value: string): Files {
  return { [USR]: unit(`Environment=${value}`) };
}
/** A unit that takes its variables from a file of this content. */
export function environmentFile(content: string): Files {
  return { [USR]: unit(`EnvironmentFile=${FILE}`), [FILE]: content };
}

/** Files of a node, and the variables that `env` printed as this service of systemd 252. */
export const SERVICE_ENVIRONMENTS: readonly (readonly [
  name: string,
  files: Files,
  variables: object,
])[] = [
  ['that is not there', {}, {}],
  ['that sets nothing', { [USR]: unit() }, {}],
  ['with plain words', environment('A=1 B=two C='), { A: '1', B: 'two', C: '' }],
  ['with quoted words', environment(`"A=1 2" 'B=3 4' C="5 6"`), { A: '1 2', B: '3 4', C: '5 6' }],
  ['with quotes inside of words', environment(`A=x"y z"'"'w`), { A: 'xy z"w' }],
  [
    'with escapes',
    environment(String.raw`A=a\tb\x41\101\u00e4\U0001f600\sc "B=\"q\"" C=\\ 'D=\''`),
    { A: 'a\tbAAä😀 c', B: '"q"', C: '\\', D: "'" },
  ],
  [
    'with an escape that is none, behind which nothing counts',
    environment(String.raw`A=1 B=\q C=3`),
    { A: '1' },
  ],
  ['with a quote that is not closed', environment(`A=1 "B=2 C=3`), { A: '1' }],
  ['with words that are no assignments', environment('A 1B=2 B-C=3 =4 D=5'), { D: '5' }],
  ['with bytes that are no UTF-8', environment(String.raw`A=\xff B=2`), { B: '2' }],
  ['with control characters', environment(String.raw`A=\x01 B=2`), { A: '\x01', B: '2' }],
  ['with dollars, which mean nothing', environment('A=$HOME B=$'), { A: '$HOME', B: '$' }],
  [
    'with specifiers',
    environment('A=%% B=%n C=%t/x D=%S E=%%n F=%E G=%C H=%L'),
    {
      A: '%',
      B: 'crio.service',
      C: '/run/x',
      D: '/var/lib',
      E: '%n',
      F: '/etc',
      G: '/var/cache',
      H: '/var/log',
    },
  ],
  [
    'set twice, the later counts',
    { [USR]: unit('Environment=A=1 B=1', 'Environment=A=2') },
    { A: '2', B: '1' },
  ],
  [
    'reset by an empty value',
    { [USR]: unit('Environment=A=1', 'Environment=', 'Environment=B=2') },
    { B: '2' },
  ],
  [
    'on continued lines, comments between them',
    { [USR]: unit('Environment=A=1 \\', '# B=2 \\', '; C=3', '  D=4 \\', '', 'Environment=E=5') },
    { A: '1', D: '4', E: '5' },
  ],
  [
    'with blanks around',
    { [USR]: '\n [Service] \n Environment = A=1 \t\nExecStart=/usr/bin/crio\n' },
    { A: '1' },
  ],
  [
    'with lines end as on other systems',
    { [USR]: unit('Environment=A=1').replaceAll('\n', '\r\n') },
    { A: '1' },
  ],
  [
    'in other sections, which do not count',
    {
      [USR]: `Environment=A=0\n[Unit]\nEnvironment=A=1\n${unit('Environment=B=2')}[X-More]\nEnvironment=C=3\n`,
    },
    { B: '2' },
  ],
  ['with names in other letters, which do not count', { [USR]: unit('environment=A=1') }, {}],
  [
    'with unit files of vendor and administrator, of which the latter counts',
    { [USR]: unit('Environment=A=1'), [ETC]: unit('Environment=B=2') },
    { B: '2' },
  ],
  [
    'with drop-ins: by name, later ones overrule',
    {
      [USR]: unit('Environment=A=1 B=1 C=1'),
      '/usr/lib/systemd/system/crio.service.d/90-z.conf': '[Service]\nEnvironment=A=z\n',
      '/etc/systemd/system/crio.service.d/10-a.conf': '[Service]\nEnvironment=A=a B=a\n',
      '/etc/systemd/system/crio.service.d/20-b.conf.bak': '[Service]\nEnvironment=C=no\n',
    },
    { A: 'z', B: 'a', C: '1' },
  ],
  [
    'with drop-ins of one name: the higher folder counts, that of the unit before that of all services',
    {
      [USR]: unit(),
      '/usr/lib/systemd/system/crio.service.d/50-a.conf': '[Service]\nEnvironment=A=usr\n',
      '/etc/systemd/system/crio.service.d/50-a.conf': '[Service]\nEnvironment=A=etc\n',
      '/usr/lib/systemd/system/crio.service.d/50-b.conf': '[Service]\nEnvironment=B=unit\n',
      '/etc/systemd/system/service.d/50-b.conf': '[Service]\nEnvironment=B=all\n',
      '/etc/systemd/system/service.d/40-c.conf': '[Service]\nEnvironment=C=all A=all\n',
    },
    { A: 'etc', B: 'unit', C: 'all' },
  ],
  [
    'with a drop-in for a unit that is not there',
    { '/etc/systemd/system/crio.service.d/50-a.conf': '[Service]\nEnvironment=A=1\n' },
    {},
  ],
  [
    'with files, which overrule what the unit says',
    { [USR]: unit(`EnvironmentFile=${FILE}`, 'Environment=A=1 B=1'), [FILE]: 'A=2\n' },
    { A: '2', B: '1' },
  ],
  [
    'with files of which one is optional and not there',
    { [USR]: unit('EnvironmentFile=-/etc/none', `EnvironmentFile=-${FILE}`), [FILE]: 'A=2\n' },
    { A: '2' },
  ],
  [
    'with a list of files that was reset',
    {
      [USR]: unit('EnvironmentFile=/etc/none', 'EnvironmentFile=', `EnvironmentFile=${FILE}`),
      [FILE]: 'A=2\n',
    },
    { A: '2' },
  ],
  [
    'with variables taken away',
    { [USR]: unit('Environment=A=1 B=1 C=1', 'UnsetEnvironment=A B=1 C=2') },
    { C: '1' },
  ],
  [
    'with a file of comments',
    environmentFile('# A=1\n; B=2\nno assignment\n\n  C = 3  \n'),
    { C: '3' },
  ],
  [
    'with a file of quotes',
    environmentFile(`A="1 2"\nB='3 "4"'\nC="5"'6' 7\n`),
    { A: '1 2', B: '3 "4"', C: '567' },
  ],
  [
    'with a file of escapes',
    environmentFile('A=a\\ b\\\\c\\"\nB="a\\"b\\$c\\d"\n'),
    {
      A: 'a b\\c"',
      B: 'a"b$c\\d',
    },
  ],
  [
    'with a file of values over several lines',
    environmentFile('A=1\\\n2\nB="3\n4"\nC=\'5\n6\'\nD="7\\\n8"\n'),
    {
      A: '12',
      B: '3\n4',
      C: '5\n6',
      D: '78',
    },
  ],
  [
    'with a file of blanks',
    environmentFile('A=  1  2 \nB="3" \t\nC=4\\ \n'),
    { A: '1  2', B: '3', C: '4 ' },
  ],
  ['with a file that ends anywhere', environmentFile('A=1\nB="2'), { A: '1', B: '2' }],
  ['with a file that ends with a backslash', environmentFile('A=1\\'), { A: '1' }],
  ['with a file of bad names', environmentFile('1A=1\nB-C=2\nexport D=3\nE=5\n'), { E: '5' }],
  [
    'with an optional file that is not text, and so is passed over',
    { [USR]: unit(`EnvironmentFile=-${FILE}`, 'Environment=B=2'), [FILE]: 'A=1\n\0' },
    { B: '2' },
  ],
  ['with an empty file', environmentFile(''), {}],
];
