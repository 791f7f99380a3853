import t from 'tap';
import {
  ImageReferenceError,
  isHost,
  isHostOrName,
  isShortName,
  parseReference,
  qualifiedName,
  referenceText,
  tryParseReference,
  withDefaultTag,
} from '../../../shared/trust/reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

const accepted: readonly (readonly [string, string, string])[] = [
  ['busybox', 'docker.io/library/busybox', 'docker.io'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36', 'docker.io'],
  ['docker.io/busybox', 'docker.io/library/busybox', 'docker.io'],
  ['index.docker.io/user/x', 'docker.io/user/x', 'docker.io'],
  ['ns/repo', 'docker.io/ns/repo', 'docker.io'],
  ['localhost/x', 'localhost/x', 'localhost'],
  ['host:5000/x', 'host:5000/x', 'host:5000'],
  ['Quay.IO/ns/repo:T', 'Quay.IO/ns/repo:T', 'Quay.IO'],
  [`quay.io/x@${digest}`, `quay.io/x@${digest}`, 'quay.io'],
  [`quay.io/x:t@${digest}`, `quay.io/x:t@${digest}`, 'quay.io'],
  ['ex_ample.com/x', 'ex_ample.com/x', ''],
  ['a__b/c--d.e', 'docker.io/a__b/c--d.e', 'docker.io'],
];
for (const [text, normal, domain] of accepted) {
  t.test(`${text} is ${normal}`, async (t) => {
    const reference = parseReference(text);
    t.equal(referenceText(reference), normal);
    t.equal(reference.domain, domain);
    t.equal(reference.name, domain === '' ? reference.path : `${domain}/${reference.path}`);
    t.equal(referenceText(parseReference(normal)), normal, 'its normal form reads as itself');
  });
}

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', /found nothing/],
  ['a blank', ' ', /expected an image reference/],
  ['upper case in the path', 'quay.io/Repo', /lower case/],
  ['upper case without a host', 'Repo/x', /lower case/],
  ['an image id', 'a'.repeat(64), /image id/],
  ['a short digest', 'x@sha256:abc', /64 lower-case hex digits/],
  ['an upper-case digest', `x@${digest.toUpperCase()}`, /digest/],
  ['two digests', `x@${digest}@${digest}`, /./],
  ['a tag behind a digest', `x@${digest}:t`, /digest/],
  ['an empty tag', 'x:', /host\/path:tag/],
  ['a tag of 129 characters', `x:${'t'.repeat(129)}`, /host\/path:tag/],
  ['a tag that begins with a dash', 'x:-t', /host\/path:tag/],
  ['a transport', 'docker://quay.io/x', /./],
  ['a leading slash', '/x', /./],
  ['a trailing slash', 'quay.io/x/', /./],
  ['an empty part', 'quay.io//x', /./],
  ['a dot at the end of the host', 'quay.io./x', /./],
  ['an IPv6 host', '[::1]:5000/x', /./],
  ['three underscores', 'a___b', /./],
  ['a line end', 'quay.io/x\n', /./],
  ['letters beyond ASCII', 'quay.io/\u00e9', /./],
  ['a name of 256 characters', `quay.io/${'a'.repeat(248)}`, /at most 255/],
];
for (const [name, text, message] of refused) {
  t.test(`${name} is no reference`, async (t) => {
    t.throws(() => parseReference(text), { code: 'ERR_IMAGE_REFERENCE', message });
    t.equal(tryParseReference(text), undefined);
  });
}

t.test('the default tag is added only where neither tag nor digest is', async (t) => {
  const complete = (text: string) => referenceText(withDefaultTag(parseReference(text)));
  t.equal(complete('busybox'), 'docker.io/library/busybox:latest');
  t.equal(complete('busybox:1'), 'docker.io/library/busybox:1');
  t.equal(complete(`busybox@${digest}`), `docker.io/library/busybox@${digest}`);
});

t.test('a text made to be slow is refused at once', async (t) => {
  const startedAt = performance.now();
  for (const text of [
    `${'a'.repeat(500)}!`,
    `quay.io/${'a-'.repeat(120)}!`,
    `${'a.'.repeat(250)}!/x`,
    `${'a/'.repeat(280)}A`,
    'a'.repeat(5_000_000),
    `${'-'.repeat(400)}/x`,
  ]) {
    t.throws(() => parseReference(text), ImageReferenceError);
  }
  t.ok(performance.now() - startedAt < 1000, 'all within a second');
});

t.test('hosts, prefixes and short names are told apart', async (t) => {
  for (const text of ['quay.io', 'localhost', 'h:5000', 'UPPER.example', '1.2.3.4'])
    t.ok(isHost(text), text);
  for (const text of ['', 'a_b', 'quay.io/x', 'h:', 'h:5a', '-a', 'a-', 'a..b'])
    t.notOk(isHost(text), text);
  for (const text of ['quay.io', 'quay.io/ns/repo', 'ns/repo']) t.ok(isHostOrName(text), text);
  for (const text of ['', '*.io', 'quay.io/', 'quay.io/Ns', 'quay.io/x:t', 'a_b/c', 'https://x']) {
    t.notOk(isHostOrName(text), text);
  }
  for (const text of ['busybox', 'library/busybox', 'a_b', 'foo.bar'])
    t.ok(isShortName(text), text);
  for (const text of ['', 'quay.io/x', 'localhost/x', 'x:t', `x@${digest}`])
    t.notOk(isShortName(text), text);
  t.equal(qualifiedName('docker.io/busybox'), 'docker.io/library/busybox');
  for (const text of ['busybox', 'ns/x', 'quay.io/x:t', `quay.io/x@${digest}`, 'quay.io']) {
    t.equal(qualifiedName(text), undefined, text);
  }
});
