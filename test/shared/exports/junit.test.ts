import t from 'tap';
import { junit } from '../../../shared/exports/junit.ts';
import { exported, exportSource, FLEET, HOSTILE_FLEET } from '../../support/exports.ts';
import { conforms, hasXmllint, xmllint, xmlSchema } from '../../support/schemas.ts';

const schema = xmlSchema('junit-10.xsd');

t.test('a suite a node, with an error for what is not known', async (t) => {
  const text = await exported(junit, exportSource(FLEET));
  await conforms(t, schema, text);
  const suites = [...text.matchAll(/<testsuite name="([^"]*)" (tests.*?) timestamp/g)];
  t.strictSame(
    suites.map(([, name, counts]) => `${name} ${counts}`),
    [
      'coverage tests="1" failures="0" errors="1" skipped="0"',
      'node-1 tests="7" failures="1" errors="2" skipped="3"',
      'node-3 tests="2" failures="0" errors="2" skipped="0"',
    ],
  );
  t.match(text, /<testsuite name="node-2" tests="1" failures="0" errors="1" skipped="0" hostname/);
  t.match(text, '<error type="unknown" message="1 of 3 nodes reporting"/>');
  t.match(text, '<property name="expected" value="3"/>');
  t.match(text, '<property name="generatedAt" value="2026-11-21T12:00:00.000Z"/>');
  const lines = [
    '<testcase name="a.pass /etc/selinux/config" classname="a"></testcase>',
    '<failure type="critical" message="message of b.fail">Set it by a MachineConfig.</failure>',
    '<skipped type="warn" message="informational: message of c.warn"></skipped>',
    '<error type="not-visible" message="message of d.unknown">',
    '<error type="permission" message="message of e.error">',
    '<skipped type="no-kubelet" message="message of f.notapplicable"></skipped>',
    '<skipped type="exception" message="exception of alice until 2027-03-31 (change 4711): message of g.excepted">',
    '<error type="stale" message="no longer known to hold: message of a.pass">',
    '<error type="not-reporting" message="the node does not report: never seen">',
  ];
  for (const line of lines) t.ok(text.includes(line), line);
});

t.test('a whole fleet passes its coverage, one without nodes does not', async (t) => {
  const [whole] = FLEET;
  const text = await exported(junit, exportSource(whole === undefined ? [] : [whole]));
  t.match(text, /<testsuite name="coverage" tests="1" failures="0" errors="0"/);
  const none = await exported(junit, exportSource([]));
  t.match(none, /<testsuite name="coverage" tests="1" failures="0" errors="1"/);
  await conforms(t, schema, none);
});

t.test('hostile names are text', async (t) => {
  const text = await exported(junit, exportSource(HOSTILE_FLEET));
  await conforms(t, schema, text);
  const skip = !hasXmllint() && 'xmllint is not installed';
  await t.test('for an XML parser', { skip }, async (t) => t.equal(xmllint([], text), ''));
  t.notMatch(text, /<script|]]>|&amp;amp;"/);
  t.match(text, /&lt;script&gt;alert\(1\)&lt;\/script&gt;&amp;amp;&quot;'/);
});
