import t from 'tap';
import { hasArgument, parseKernelArguments, switchOf } from '../../agent/kernel-arguments.ts';

const LINES: readonly (readonly [line: string, args: readonly object[]])[] = [
  ['', []],
  [' \n', []],
  ['quiet', [{ name: 'quiet' }]],
  ['root=UUID=1  ro\n', [{ name: 'root', value: 'UUID=1' }, { name: 'ro' }]],
  ['a= b', [{ name: 'a', value: '' }, { name: 'b' }]],
  ['dyndbg="file x +p" ro', [{ name: 'dyndbg', value: 'file x +p' }, { name: 'ro' }]],
  ['"a=b c" ro', [{ name: 'a', value: 'b c' }, { name: 'ro' }]],
  ['a="open to the end', [{ name: 'a', value: 'open to the end' }]],
  ['ro -- selinux=0', [{ name: 'ro' }]],
  ['ro a--b', [{ name: 'ro' }, { name: 'a--b' }]],
];

for (const [line, args] of LINES) {
  t.test(`the command line ${JSON.stringify(line)} is split as by the kernel`, async (t) => {
    t.strictSame(parseKernelArguments(line), args);
  });
}

const SWITCHES: readonly (readonly [line: string, value: boolean | undefined])[] = [
  ['', undefined],
  ['fips=1', true],
  ['fips=0', false],
  ['fips=00', false],
  ['fips=0x0', false],
  ['fips=0X1', true],
  ['fips=+1', true],
  ['fips=10', true],
  ['fips=1 fips=0', false],
  ['fips=0 fips=1', true],
  ['fips', undefined],
  ['fips=', undefined],
  ['fips=yes', undefined],
  ['fips=0 fips=yes', false],
  ['fips=1x', undefined],
  ['xfips=1 fipsx=1 FIPS=1', undefined],
  ['fips="0"', false],
];

for (const [line, value] of SWITCHES) {
  t.test(`the switch in ${JSON.stringify(line)} is ${value}`, async (t) => {
    t.equal(switchOf(parseKernelArguments(line), 'fips'), value);
  });
}

t.test('an argument is there whatever its value', async (t) => {
  const args = parseKernelArguments('boot=LABEL=boot');
  t.equal(hasArgument(args, 'boot'), true);
  t.equal(hasArgument(args, 'root'), false);
});

t.test('a line of megabytes is split at once', async (t) => {
  const start = performance.now();
  t.equal(parseKernelArguments('a=1 '.repeat(500_000)).length, 500_000);
  t.equal(parseKernelArguments('"'.repeat(1_000_001)).length, 1);
  t.ok(performance.now() - start < 5000);
});
