import t from 'tap';
import { ClockSkew } from '../../agent/clock-skew.ts';

/** What frames tell, in seconds, and what is believed after each. */
const cases: readonly (readonly [
  string,
  readonly (readonly [told: number, believed: number | undefined])[],
])[] = [
  [
    'clocks that agree',
    [
      [0.1, 0.1],
      [-0.4, 0.1],
      [2, 0.1],
    ],
  ],
  [
    'clocks that are apart at the start',
    [
      [60, undefined],
      [60.5, 60.5],
      [59, 60.5],
    ],
  ],
  [
    'one frame that was held up',
    [
      [0, 0],
      [-9, 0],
      [0, 0],
      [-9, 0],
      [0.1, 0],
    ],
  ],
  [
    'frames held up for other times',
    [
      [0, 0],
      [-9, 0],
      [-4, 0],
      [-12, 0],
      [0, 0],
    ],
  ],
  [
    'a jump and the way back',
    [
      [0, 0],
      [86_400, 0],
      [86_400, 86_400],
      [0, 86_400],
      [0, 0],
    ],
  ],
  [
    'a clock that drifts over the bound and back a little',
    [
      [4.9, 4.9],
      [5.2, 4.9],
      [4.8, 4.9],
      [6.5, 4.9],
    ],
  ],
  [
    'one that drifts away',
    [
      [4.9, 4.9],
      [7, 4.9],
      [7.1, 7.1],
    ],
  ],
];
for (const [name, steps] of cases) {
  t.test(name, async (t) => {
    const skew = new ClockSkew();
    t.equal(skew.aheadMs, undefined);
    for (const [told, believed] of steps) {
      const before = skew.aheadMs;
      const isNews = skew.note(told * 1000);
      t.equal(skew.aheadMs, believed === undefined ? undefined : believed * 1000, `${told} s`);
      t.equal(isNews, skew.aheadMs !== before, 'and it says whether that is another');
    }
  });
}
