import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checks } from '../../agent/checks/index.ts';
import { SHIPPED_PROFILES } from '../../agent/profile-file.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { EXIT_MEANINGS } from '../../cli/exit.ts';
import { FORMATS } from '../../cli/output/format.ts';
import { TYPES } from '../../cli/resource.ts';
import { EXPORT_FORMATS } from '../../shared/exports/index.ts';
import { ROOT } from './markdown.ts';

const text = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
const [, first = ''] = text.split(/^## 0\.1\.0 /m);
const spans = [...first.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
const isNamed = (words: string): boolean =>
  spans.some((span) => ` ${span} `.includes(` ${words} `));

t.test('the first release names what scripts rely on', async (t) => {
  for (const { path } of COMMANDS) t.ok(isNamed(path.join(' ')), path.join(' '));
  for (const type of TYPES) t.ok(first.includes(`\`${type}\``) || isNamed(type), type);
  for (const { id } of EXPORT_FORMATS) t.ok(isNamed(id), id);
  for (const name of [...SHIPPED_PROFILES, ...FORMATS]) t.ok(isNamed(name), name);
  for (const { id } of checks) t.ok(isNamed(id) || first.includes(`\`${id}.`), id);
  const [, codes = ''] = /^\* Exit codes: (.*)$/m.exec(first) ?? [];
  for (const [code] of EXIT_MEANINGS) t.match(codes, new RegExp(`\\b${code} `), `${code}`);
});

t.test('each line of the first release stands under one heading, once', async (t) => {
  const lines = first.split('\n').filter((line) => line.startsWith('* '));
  t.ok(lines.length > 50, `${lines.length} lines`);
  t.same(new Set(lines).size, lines.length);
  t.notMatch(first, /^### (?:Changed|Fixed|Removed)/m, 'nobody had anything before it');
  for (const [, page = ''] of first.matchAll(/\b(docs\/[\w-]+\.md)\b/g)) {
    t.doesNotThrow(() => readFileSync(join(ROOT, page)), page);
  }
});
