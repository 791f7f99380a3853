import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { lastMadePerHost } from '../../agent/last-made.ts';

t.test('with the same key it is the same object, of each host its own', async (t) => {
  const last = lastMadePerHost<object>();
  const [one, other] = [openHost('/'), openHost('/')];
  const first = last(one, 'a', () => ({}));
  t.equal(
    last(one, 'a', () => ({})),
    first,
  );
  t.not(
    last(other, 'a', () => ({})),
    first,
  );
  t.not(
    last(one, 'b', () => ({})),
    first,
  );
});

t.test('what failed is made again', async (t) => {
  const last = lastMadePerHost<string>();
  const host = openHost('/');
  const fail = (): string => {
    throw new Error('no');
  };
  t.throws(() => last(host, 'a', fail), { message: 'no' });
  t.equal(
    last(host, 'a', () => 'made'),
    'made',
  );
});
