import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';

/** More at once than any fleet has callers: the oldest are forgotten. */
const MOST = 10_000;

/** Answers about credentials for some time, so that not every request asks the API server. Credentials are not kept. */
export class Remembered<Answer> {
  readonly #clock: Clock;
  readonly #lifeMs: (answer: Answer) => number;
  readonly #answers = new Map<string, { readonly answer: Promise<Answer>; untilMs: number }>();

  constructor(clock: Clock, lifeMs: (answer: Answer) => number) {
    this.#clock = clock;
    this.#lifeMs = lifeMs;
  }

  /** The answer from before, or a new one; the same question asked twice at once is one. A failure is not kept. */
  async get(credential: string, ask: () => Promise<Answer>): Promise<Answer> {
    const key = createHash('sha256').update(credential).digest('base64');
    const known = this.#answers.get(key);
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs) return await known.answer;
    const entry = { answer: ask(), untilMs: Number.POSITIVE_INFINITY };
    this.#answers.delete(key);
    this.#answers.set(key, entry);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MOST && oldest !== undefined) this.#answers.delete(oldest);
    try {
      const answer = await entry.answer;
      entry.untilMs = this.#clock.monotonicMs() + this.#lifeMs(answer);
      return answer;
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
  }
}
