import type { ArgumentSpec, Command, OptionSpec } from '../command.ts';
import { COMMANDS } from '../commands/index.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { outputOption, SERVER_OPTIONS } from '../options.ts';
import { commandOf, membersOf, verbIn, without } from '../verb.ts';
import { type Asked, invocationOf, optionNamed, optionsOf, partsOf, readAsked } from './asked.ts';
import { NOTHING, type Offer, offerText, wordsOffer } from './offer.ts';
import { lastOfList, valuesFor } from './values.ts';

/**
 * Answers a shell: what may stand in place of the last of `words`, by the data the help is made of. Never fails and says
 * nothing on stderr: a person is in the middle of a line. What a server does not tell within 1.5 s is left out.
 */
export async function complete(words: readonly string[], io: Io): Promise<ExitCode> {
  const last = words.at(-1) ?? '';
  // Of `--output=js` shells complete what stands behind the sign.
  const typed = /^--?[\w-]+=/.test(last) ? last.slice(last.indexOf('=') + 1) : last;
  let offer = NOTHING;
  try {
    offer = await offerFor(words.slice(0, -1), last, { ...io, verbose: false });
  } catch {
    // Nothing to offer.
  }
  io.stdout.write(offerText(offer, typed));
  return EXIT.clean;
}

async function offerFor(before: readonly string[], last: string, io: Io): Promise<Offer> {
  const rest = verbIn(before)[0] === 'help' ? without(before, ['help']) : before;
  const verb = verbIn(rest);
  const entry = commandOf(verb);
  if (entry === undefined) return await beforeVerb(rest, verb, last, io);
  return await inCommand(await entry.load(), without(rest, verb), last, io);
}

/** The verb itself, its second word, or one of the flags that may stand before it. */
async function beforeVerb(
  before: readonly string[],
  verb: readonly string[],
  last: string,
  io: Io,
): Promise<Offer> {
  const options = optionsOf({ options: [outputOption(), ...SERVER_OPTIONS] });
  const asked = readAsked(before, options);
  if (asked.open !== undefined || last.startsWith('-')) {
    return await optionOffer(asked, options, last, io);
  }
  const [group] = verb;
  if (group === undefined) {
    const single = COMMANDS.filter(({ path }) => path.length === 1);
    const groups = Map.groupBy(
      COMMANDS.filter(({ path }) => path.length === 2),
      ({ path }) => path[0],
    );
    return {
      candidates: [
        ...single.map(({ path: [word], summary }) => ({ word, about: summary })),
        ...[...groups].map(([word, members]) => ({
          word,
          about: members.map(({ path }) => path[1]).join(', '),
        })),
        { word: 'help', about: 'flags and examples of a command' },
      ],
    };
  }
  const members = verb.length === 1 ? membersOf(group) : [];
  return {
    candidates: members.map(({ path, summary }) => ({ word: path[1] ?? '', about: summary })),
  };
}

async function inCommand(
  command: Command,
  before: readonly string[],
  last: string,
  io: Io,
): Promise<Offer> {
  const options = optionsOf(command);
  const asked = readAsked(before, options);
  if (asked.open !== undefined || (last.startsWith('-') && !asked.isPlain)) {
    return await optionOffer(asked, options, last, io);
  }
  const argument = argumentAt(command.arguments, asked.positional.length);
  if (argument === undefined) return NOTHING;
  return await valueOffer(argument, argument.name, last, asked, io);
}

/** The last argument may stand for any number. */
function argumentAt(specs: readonly ArgumentSpec[], at: number): ArgumentSpec | undefined {
  const last = specs.at(-1);
  return specs[at] ?? (last?.repeatable ? last : undefined);
}

/** A flag, or the value of the one that stands before or behind whose `=` it stands. */
async function optionOffer(
  asked: Asked,
  options: readonly OptionSpec[],
  last: string,
  io: Io,
): Promise<Offer> {
  const equals = last.indexOf('=');
  const option = asked.open ?? optionNamed(last.slice(0, Math.max(equals, 0)), options);
  if (option !== undefined) {
    const typed = asked.open === undefined ? last.slice(equals + 1) : last;
    return await valueOffer(option, partsOf(option).metavar ?? '', typed, asked, io);
  }
  const left = options.filter(
    (spec) => spec.repeatable === true || !asked.values.has(partsOf(spec).long),
  );
  return {
    candidates: left.flatMap((spec) =>
      partsOf(spec)
        .names.filter((name) => name.startsWith('--') || last === '-')
        .map((word) => ({ word, about: spec.description.replaceAll(/\s+/g, ' ') })),
    ),
  };
}

/** One already given is not offered again. */
async function valueOffer(
  spec: OptionSpec | ArgumentSpec,
  metavar: string,
  typed: string,
  asked: Asked,
  io: Io,
): Promise<Offer> {
  const known = ('choices' in spec ? spec.choices : undefined) ?? spec.suggestions;
  if (known !== undefined && spec.repeatable !== true && !metavar.endsWith('list')) {
    return wordsOffer(known);
  }
  if (known !== undefined) return lastOfList(wordsOffer(known), typed);
  const place = { metavar: metavar.toLowerCase(), typed, invocation: invocationOf(asked) };
  const offer = await valuesFor(place, io);
  const given = new Set(asked.positional);
  return { ...offer, candidates: offer.candidates.filter(({ word }) => !given.has(word)) };
}
