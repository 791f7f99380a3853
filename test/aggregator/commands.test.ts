import t, { type Test } from 'tap';
import { Commands } from '../../aggregator/commands.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Command, CommandResult } from '../../shared/protocol.ts';

interface Asking {
  readonly commands: Commands;
  readonly answer: Promise<readonly unknown[]>;
  part(part: Partial<CommandResult>): void;
}

function ask(): Asking {
  const sent: Command[] = [];
  const commands = new Commands((frame) => sent.push(frame), systemClock);
  const answer = commands.ask('list', {}, 60_000);
  const [{ id } = { id: '' }] = sent;
  return {
    commands,
    answer,
    part: (part) => commands.answered({ type: 'result', id, part: 1, of: 1, ok: true, ...part }),
  };
}

t.test('an answer is whole when its last part has come', async (t) => {
  const { answer, part } = ask();
  part({ part: 1, of: 3, data: 'a' });
  part({ part: 2, of: 3 });
  part({ part: 3, of: 3, data: ['c'] });
  part({ part: 3, of: 3, data: 'too late' });
  t.same(await answer, ['a', null, ['c']]);
});

t.test('a refusal ends it, whatever came before', async (t) => {
  const { answer, part } = ask();
  part({ part: 1, of: 2, data: 'a' });
  part({ ok: false, error: 'deadline' });
  await t.rejects(answer, { code: 'ERR_COMMAND_REFUSED', message: 'deadline' });
});

const MIB = 'x'.repeat(1024 * 1024);
const BAD: readonly (readonly [string, readonly Partial<CommandResult>[], string | RegExp])[] = [
  ['a part before its turn', [{ part: 2, of: 2 }], /part 2 of 2, expected part 1/],
  ['a part twice', [{ of: 2 }, { of: 2 }], /part 1 of 2, expected part 2/],
  ['less parts than are there', [{ of: 3 }, { part: 2, of: 1 }], /part 2 of 1/],
  ['too many parts', [{ of: 65 }], /part 1 of 65/],
  [
    'too long an answer',
    Array.from({ length: 17 }, (_, at) => ({ part: at + 1, of: 20, data: MIB })),
    'the answer of the node is too long',
  ],
];
for (const [name, parts, message] of BAD) {
  t.test(`refused: ${name}`, async (t: Test) => {
    const { answer, part } = ask();
    for (const one of parts) part(one);
    await t.rejects(answer, { code: 'ERR_COMMAND_REFUSED', message });
  });
}
