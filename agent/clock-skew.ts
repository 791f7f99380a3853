/** Less than this is what networks and busy programs do to a frame that says the time. */
const NOISE_MS = 2000;
/** Beyond this the clocks are apart. */
export const MAX_SKEW_MS = 5000;

/**
 * How far the aggregator's clock is ahead, as frames tell it. A frame that was held up looks like a clock that is behind:
 * another time is believed when the next frame says so too, so that what is said of the clock does not flap.
 */
export class ClockSkew {
  #aheadMs: number | undefined;
  #doubtMs: number | undefined;

  /** Milliseconds; undefined before anything is known. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }

  /** Takes in what a frame told; true when something else is believed now. */
  note(aheadMs: number): boolean {
    const known = this.#aheadMs;
    const isFine = known === undefined ? Math.abs(aheadMs) <= MAX_SKEW_MS : isNear(aheadMs, known);
    const isConfirmed = this.#doubtMs !== undefined && isNear(aheadMs, this.#doubtMs);
    this.#doubtMs = isFine || isConfirmed ? undefined : aheadMs;
    if (isFine ? known !== undefined : !isConfirmed) return false;
    this.#aheadMs = aheadMs;
    return true;
  }
}

function isNear(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) <= NOISE_MS;
}
