import * as v from 'valibot';
import type { Json } from '../canonical.ts';
import { CodedError } from '../errors.ts';
import { VERDICTS } from '../images.ts';
import type { ImageOutcome, NodeSimulation } from '../simulation.ts';

/** What a node answered is no outcome of a simulation. */
export class NodeAnswerError extends CodedError<'ERR_NODE_ANSWER'> {}

/** JSON of the outcomes in one part, in UTF-16 code units: far below what a frame takes. */
const PART_LENGTH = 262_144;
/** Words about a node; what is more is not said. */
const MOST_WORDS = 64;
const MOST_IMAGES = 65_536;

/** Its length is bounded by the frame. */
const word = v.string();
const words = v.pipe(v.array(word), v.maxLength(MOST_WORDS));
const user = v.object({
  namespace: v.optional(word),
  pod: v.optional(word),
  container: word,
});
const outcome = v.object({
  imageId: word,
  reference: word,
  digest: word,
  namespace: v.optional(word),
  pods: v.array(user),
  now: v.picklist(VERDICTS),
  nowReason: v.optional(word),
  after: v.picklist(VERDICTS),
  reason: v.optional(word),
  message: v.optional(word),
  scope: word,
});
const first = v.object({ policy: word, gaps: words, notes: words, images: v.array(outcome) });
const further = v.object({ images: v.array(outcome) });

/** The answer of a node in parts: all but the first hold nothing but images. */
export function answerParts({ images, policy, gaps, notes }: NodeSimulation): readonly Json[] {
  const head = { policy, gaps: gaps.slice(0, MOST_WORDS), notes: notes.slice(0, MOST_WORDS) };
  const [one = [], ...more] = portions(images);
  return [{ ...head, images: one }, ...more.map((portion) => ({ images: portion }))];
}

function portions(images: readonly ImageOutcome[]): readonly (readonly Json[])[] {
  const parts: Json[][] = [];
  let length = PART_LENGTH;
  for (const image of images) {
    const size = JSON.stringify(image).length;
    length += size;
    if (length > PART_LENGTH) {
      parts.push([]);
      length = size;
    }
    parts.at(-1)?.push({ ...image, pods: image.pods.map((pod) => ({ ...pod })) });
  }
  return parts;
}

/** What a node answered, put together. Throws `NodeAnswerError`. */
export function readAnswer(parts: readonly unknown[]): NodeSimulation {
  const [head, ...rest] = parts;
  const { images, ...about } = read(first, head, 1);
  const all = [...images];
  for (const [index, part] of rest.entries()) all.push(...read(further, part, index + 2).images);
  if (all.length > MOST_IMAGES) {
    throw new NodeAnswerError('ERR_NODE_ANSWER', `${all.length} images, at most ${MOST_IMAGES}`);
  }
  return { ...about, images: all as readonly ImageOutcome[] }; // an absent member is one that is undefined
}

function read<T>(schema: v.GenericSchema<unknown, T>, value: unknown, part: number): T {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue) ?? '';
  const message = `part ${part}: ${place}: ${issue.message.slice(0, 200)}`;
  throw new NodeAnswerError('ERR_NODE_ANSWER', message);
}
