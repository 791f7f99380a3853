import { SOURCE_IDS, type SourceId } from '../agent/signatures/source.ts';
import { nearest } from '../shared/nearest.ts';
import type { OptionSpec } from './command.ts';
import { usageError } from './errors.ts';

export const SOURCES_OPTION: OptionSpec = {
  flags: '--sources <list>',
  description: `where signatures are taken from, in this order: ${SOURCE_IDS.join(', ')};
named, lookaside asks servers of lookasides too, registry registries.
Default: store, then lookasides that are files of the node`,
  suggestions: SOURCE_IDS,
};

/** The sources that a list names, in its order. */
export function readSources(text: string): readonly SourceId[] {
  const words = text.split(',').filter((word) => word !== '');
  if (words.length === 0) throw usageError('--sources names no source');
  return words.map((word) => {
    const source = SOURCE_IDS.find((id) => id === word);
    if (source !== undefined) return source;
    const close = nearest(word, SOURCE_IDS);
    throw usageError(`--sources: '${word}' is no source of signatures`, {
      next: close === undefined ? `known: ${SOURCE_IDS.join(', ')}` : `did you mean '${close}'?`,
    });
  });
}
