import t from 'tap';
import { startProgress } from '../../cli/progress.ts';
import { fakeIo } from './fake-io.ts';

function told(isTerminal: boolean, env: Readonly<Record<string, string>> = {}): string {
  let nowMs = 0;
  const { io, text } = fakeIo({ isTerminal, columns: 20, env });
  {
    using progress = startProgress({ ...io, nowMs: () => nowMs });
    progress.say(() => 'too early');
    nowMs = 500;
    progress.say(() => '1 of 9');
    nowMs = 600;
    progress.say(() => 'too often');
    nowMs = 900;
    progress.say(() => '5 of 9 with words that are too long for the line');
  }
  return text.stderr;
}

t.test('progress is one line that is wiped, on terminals alone', async (t) => {
  const wipe = '\r\u001b[K';
  t.equal(told(true), `${wipe}1 of 9${wipe}5 of 9 with words t${wipe}`);
  t.equal(told(false), '', 'nothing in a pipe');
  t.equal(told(true, { TERM: 'dumb' }), '', 'nothing where a line cannot be wiped');
});
