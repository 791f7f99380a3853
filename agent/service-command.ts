import type { Host } from './host.ts';
import { readServiceEnvironment, type ServiceEnvironment } from './service-environment.ts';

const MAX_WORDS = 200;

/** What a service of systemd runs, as far as its files tell without systemd. */
export interface ServiceCommand {
  /** Words of `ExecStart=`, with the variables of its environment filled in where known. */
  readonly words: readonly string[];
  readonly environment: ServiceEnvironment;
}

/**
 * The command of a service; undefined where there is no such unit. No specifiers, no templates. Throws `HostError` for a
 * file of the unit that cannot be read.
 */
export async function readServiceCommand(
  host: Host,
  unit: string,
): Promise<ServiceCommand | undefined> {
  const environment = await readServiceEnvironment(host, unit);
  if (environment.unit?.fault !== undefined) throw environment.unit.fault;
  return environment.unit && { words: commandOf(environment), environment };
}

/** Words of the command of a service; none where there is no unit. */
export function commandOf({ unit, variables }: ServiceEnvironment): readonly string[] {
  return expand(unit?.words ?? [], variables);
}

/** `${NAME}` stands for one word or a part of one, `$NAME` as a word of its own for as many as its value has. */
function expand(
  command: readonly string[],
  variables: ReadonlyMap<string, string>,
): readonly string[] {
  return command.slice(0, MAX_WORDS).flatMap((word) => {
    const [, alone] = /^\$([A-Z_][A-Z0-9_]*)$/i.exec(word) ?? [];
    if (alone !== undefined) return wordsOf(variables.get(alone) ?? '');
    return word.replaceAll(
      /\$\{([A-Z_][A-Z0-9_]*)\}/gi,
      (_, name: string) => variables.get(name) ?? '',
    );
  });
}

/** Words of a value, divided by white space outside quotes; a quote that is not closed is none. */
function wordsOf(text: string): readonly string[] {
  return (text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) =>
    word.replaceAll(
      /"([^"]*)"|'([^']*)'/g,
      (_, double?: string, single?: string) => double ?? single ?? '',
    ),
  );
}
