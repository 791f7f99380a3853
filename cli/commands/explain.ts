import { checks } from '../../agent/checks/index.ts';
import { isAsked, type Profile, type Tailoring, tailoringOf } from '../../agent/profile.ts';
import { API_VERSION } from '../../shared/api.ts';
import type { Rule } from '../../shared/findings.ts';
import { matches } from '../../shared/pattern.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { NO_HEADERS_OPTION, outputOption, PROFILE_OPTION } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { mappingsText, mappingText } from '../output/mapping.ts';
import { wrap } from '../output/wrap.ts';
import { namedProfile } from '../profile.ts';
import { rulesOf, unknownRule } from '../rules.ts';

/** A rule and, where a profile was named, what it says of it. */
interface ExplainedRule extends Rule {
  readonly tailoring?: Tailoring & { readonly profile: string };
}

const PRESENTATION: Presentation<ExplainedRule> = {
  resource: 'rule',
  nameOf: ({ id }) => id,
  columns: [
    { header: 'RULE', key: 'id', value: ({ id }) => id },
    { header: 'SEVERITY', key: 'severity', value: ({ severity }) => severity },
    {
      header: 'ROLE',
      key: 'role',
      value: ({ tailoring }) => (tailoring === undefined ? null : roleWord(tailoring)),
      wide: true,
    },
    {
      header: 'CONTROLS',
      key: 'mappings',
      value: ({ mappings }) => mappings.map(mappingText).join(';'),
      wide: true,
    },
    { header: 'TITLE', key: 'title', value: ({ title }) => title, shrink: 'end' },
  ],
};

export const explain: Command = {
  description: `Says what a rule asks, why, how to put it right, and which controls it maps to; with --profile also how it
counts there. Without a rule: the list of all.`,
  arguments: [
    { name: 'RULE', description: 'rules or checks; * stands for anything', repeatable: true },
  ],
  options: [
    {
      ...PROFILE_OPTION,
      description: 'say how the rules count in this profile: a shipped one, or the path of a file',
    },
    outputOption(),
    NO_HEADERS_OPTION,
  ],
  examples: [
    { line: 'nodeseal explain selinux.enforcing', meaning: 'one rule, in words' },
    { line: "nodeseal explain 'trust.*' --profile stig", meaning: 'rules as the STIG has them' },
    { line: 'nodeseal explain -o csv > rules.csv', meaning: 'every rule with its controls' },
  ],
  async run(invocation, io) {
    const asked = invocation.positional.map((word) => word.replace(/^(?:rule|finding)\//, ''));
    const found = asked.length === 0 ? rulesOf(checks) : asked.flatMap(rulesFor);
    const named = invocation.value('profile');
    const profile = named === undefined ? undefined : await namedProfile(named);
    const rules = found.map((rule) => tailored(rule, profile));
    const style = styleOf(io, invocation.value('color'));
    const output = invocation.value('output') ?? 'table';
    if (asked.length > 0 && output === 'table') {
      const columns = Math.min(style.columns, 100);
      io.stdout.write(rules.map((rule) => ruleText(rule, columns)).join('\n'));
      return EXIT.clean;
    }
    const list = { apiVersion: API_VERSION, kind: 'RuleList', items: rules };
    const headers = !invocation.flag('no-headers');
    if (isFormat(output)) io.stdout.write(listText(list, PRESENTATION, output, style, headers));
    return EXIT.clean;
  },
};

function tailored(rule: Rule, profile: Profile | undefined): ExplainedRule {
  if (profile === undefined) return rule;
  const tailoring = tailoringOf(profile, rule.id);
  const severity = tailoring.severity ?? rule.severity;
  return { ...rule, severity, tailoring: { ...tailoring, profile: profile.name } };
}

/** A rule that is not selected is not asked, whatever its role. */
function roleWord(tailoring: Tailoring): Tailoring['role'] {
  return isAsked(tailoring) ? tailoring.role : 'unchecked';
}

const ROLE_WORDS: Readonly<Record<Tailoring['role'], string>> = {
  full: 'asked, and a failure counts',
  unscored: 'asked, and a failure is told without counting (unscored)',
  unchecked: 'not asked (unchecked)',
};

function rulesFor(word: string): readonly Rule[] {
  const check = checks.find(({ id }) => id === word);
  const found = check?.rules ?? rulesOf(checks).filter(({ id }) => matches(word, id));
  if (found.length === 0) throw unknownRule(word, checks);
  return found;
}

function ruleText(
  { id, title, severity, rationale, remediation, mappings, tailoring }: ExplainedRule,
  columns: number,
): string {
  const part = (name: string, text: string): string => {
    const margin = ' '.repeat(11);
    const lines = wrap(text, columns - margin.length);
    return `${`${name}:`.padEnd(margin.length)}${lines.join(`\n${margin}`)}\n`;
  };
  return [
    part('Rule', id),
    part('Asks', title),
    part('Severity', severity),
    part('Why', rationale),
    part('Fix', `${remediation.text} (${remediation.kind})`),
    part('Controls', mappingsText(mappings)),
    ...(tailoring === undefined
      ? []
      : [part('Profile', `${tailoring.profile}: ${ROLE_WORDS[roleWord(tailoring)]}`)]),
  ].join('');
}
