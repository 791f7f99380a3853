import fc from 'fast-check';
import t from 'tap';
import { scopesAbove } from '../../../../shared/trust/policy-diff/scopes-above.ts';
import { ImageReferenceError } from '../../../../shared/trust/reference.ts';
import { scopeCandidates } from '../../../../shared/trust/scope-candidates.ts';

const hex = '0123456789abcdef'.repeat(4);
const name = fc
  .tuple(
    fc.constantFrom(
      '',
      'localhost/',
      'h:5000/',
      'quay.io/',
      'a.b.example.com:443/',
      'ex_ample.com/',
      'index.docker.io/',
    ),
    fc.array(fc.constantFrom('ns', 'repo', 'a.b', 'x-y', 'library'), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom('', ':v1', ':5000', ':latest'),
    fc.constantFrom('', `@sha256:${hex}`),
  )
  .map(([host, path, tag, digest]) => `${host}${path.join('/')}${tag}${digest}`);
const path = fc
  .array(fc.constantFrom('a', 'b.c', 'x:y'), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);
const stored = fc
  .tuple(
    fc.constantFrom('[overlay@/var/lib/s]', '[vfs@/s+/run]'),
    fc.oneof(name, fc.constant('')),
    fc.constantFrom('', `@${hex}`),
  )
  .map((parts) => parts.join(''));
const image = fc.oneof(
  fc.tuple(fc.constantFrom('docker', 'atomic', 'docker-daemon'), name),
  fc.tuple(fc.constantFrom('dir', 'sif', 'oci', 'oci-archive'), path),
  fc.tuple(fc.constant('containers-storage'), stored),
);

t.test('the scopes above one are those that the look-up asks after it', async (t) => {
  let compared = 0;
  const seed = Date.now() & 0x7fffffff;
  t.comment(`seed ${seed}`);
  fc.assert(
    fc.property(image, ([transport, reference]) => {
      const candidates = candidatesOf(transport, reference);
      for (const [index, scope] of candidates.entries()) {
        compared++;
        const above = scopesAbove(transport, scope);
        if (above.join('\n') !== candidates.slice(index + 1).join('\n')) {
          throw new Error(
            `${transport} ${scope}: expected ${candidates.slice(index + 1)}, found ${above}`,
          );
        }
      }
    }),
    { seed, numRuns: 1000 },
  );
  t.ok(compared > 2000, `${compared} scopes compared`);
});

/** None for what the transport does not take. */
function candidatesOf(transport: string, reference: string): readonly string[] {
  try {
    return scopeCandidates(transport, reference);
  } catch (error) {
    if (error instanceof ImageReferenceError) return [];
    throw error;
  }
}

t.test('an unknown transport has no scopes above another', async (t) => {
  t.same(scopesAbove('ostree', '/a/b'), []);
});
