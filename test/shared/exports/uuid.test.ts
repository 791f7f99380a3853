import t from 'tap';
import { uuidOf, uuidV5 } from '../../../shared/exports/uuid.ts';

t.test('RFC 9562, appendix A.4', async (t) => {
  const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
  t.equal(uuidV5(dns, 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

t.test('kinds and names are told apart', async (t) => {
  t.equal(uuidOf('node', 'a'), uuidOf('node', 'a'));
  const all = [uuidOf('node', 'a'), uuidOf('risk', 'a'), uuidOf('node', 'a', ''), uuidOf('node')];
  t.equal(new Set(all).size, all.length);
});
