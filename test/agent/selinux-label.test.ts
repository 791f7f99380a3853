import t from 'tap';
import { parseLabel } from '../../agent/selinux-label.ts';

const P = 'system_u:system_r:container_t';
const ALL = Array.from({ length: 1024 }, (_, number) => number);

const LABELS: readonly (readonly [text: string, categories: readonly number[] | undefined])[] = [
  [`${P}:s0`, []],
  [`${P}:s0:c5,c3`, [3, 5]],
  [`${P}:s0:c3,c5`, [3, 5]],
  [`${P}:s0:c3,c3`, [3]],
  [`${P}:s0:c1.c4,c9`, [1, 2, 3, 4, 9]],
  [`${P}:s0-s0:c0.c1023`, ALL],
  [`${P}:s0-s0`, []],
  [`${P}:s15:c1`, [1]],
  [`${P}:s0:c1023`, [1023]],
  [`${P}:s0:c1024`, undefined],
  [`${P}:s0:c0.c99999`, undefined],
  [`${P}:s0:`, undefined],
  [`${P}:s0:x`, undefined],
  [`${P}:SystemHigh`, undefined],
  [P, undefined],
];

for (const [text, categories] of LABELS) {
  t.test(`the label ${text} has its categories in order`, async (t) => {
    const label = parseLabel(text);
    t.equal(label?.type, 'container_t');
    t.strictSame(label?.categories, categories);
  });
}

for (const text of ['', 'kernel', 'unconfined', 'a:b', ':::', 'a::c:s0']) {
  t.test(`${JSON.stringify(text)} is no label`, async (t) => {
    t.equal(parseLabel(text), undefined);
  });
}

t.test('a level that no kernel gives takes no time', async (t) => {
  const label = parseLabel(`${P}:s0:${'c0.c1023,'.repeat(400_000)}c1`);
  t.equal(label?.type, 'container_t');
  t.equal(label?.categories, undefined);
});
