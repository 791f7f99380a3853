import t from 'tap';
import { cookie, readCookies } from '../../../aggregator/web/cookies.ts';
import { localPath } from '../../../aggregator/web/forms.ts';
import { type Content, html, lines } from '../../../aggregator/web/html.ts';
import { cut } from '../../../aggregator/web/words.ts';

t.test('a template makes text of every value', async (t) => {
  const cases: readonly (readonly [Content, string])[] = [
    ['<b>&"\'', '&lt;b&gt;&amp;&quot;&#39;'],
    [7, '7'],
    [null, ''],
    [undefined, ''],
    [false, ''],
    [['a', html`<i>${'<'}</i>`, ['b', null]], 'a<i>&lt;</i>b'],
    ['evil\u202egpj', 'evil\\u{202e}gpj'],
    ['\u001b[31m\u0000', '\\x1b[31m\\x00'],
    ['\ud800', '\\u{d800}'],
  ];
  for (const [value, expected] of cases) {
    t.equal(
      html`<p title="${value}">${value}</p>`.toString(),
      `<p title="${expected}">${expected}</p>`,
    );
  }
  t.equal(html`${lines('{\n  "a": "<"\n}')}`.toString(), '{\n  &quot;a&quot;: &quot;&lt;&quot;\n}');
});

t.test('a text is cut between characters', async (t) => {
  t.equal(cut('abc', 3), 'abc');
  t.equal(cut('abcd', 3), 'abc…');
  t.equal(cut('😀😀😀', 2), '😀😀…');
  t.equal(cut('x'.repeat(10_000)).length, 401);
});

t.test('a link leads to a path of this server', async (t) => {
  const cases = [
    ['/nodes?pool=a&state=late', '/nodes?pool=a&state=late'],
    ['/nodes/a%2Fb', '/nodes/a%2Fb'],
    ['', '/'],
    [undefined, '/'],
    [null, '/'],
    ['nodes', '/'],
    ['https://evil.example/', '/'],
    ['//evil.example/', '/'],
    ['/\\evil.example', '/'],
    ['/a\\b', '/'],
    ['/\tevil', '/'],
    ['/a\r\nset-cookie: x', '/'],
    ['javascript:alert(1)', '/'],
  ] as const;
  for (const [text, expected] of cases) t.equal(localPath(text), expected, String(text));
});

t.test('cookies', async (t) => {
  t.equal(
    cookie('a', 'b', { isSecure: true, maxAgeSeconds: 0 }),
    'a=b; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0',
  );
  t.equal(cookie('a', 'b', { isSecure: false }), 'a=b; Path=/; HttpOnly; SameSite=Strict');
  const cases = [
    [undefined, []],
    ['', []],
    [
      'a=1; b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['a=1; a=2', [['a', '1']]],
    ['=x; y; z=', [['z', '']]],
    ['a=b=c', [['a', 'b=c']]],
  ] as const;
  for (const [header, expected] of cases) t.same([...readCookies(header)], expected, header ?? '-');
});
