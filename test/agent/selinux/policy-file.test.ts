import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PolicyFormatError } from '../../../agent/selinux/bitmap.ts';
import { readPolicyFile } from '../../../agent/selinux/policy-file.ts';
import { policyOf, u32 } from '../../support/selinux-policy.ts';

/** Every construct that stands before the types: commons, inherited classes, constraints, validatetrans, roles, aliases. */
const SOURCE = `class file
class process
sid kernel
common fileops { read write }
class file inherits fileops { entrypoint }
class process { transition }
default_user file source;
default_type file target;
sensitivity s0;
dominance { s0 }
category c0;
level s0:c0;
mlsconstrain process transition ( h1 dom h2 or t1 == { a_t } );
policycap network_peer_controls;
attribute domain;
type a_t, domain;
type b_t alias { bb_t }, domain;
permissive b_t;
allow a_t b_t:process transition;
role r;
role r types { a_t b_t };
user u roles { r } level s0 range s0 - s0:c0;
constrain process transition ( u1 == u2 or t1 == { a_t b_t } );
validatetrans file ( u1 == u2 );
sid kernel u:r:a_t:s0
`;

const noCompiler = ['/usr/bin/checkpolicy', '/bin/checkpolicy'].some(existsSync)
  ? false
  : 'needs checkpolicy';
const DEBIAN = '/etc/selinux/default/policy/policy.33';
const noWholePolicy =
  noCompiler === false && existsSync(DEBIAN) && existsSync('/usr/bin/secilc')
    ? false
    : 'needs checkpolicy, secilc and selinux-policy-default';

const WHOLE = { permissive: ['sshd_t', 'httpd_t'] };

const GOOD: readonly (readonly [name: string, bytes: Buffer, expected: object])[] = [
  ['without permissive types', policyOf(), { permissive: [] }],
  [
    'with permissive types, named and sorted',
    policyOf(WHOLE),
    { permissive: ['httpd_t', 'sshd_t'] },
  ],
  [
    'with types beyond one part of a bitmap',
    policyOf({
      types: [...Array(200).keys()].map((n) => `t${n}_t`),
      permissive: ['t0_t', 't150_t'],
    }),
    { permissive: ['t0_t', 't150_t'] },
  ],
  ['that denies the unknown', policyOf({ config: 1 }), { isMls: true, unknown: 'deny' }],
  ['that refuses the unknown', policyOf({ config: 2 }), { isMls: false, unknown: 'reject' }],
  ['that allows the unknown', policyOf({ config: 4 }), { isMls: false, unknown: 'allow' }],
  [
    'with never-audited types',
    policyOf({ ...WHOLE, version: 35 }),
    { permissive: ['httpd_t', 'sshd_t'] },
  ],
  [
    'of a version to come',
    policyOf({ ...WHOLE, version: 36 }),
    { version: 36, permissive: undefined },
  ],
];

for (const [name, bytes, expected] of GOOD) {
  t.test(`a policy ${name}`, async (t) => t.match(readPolicyFile(bytes), expected));
}

/** The first bytes of a policy, one of them replaced. */
function replaced(offset: number, bytes: Buffer): Buffer {
  const policy = policyOf(WHOLE);
  bytes.copy(policy, offset);
  return policy;
}

/** A policy whose first bitmap is of these numbers; its parts say something each. */
function withBitmap(highBit: number, count: number, starts: readonly number[]): Buffer {
  const parts = starts.flatMap((start) => [u32(start), Buffer.alloc(8, 1)]);
  return Buffer.concat([policyOf().subarray(0, 32), u32(64), u32(highBit), u32(count), ...parts]);
}

const BAD: readonly (readonly [name: string, bytes: Buffer, message: RegExp])[] = [
  ['nothing', Buffer.alloc(0), /ends at byte 0/],
  ['text', Buffer.from('SELINUX=enforcing\n'), /magic/],
  [
    'a module instead of a policy',
    replaced(0, u32(0xf97cff8d)),
    /magic 0xf97cff8c, found 0xf97cff8d/,
  ],
  ['a policy in the other byte order', replaced(0, u32(0x8cff7cf9)), /magic/],
  ['the policy of a hypervisor', replaced(8, Buffer.from('XenFlask')), /identifier/],
  ['an identifier of 4 GiB', replaced(4, u32(0xffffffff)), /identifier/],
  ['no version', replaced(16, u32(0)), /version 0/],
  ['4 billion symbol tables', replaced(24, u32(0xffffffff)), /symbol tables/],
  ['a bitmap of 32 bits a part', replaced(32, u32(32)), /bitmaps of 64/],
  ['a bitmap that says it is not empty', replaced(40, u32(0)), /empty and says it is not/],
  [
    'permissive types beyond any number',
    replaced(60, u32(0xffffffc0)),
    /says it has 4294967232 bits/,
  ],
  ['a name of nothing', replaced(112, u32(0)), /a name of 0 bytes/],
  ['a name of 4 GiB', replaced(112, u32(0xffffffff)), /a name of 4294967295 bytes/],
  ['a bitmap with 4 billion parts', replaced(40, u32(0xffffffff)), /goes on at bit/],
  ['a bitmap that goes on beyond its end', replaced(44, u32(128)), /goes on at bit 128/],
  ['a bitmap that starts within a part', replaced(44, u32(1)), /goes on at bit 1/],
  ['a bitmap whose parts go back', withBitmap(128, 2, [64, 0]), /goes on at bit 0/],
  ['a bitmap that says a part twice', withBitmap(128, 2, [64, 64]), /goes on at bit 64/],
  ['a bitmap with an empty part', replaced(48, Buffer.alloc(8)), /part of a bitmap is empty/],
  [
    'a permissive type that there is not',
    replaced(72, u32(0x80000000)),
    /permissive type 31 has no name/,
  ],
  ['4 billion types', replaced(104 + 4, u32(0xffffffff)), /ends at byte|name of/],
];

