import t from 'tap';
import { exceptionText, findingText, unnamedSubject } from '../../shared/finding-text.ts';

const override = {
  oldResult: 'fail',
  authority: 'alice',
  remark: 'change 4711',
  until: '2027-03-31',
} as const;

t.test('a finding that does not count says why before what was seen', async (t) => {
  const message = 'SELinux is permissive';
  const rows = [
    [{ message }, message],
    [{ message, reason: 'permission' }, message],
    [{ message, reason: 'informational' }, `informational: ${message}`],
    [
      { message, reason: 'informational', override },
      `exception of alice until 2027-03-31 (change 4711): ${message}`,
    ],
  ] as const;
  for (const [finding, expected] of rows) t.equal(findingText(finding), expected);
  t.equal(exceptionText(override), 'exception of alice until 2027-03-31 (change 4711)');
});

t.test('a subject is told beside the message unless that names it', async (t) => {
  t.equal(unnamedSubject({ message: 'the node is permissive' }), undefined);
  t.equal(unnamedSubject({ subject: '/etc/a', message: '/etc/a is missing' }), undefined);
  t.equal(unnamedSubject({ subject: '/etc/a', message: 'a file is missing' }), '/etc/a');
});
