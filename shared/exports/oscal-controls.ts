import type { Mapping } from '../findings.ts';
import { markup, token } from './oscal-text.ts';
import type { Statement } from './statement.ts';

/** `AC-3(3)(a)` of SP 800-53 as its OSCAL catalogue names control and statement. */
interface Control {
  readonly control: string;
  readonly statement?: string;
}

/** Controls of SP 800-53 among the mappings, by the ids of NIST's catalogue; each once, in order. */
function controlsOf(mappings: readonly Mapping[]): readonly Control[] {
  return mappings.flatMap(({ framework, id }) => {
    const [, family, number, rest = ''] = /^([A-Z]{2})-(\d+)((?:\([0-9a-z]+\))*)$/.exec(id) ?? [];
    if (framework !== '800-53' || family === undefined || number === undefined) return [];
    const parts = [...rest.matchAll(/\(([0-9a-z]+)\)/g)].map(([, part = '']) => part);
    const isEnhancement = /^\d+$/.test(parts[0] ?? '');
    const control = [`${family.toLowerCase()}-${number}`, ...parts.slice(0, isEnhancement ? 1 : 0)];
    const items = parts.slice(isEnhancement ? 1 : 0);
    const name = control.join('.');
    if (items.length === 0) return [{ control: name }];
    return [{ control: name, statement: `${name}_smt.${items.join('.')}` }];
  });
}

/** What a rule serves; one that serves no control of SP 800-53 stands under the name of its check. */
function servedBy({ checkId, mappings }: Served): readonly Control[] {
  const controls = controlsOf(mappings);
  return controls.length > 0 ? controls : [{ control: token(checkId) }];
}

type Served = Pick<Statement, 'checkId' | 'mappings'>;

/** `reviewed-controls` for what the rules of a node serve. There must be one: where no rule is, the coverage. */
export function reviewedControls(rules: readonly Served[]): object {
  const statements = new Map<string, Set<string>>();
  const served = rules.length > 0 ? rules : [{ checkId: 'coverage', mappings: [] }];
  for (const { control, statement } of served.flatMap(servedBy)) {
    const known = statements.get(control) ?? new Set();
    statements.set(control, known);
    if (statement !== undefined) known.add(statement);
  }
  const included = [...statements]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([control, ids]) => ({
      'control-id': control,
      ...(ids.size === 0 ? {} : { 'statement-ids': [...ids].sort() }),
    }));
  const description =
    'Controls of NIST SP 800-53 that the rules serve, else the check they are of.';
  return { 'control-selections': [{ description, 'include-controls': included }] };
}

/** A rule as an objective of the assessment: what findings are about. */
export function localObjective(statement: Statement): object {
  const { ruleId, checkId, title } = statement;
  const [first] = servedBy(statement);
  return {
    'control-id': first?.control ?? token(checkId),
    parts: [{ id: token(ruleId), name: 'assessment-objective', prose: markup(title) }],
  };
}