for (const [name, bytes, message] of BAD) {
  t.test(`${name} is no policy`, async (t) => {
    t.throws(() => readPolicyFile(bytes), message);
    t.equal(answer(bytes), 'refused');
  });
}

/** The answer for every length of the policy, the whole last. */
function answers(policy: Buffer): readonly string[] {
  return Array.from({ length: policy.length + 1 }, (_, length) =>
    answer(policy.subarray(0, length)),
  );
}

function answer(bytes: Buffer): string {
  try {
    return JSON.stringify(readPolicyFile(bytes));
  } catch (error) {
    if (error instanceof PolicyFormatError) return 'refused';
    throw error;
  }
}

for (const [name, policy] of [
  ['made here', policyOf(WHOLE)],
  ['made here, of version 35', policyOf({ ...WHOLE, version: 35 })],
] as const) {
  t.test(`a policy ${name}, cut at any byte, is refused`, async (t) => {
    const found = answers(policy);
    t.strictSame(new Set(found.slice(0, -1)), new Set(['refused']));
    t.match(found.at(-1), 'httpd_t');
  });
}

t.test('policies of the compiler', { skip: noCompiler }, async (t) => {
  const source = join(t.testdir({ 'tiny.conf': SOURCE }), 'tiny.conf');
  const compile = (version: number): Buffer => {
    const out = `${source}.${version}`;
    execFileSync('checkpolicy', ['-M', '-c', `${version}`, '-o', out, source], { stdio: 'pipe' });
    return readFileSync(out);
  };

  for (const version of [24, 25, 26, 27, 28, 29, 30, 31, 32, 33]) {
    t.test(
      `of version ${version}: the permissive type has its own name, not its alias`,
      async (t) => {
        t.strictSame(readPolicyFile(compile(version)), {
          version,
          isMls: true,
          unknown: 'deny',
          permissive: ['b_t'],
        });
      },
    );
  }

  t.test('of version 22, which knows none', async (t) => {
    t.match(readPolicyFile(compile(22)), { version: 22, permissive: undefined });
  });

  t.test(
    'cut at any byte, one is refused until its types are whole, then read the same',
    async (t) => {
      const found = answers(compile(33));
      const start = found.findIndex((one) => one !== 'refused');
      t.ok(start > 100 && start < found.length - 100, `the front ends at ${start}`);
      t.strictSame(new Set(found.slice(start)), new Set([found.at(-1)]));
    },
  );

  t.test('with any number replaced by 4 billion is refused or read, never more', async (t) => {
    const policy = compile(33);
    const found = new Set<string>();
    for (let offset = 0; offset + 4 <= policy.length; offset++) {
      const bad = Buffer.from(policy);
      u32(0xffffffff).copy(bad, offset);
      found.add(answer(bad));
    }
    t.ok(found.has('refused'));
  });
});

t.test('the policy of a distribution', { skip: noWholePolicy }, async (t) => {
  t.match(readPolicyFile(readFileSync(DEBIAN)), { version: 33, isMls: true, permissive: [] });
  const folder = t.testdir({
    'permissive.cil': '(typepermissive sshd_t)\n(typepermissive httpd_t)\n',
  });
  const cil = join(folder, 'base.cil');
  execFileSync('checkpolicy', ['-b', '-C', '-M', '-o', cil, DEBIAN], { stdio: 'pipe' });
  const out = join(folder, 'policy.33');
  const sources = [cil, join(folder, 'permissive.cil')];
  execFileSync('secilc', ['-M', '1', '-c', '33', '-o', out, '-f', '/dev/null', ...sources], {
    stdio: 'pipe',
  });
  t.match(readPolicyFile(readFileSync(out)), { permissive: ['httpd_t', 'sshd_t'] });
  // What is read here is what the tools read back.
  execFileSync('checkpolicy', ['-b', '-C', '-M', '-o', cil, out], { stdio: 'pipe' });
  const names = [...readFileSync(cil, 'utf8').matchAll(/^\(typepermissive (\w+)\)/gm)];
  t.strictSame(readPolicyFile(readFileSync(out)).permissive, names.map(([, name]) => name).sort());
});
