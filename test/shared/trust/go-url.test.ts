import t from 'tap';
import { parseUrl, urlText } from '../../../shared/trust/go-url.ts';

/** What Go's net/url gives for an address to whose path "/r" was added. */
const cases: readonly (readonly [string, string])[] = [
  ['https://a.example', 'https://a.example/r'],
  ['https://a.example/', 'https://a.example//r'],
  ['HTTPS://A.example/S?x=1&y#f', 'https://A.example/S/r?x=1&y#f'],
  ['https://a.example/s?', 'https://a.example/s/r?'],
  ['https://user:p%40ss@a.example:8443/s', 'https://user:p%40ss@a.example:8443/s/r'],
  ['https://a.example/a%20b', 'https://a.example/a%20b/r'],
  ['https://a.example/a%2Fb', 'https://a.example/a/b/r'],
  ['https://a.example/a(b)', 'https://a.example/a%28b%29/r'],
  ['https://a.example/\u00e9', 'https://a.example/%C3%A9/r'],
  ['https://[::1]:5000/s', 'https://[::1]:5000/s/r'],
  ['file:///srv/sigs', 'file:///srv/sigs/r'],
  ['file:/srv/sigs', 'file:/srv/sigs/r'],
  ['file://host/srv', 'file://host/srv/r'],
  ['/srv/sigs', '/srv/sigs/r'],
  ['sigs', 'sigs/r'],
  ['123', '123/r'],
  ['', '/r'],
  ['//a.example/s', '//a.example/s/r'],
  ['mailto:someone', 'mailto:someone'],
  ['ftp://a.example', 'ftp://a.example/r'],
];
for (const [address, expected] of cases) {
  const url = parseUrl(address);
  t.equal(urlText({ ...url, path: `${url.path}/r` }), expected, `"${address}" with /r`);
}

for (const address of [
  ':no-scheme',
  '1:2',
  'a b:c',
  'http://[::1',
  'http://a.example:port',
  'http://a b/',
  'http://a.example/%zz',
  'http://a.example/%',
  'http://a%41.example/',
  'http://u^@a.example/',
  'http://a.example/\n',
  'http://a.example/#%zz',
]) {
  t.throws(
    () => parseUrl(address),
    { code: 'ERR_URL' },
    `${JSON.stringify(address)} is no address`,
  );
}

t.equal(parseUrl('file:///a%20b').path, '/a b', 'a path is unescaped');
